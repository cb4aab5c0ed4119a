"""A bad line: what becomes of each datagram on its way. No socket, no clock; the same seed does the same."""

from __future__ import annotations

import random
from typing import Final, NamedTuple

__all__ = ["GOOD", "Faults", "Line"]

_HEADER = 14  # bytes of RTP and of the NAL unit or fragment, which stay: what is behind them is what gets damaged


class Faults(NamedTuple):
    """Shares (0-1) of the datagrams that are lost, have a byte flipped, or lose their end; seconds of delay at most."""

    lost: float = 0.0
    flipped: float = 0.0
    cut: float = 0.0
    jitter: float = 0.0


GOOD: Final = Faults()


class Line:
    """Does to datagrams what its `faults` say, which may be changed at any moment."""

    def __init__(self, seed: int) -> None:
        self.faults = GOOD
        self._dice = random.Random(seed)

    def carry(self, datagram: bytes) -> tuple[float, bytes] | None:
        """Seconds of delay, and the datagram as it arrives; None: it is lost."""
        dice, faults = self._dice, self.faults
        if dice.random() < faults.lost:
            return None
        body = bytearray(datagram)
        if len(body) > _HEADER + 1:
            if dice.random() < faults.flipped:
                body[dice.randrange(_HEADER, len(body))] ^= 1 << dice.randrange(8)
            if dice.random() < faults.cut:
                del body[dice.randrange(_HEADER + 1, len(body)) :]
        return dice.uniform(0, faults.jitter), bytes(body)
