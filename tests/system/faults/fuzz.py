"""Websocket frames of anything, each sent to a connection that is known to be open."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from websockets.frames import Opcode

from tests.system.faults.figures import Figure
from tests.system.faults.websocket_cases import frame
from tests.system.raw_viewer import RawViewer

__all__ = ["Fuzzed", "fuzz"]

_FRAMES_EACH = 20  # over one connection, if it lasts
_MOST_REFUSED = 5  # attempts to connect, after which nobody listens
# Text and binary whole, text in parts, ping, pong; a reserved opcode, a reserved bit
_FIRST_BYTES = (0x81, 0x81, 0x81, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8A, 0x83, 0xC1)
_NO_CODE = 0
# A broken protocol, and text that isn't UTF-8; a reset, by which the code is lost that was on its way, is only told of
_EXPECTED = {1002, 1007, _NO_CODE}
_MOST_UNTOLD = 10  # % of the closes; what follows the frame that is refused may be answered by a reset


class Fuzzed(NamedTuple):
    """What became of it.

    sent: frames. handshakes: that the server accepted; refused: that it didn't. codes: how often it closed with each;
    0: without one, or it didn't answer any more.
    """

    sent: int
    handshakes: int
    refused: int
    codes: Mapping[int, int]

    def figures(self, wanted: int) -> list[Figure]:
        """wanted: frames that were to be sent."""
        fault = f"{wanted} fuzzed websocket frames"
        seen = ", ".join(f"{code}: {number}" for code, number in sorted(self.codes.items()))
        odd = sum(number for code, number in self.codes.items() if code not in _EXPECTED)
        untold = self.codes.get(_NO_CODE, 0) / max(1, sum(self.codes.values()))
        return [
            Figure.at_least(fault, "sent to an open connection", self.sent, wanted, ""),
            Figure.at_most(fault, f"handshakes refused ({self.handshakes} accepted)", self.refused, 0, ""),
            Figure.at_most(fault, f"closed with another code than 1002 and 1007 ({seen})", odd, 0, ""),
            Figure.at_most(fault, "closed without a code", 100 * untold, _MOST_UNTOLD, "%"),
        ]


def fuzz(port: int, frames: int) -> Fuzzed:
    """Send so many. A connection that is closed by one is opened anew; never raises for what the server does."""
    dice = random.Random(7)
    sent = handshakes = refused = 0
    codes: Counter[int] = Counter()
    while sent < frames and refused < _MOST_REFUSED:
        try:
            viewer = RawViewer(port)
        except OSError:
            refused += 1
            continue
        handshakes += 1
        with viewer:
            more, code = _over(viewer, dice, min(_FRAMES_EACH, frames - sent))
        sent += more
        if code is not None:
            codes[code] += 1
    return Fuzzed(sent, handshakes, refused, codes)


def _over(viewer: RawViewer, dice: random.Random, most: int) -> tuple[int, int | None]:
    """Send until the connection is closed, at most so many; returns the number, and the code; None: still open.

    A ping after each frame tells whether the connection is open for the next: pings may stand between parts.
    """
    sent = 0
    try:
        while sent < most:
            sent += 1
            if dice.random() < 0.02:  # not even a frame, and it may seem to have no end: the last thing that is said
                viewer.socket.sendall(dice.randbytes(20))
                return sent, None
            viewer.socket.sendall(frame(dice.choice(_FIRST_BYTES), _anything(dice)))
            question = b"%d frames sent" % sent
            viewer.send(question, Opcode.PING)
            while (answer := viewer.receive()) != (Opcode.PONG, question):
                opcode, payload = answer
                if opcode == Opcode.CLOSE:
                    return sent, int.from_bytes(payload[:2])
    except OSError:
        return sent, _NO_CODE
    return sent, None


def _anything(dice: random.Random) -> bytes:
    if dice.random() < 0.5:
        return b'{"type": "subscribe", "cameras": %d}' % dice.getrandbits(60)
    return dice.randbytes(dice.choice((0, 1, 10, 125, 126, 1000)))
