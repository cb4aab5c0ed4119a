"""Stands before an RTSP server: passes requests on, and the video, over UDP or their connection, on a bad line."""

from __future__ import annotations

import contextlib
import heapq
import re
import select
import socket
import threading
import time
from itertools import count
from types import TracebackType
from typing import Self

from tests.system.faults.interleaved import Interleaved
from tests.system.faults.line import Line

__all__ = ["RtspProxy"]

_CLIENT_PORTS = re.compile(rb"client_port=(\d+)-\d+")


class RtspProxy:
    """Takes one client at a time at 127.0.0.1:`port` while the context is open, and forgets it when it goes."""

    def __init__(self, target: int, line: Line) -> None:
        """target: the server's port."""
        self._target = target
        self._line = line
        self._rtp, self._rtcp = _even_pair()
        self._client = 0  # its port for RTP; that for RTCP is the next
        self._closing, self._wake = socket.socketpair()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._threads = [threading.Thread(target=run) for run in (self._serve, self._carry)]

    def url(self, name: str) -> str:
        """The address of a mount of the server, through here."""
        return f"rtsp://127.0.0.1:{self.port}/{name}"

    def _serve(self) -> None:
        near: dict[socket.socket, socket.socket] = {}  # each end of a connection, and the other one
        far: dict[socket.socket, socket.socket] = {}
        answers: dict[socket.socket, Interleaved] = {}  # of each server's end
        with contextlib.ExitStack() as stack:
            while True:
                ready, _, _ = select.select([self._closing, self._listener, *near, *far], [], [])
                if self._closing in ready:
                    return
                if self._listener in ready:
                    client, _ = self._listener.accept()
                    server = socket.create_connection(("127.0.0.1", self._target))
                    near[client], far[server] = server, client
                    answers[server] = Interleaved(self._line)
                    stack.callback(client.close)
                    stack.callback(server.close)
                for end in {*near, *far}.intersection(ready):
                    if end.fileno() < 0:  # gone with the other one
                        continue
                    other = near.get(end) or far[end]
                    with contextlib.suppress(OSError):
                        if data := end.recv(65536):
                            other.sendall(self._through_here(data) if end in near else answers[end].carry(data))
                            continue
                    for gone in (end, other):
                        near.pop(gone, None)
                        far.pop(gone, None)
                        answers.pop(gone, None)
                        gone.close()

    def _through_here(self, data: bytes) -> bytes:
        """A request; video that it wants at ports of its own comes here instead."""
        if found := _CLIENT_PORTS.search(data):
            self._client = int(found[1])
            ports = f"client_port={self._rtp.getsockname()[1]}-{self._rtcp.getsockname()[1]}"
            data = data[: found.start()] + ports.encode() + data[found.end() :]
        return data

    def _carry(self) -> None:
        """Datagrams from the server to the client, each when it is due."""
        waiting: list[tuple[float, int, bytes]] = []
        number = count()
        while True:
            timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            ready, _, _ = select.select([self._closing, self._rtp, self._rtcp], [], [], timeout)
            if self._closing in ready:
                return
            if self._rtcp in ready:
                self._rtcp.sendto(self._rtcp.recv(65536), ("127.0.0.1", self._client + 1))
            if self._rtp in ready and (carried := self._line.carry(self._rtp.recv(65536))):
                delay, datagram = carried
                heapq.heappush(waiting, (time.monotonic() + delay, next(number), datagram))
            while waiting and waiting[0][0] <= time.monotonic():
                self._rtp.sendto(heapq.heappop(waiting)[2], ("127.0.0.1", self._client))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._wake.close()
        for thread in self._threads:
            thread.join()
        for each in (self._listener, self._rtp, self._rtcp, self._closing):
            each.close()


def _even_pair() -> tuple[socket.socket, socket.socket]:
    """Two UDP sockets of the loopback with ports beside each other, the even one first, as RTP has it."""
    while True:
        with contextlib.ExitStack() as stack:
            first, second = (stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(2))
            first.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            with contextlib.suppress(OSError):
                if port % 2 == 0:
                    second.bind(("127.0.0.1", port + 1))
                    stack.pop_all()
                    return first, second
