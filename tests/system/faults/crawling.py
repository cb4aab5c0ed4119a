"""A viewer that reads 1 KB a second: it gets the newest picture whenever it can take one, or is cut off."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from websockets.frames import Opcode

from streamer.server.protocol import split_picture
from tests.system.faults.figures import Figure, Process, counter
from tests.system.faults.gaps import Gaps
from tests.system.program import Program
from tests.system.raw_viewer import RawViewer

__all__ = ["crawls"]

_SECONDS = 10.0
_A_SECOND = 1024  # bytes
_PAUSE = 0.25  # s
_FRESH = 1.0  # s: a picture that didn't wait for the viewer


class _Crawler(RawViewer):
    """Reads so much for so long, calling `note` meanwhile, and from then on as fast as it can."""

    def __init__(self, port: int, note: Callable[[], None]) -> None:
        super().__init__(port, receive_buffer=4096)
        self._begin = time.monotonic()
        self.until = self._begin + _SECONDS
        self._note = note
        self._taken = 0
        self._pause = threading.Event()

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(min(self._allowed(), count - len(data)))
            if not part:
                raise ConnectionResetError("the server closed the connection")
            self._taken += len(part)
            data += part
        return data

    def _allowed(self) -> int:
        """Bytes that may be read now; waits until there are some."""
        while (now := time.monotonic()) < self.until:
            if self._taken < (now - self._begin) * _A_SECOND:
                return _A_SECOND
            self._note()
            self._pause.wait(_PAUSE)
        return 1 << 16


def crawls(program: Program, gaps: Gaps) -> list[Figure]:
    """What waits for it is bounded: what the kernel holds, and one picture."""
    fault = f"a viewer that reads 1 KB a second, for {_SECONDS:g} s"
    replaced, evicted = _replaced(program), _evicted(program)
    memory = highest = Process.of(program).memory
    old, caught_up_after = 0, -1.0
    cut_off: list[float] = []  # when that was seen
    begin = time.monotonic()

    def note() -> None:
        nonlocal highest
        highest = max(highest, Process.of(program).memory)
        if not cut_off and _evicted(program) > evicted:
            cut_off.append(time.monotonic() - begin)

    with _Crawler(urlsplit(program.url).port or 0, note) as viewer, contextlib.suppress(ConnectionError):
        viewer.subscribe(cameras=["cam"], frames="annotated")
        while caught_up_after < 0:
            opcode, payload = viewer.receive()
            if opcode != Opcode.BINARY:
                continue
            if time.time() - split_picture(payload)[0]["timestamp"] < _FRESH:
                caught_up_after = max(0.0, time.monotonic() - viewer.until)
            else:
                old += len(payload)
    note()
    figures = [
        Figure.at_most(fault, "memory", highest - memory, 10, "MB more"),
        Figure.at_most(fault, "longest gap of another viewer", gaps.longest(), 1),
    ]
    if cut_off:
        return [*figures, Figure.at_most(fault, "cut off after", cut_off[0], _SECONDS)]
    assert caught_up_after >= 0, "the connection ended, and nobody says that it was cut off"
    return [
        *figures,
        Figure.at_least(fault, "pictures replaced by newer ones", _replaced(program) - replaced, 25, ""),
        Figure.at_most(fault, "of older pictures, once it reads on", old / 1000, 400, "kB"),
        Figure.at_most(fault, "the newest picture, once it reads on, after", caught_up_after, 1),
    ]


def _replaced(program: Program) -> float:
    return counter(program, "streamer_viewer_pictures_replaced_total")


def _evicted(program: Program) -> float:
    return counter(program, "streamer_viewers_evicted_total", 'reason="stuck"')
