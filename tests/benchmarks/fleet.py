"""Many viewers in processes of their own: bare sockets that take every picture and note when it was there.

A viewer costs as little as can be, as the program under measurement runs on the same cores: nothing is decoded, and of
a picture's header only the time of capture is read.
"""

from __future__ import annotations

import multiprocessing
import re
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from websockets.frames import Opcode

from tests.system.raw_viewer import RawViewer

__all__ = ["Arrivals", "Fleet", "fleet"]

_TIMESTAMP = re.compile(rb'"timestamp":(\d+(?:\.\d+)?)')
_CHUNK = 256 * 1024
_STUCK_BUFFER = 4096  # bytes; the kernel's default would take a megabyte of pictures for a viewer that reads none


class Arrivals(NamedTuple):
    """Every picture that came. viewer: which it was; age: seconds from capture to its last byte here; size: bytes."""

    viewer: NDArray[np.int32]
    age: NDArray[np.float64]
    size: NDArray[np.int32]

    def milliseconds(self, percent: float) -> float:
        """A percentile of the ages."""
        return round(float(np.percentile(self.age, percent)) * 1000, 1) if len(self.age) else float("nan")


class Fleet:
    """Viewers that are connected and subscribed; see `fleet`."""

    def __init__(self, ends: list[Connection]) -> None:
        self._ends = ends

    def watch(self, seconds: float) -> Arrivals:
        """What comes in this time."""
        for end in self._ends:
            end.send(seconds)
        parts = [end.recv() for end in self._ends]
        return Arrivals(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


@contextmanager
def fleet(
    url: str, viewers: int, subscription: dict[str, Any], *, stuck: int = 0, processes: int = 2
) -> Iterator[Fleet]:
    """Connect this many viewers to a server, of which some never read anything.

    subscription: the fields of the `subscribe` message. They are spread over the processes.
    """
    port = urlsplit(url).port
    assert port is not None
    context = multiprocessing.get_context("spawn")
    shares = [range(first, viewers, processes) for first in range(min(processes, viewers))]
    started, ends = [], []
    try:
        for share in shares:
            end, other = context.Pipe()
            process = context.Process(target=_serve, args=(other, port, list(share), subscription, stuck), daemon=True)
            process.start()
            started.append(process)
            ends.append(end)
        for end in ends:
            assert end.poll(60), "viewers did not connect within 60 s"
            assert end.recv() == "connected"
        yield Fleet(ends)
    finally:
        for end in ends:
            end.close()
        for process in started:
            process.join(10)
            if process.is_alive():
                process.kill()


def _serve(end: Connection, port: int, viewers: list[int], subscription: dict[str, Any], stuck: int) -> None:
    """In a process: connect, then watch for as long as is asked, until the other end is closed."""
    with selectors.DefaultSelector() as selector:
        for viewer in viewers:
            raw = RawViewer(port, receive_buffer=_STUCK_BUFFER if viewer < stuck else None)
            raw.subscribe(**subscription)
            if viewer >= stuck:
                raw.socket.setblocking(False)
                selector.register(raw.socket, selectors.EVENT_READ, _Wire(viewer, raw))
        selector.register(end, selectors.EVENT_READ)
        end.send("connected")
        arrived: list[tuple[int, float, int]] = []
        deadline: float | None = None
        while True:
            patience = None if deadline is None else max(0.0, deadline - time.monotonic())
            for key, _ in selector.select(patience):
                if isinstance(key.data, _Wire):
                    key.data.take(arrived)
                    continue
                try:
                    deadline = time.monotonic() + end.recv()
                except EOFError:
                    return
                arrived.clear()
            if deadline is not None and time.monotonic() >= deadline:
                columns = zip(*arrived, strict=True) if arrived else ((), (), ())
                end.send([np.array(column, kind) for column, kind in zip(columns, "idi", strict=True)])
                deadline = None


class _Wire:
    """What has come from the server on one connection, and is not a whole frame yet."""

    _chunk = memoryview(bytearray(_CHUNK))

    def __init__(self, viewer: int, raw: RawViewer) -> None:
        self._viewer = viewer
        self._raw = raw  # keeps the socket open
        self._buffer = bytearray()

    def take(self, arrived: list[tuple[int, float, int]]) -> None:
        """Read once, and note the pictures that are whole. Raises ConnectionError when the server is gone."""
        sock: socket.socket = self._raw.socket
        count = sock.recv_into(self._chunk)
        if not count:
            raise ConnectionError(f"viewer {self._viewer}: the server closed the connection")
        now = time.time()
        buffer = self._buffer
        buffer += self._chunk[:count]
        while (frame := _frame(buffer)) is not None:
            opcode, begin, end = frame
            if opcode == Opcode.BINARY and (found := _TIMESTAMP.search(buffer, begin, min(end, begin + 400))):
                arrived.append((self._viewer, now - float(found[1]), end - begin))
            elif opcode == Opcode.PING:
                self._raw.send(bytes(buffer[begin:end]), Opcode.PONG)
            del buffer[:end]


def _frame(buffer: bytearray) -> tuple[int, int, int] | None:
    """The first websocket frame: opcode, and where its payload begins and ends; None when it isn't whole."""
    if len(buffer) < 2:
        return None
    length, begin = buffer[1] & 127, 2
    if length >= 126:
        begin = 4 if length == 126 else 10
        length = int.from_bytes(buffer[2:begin], "big")
    return (buffer[0] & 15, begin, begin + length) if len(buffer) >= begin + length else None
