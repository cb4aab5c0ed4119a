"""Stands between a camera's reader and an RTSP server, and spoils its video packet by packet, over TCP or UDP.

`tc netem` does the like, but not everywhere, and it can't tell a video packet from an answer.
"""

from __future__ import annotations

import contextlib
import heapq
import random
import re
import socket
import threading
import time
from collections.abc import Callable
from itertools import count
from types import TracebackType
from typing import Self

__all__ = ["Fault", "RtspProxy", "flips", "jitter", "loses", "truncates"]

Fault = Callable[[bytes], tuple[float, bytes] | None]
"""What becomes of an RTP packet: the seconds by which it is late, and what is left of it; None: it is lost."""

_RTP_HEADER = 12  # bytes, which stay whole: packets lost and garbled are told apart
_UDP_BUFFER = 1 << 20  # bytes: a key frame comes as one burst
_CLIENT_PORT = re.compile(rb"client_port=(\d+)-\d+")


def loses(share: float, seed: int = 1) -> Fault:
    """So many of the packets never arrive."""
    dice = random.Random(seed)
    return lambda packet: None if dice.random() < share else (0.0, packet)


def jitter(seconds: float, fault: Fault, seed: int = 2) -> Fault:
    """Packets are late by up to so many seconds, and overtake each other; over TCP they can't."""
    dice = random.Random(seed)

    def late(packet: bytes) -> tuple[float, bytes] | None:
        found = fault(packet)
        return found and (found[0] + dice.uniform(0, seconds), found[1])

    return late


def flips(share: float, seed: int = 3) -> Fault:
    """In so many of the packets one byte of the video is another."""
    dice = random.Random(seed)

    def flip(packet: bytes) -> tuple[float, bytes]:
        if len(packet) <= _RTP_HEADER or dice.random() >= share:
            return 0.0, packet
        spoiled = bytearray(packet)
        spoiled[dice.randrange(_RTP_HEADER, len(packet))] ^= dice.randrange(1, 256)
        return 0.0, bytes(spoiled)

    return flip


def truncates(share: float, seed: int = 4) -> Fault:
    """Of so many of the packets, and so of their NAL units, only the beginning arrives."""
    dice = random.Random(seed)

    def cut(packet: bytes) -> tuple[float, bytes]:
        if len(packet) <= _RTP_HEADER + 2 or dice.random() >= share:
            return 0.0, packet
        return 0.0, packet[: dice.randrange(_RTP_HEADER + 2, len(packet))]

    return cut


class RtspProxy:
    """Serves what `target_port` serves. `fault` may be set anew at any time; None: all arrives as it was sent."""

    def __init__(self, target_port: int, fault: Fault | None = None) -> None:
        self.fault = fault
        self.spoiled = 0  # packets that were lost or changed
        self._target = ("127.0.0.1", target_port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = [self._listener]
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()

    def url(self, name: str) -> str:
        """Of a mount."""
        return f"rtsp://127.0.0.1:{self.port}/{name}"

    def _spoil(self, packet: bytes) -> tuple[float, bytes] | None:
        fault = self.fault
        outcome = fault(packet) if fault else (0.0, packet)
        if outcome is None or outcome[1] != packet:
            self.spoiled += 1
        return outcome

    def _start(self, what: Callable[[], None]) -> None:
        thread = threading.Thread(target=what, name="rtsp-proxy")
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(self._target, 5)
                except OSError:  # the server is down, and so is what stands for it
                    client.close()
                    continue
                server.settimeout(None)
                session = _Session(self, client, server)
                self._sockets += [client, server]
                self._start(session.ask)
                self._start(session.answer)

    def _relay_udp(self, port: int) -> int:
        """Packets that come to the port returned go on to `port` of the client, after what the fault does to them.

        The next port, that of RTCP, is taken too, so that reports don't go to whoever happens to have it.
        """
        receiver, reports = _udp_pair()
        self._sockets += [receiver, reports]
        self._start(lambda: self._forward(receiver, port))
        return int(receiver.getsockname()[1])

    def _forward(self, receiver: socket.socket, port: int) -> None:
        waiting: list[tuple[float, int, bytes]] = []
        number = count()
        with contextlib.suppress(OSError):
            while not self._closing.is_set():
                with contextlib.suppress(TimeoutError):
                    if outcome := self._spoil(receiver.recv(65536)):
                        heapq.heappush(waiting, (time.monotonic() + outcome[0], next(number), outcome[1]))
                while waiting and waiting[0][0] <= time.monotonic():
                    receiver.sendto(heapq.heappop(waiting)[2], ("127.0.0.1", port))

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.set()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for each in self._sockets:
            each.close()


def _udp_pair() -> tuple[socket.socket, socket.socket]:
    """Sockets on an even port and the next one, as RTP has it."""
    while True:
        first, second = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        first.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _UDP_BUFFER)
        first.settimeout(0.01)
        with contextlib.suppress(OSError):
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            if port % 2 == 0:
                second.bind(("127.0.0.1", port + 1))
                return first, second
        first.close()
        second.close()


class _Session:
    """One client's connection, both ways."""

    def __init__(self, proxy: RtspProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._ports = b""  # the client's own, as it asked for them

    def ask(self) -> None:
        """From client to server: a request for UDP is made one for ports of the proxy."""
        with contextlib.suppress(OSError):
            while data := self._client.recv(65536):
                if found := _CLIENT_PORT.search(data):
                    self._ports = found[0]
                    port = self._proxy._relay_udp(int(found[1]))
                    data = data.replace(found[0], b"client_port=%d-%d" % (port, port + 1))
                self._server.sendall(data)
        self._end()

    def answer(self) -> None:
        """From server to client: answers as they are, interleaved video packets as the fault leaves them."""
        received = b""
        with contextlib.suppress(OSError):
            while data := self._server.recv(65536):
                received = self._pass_on(received + data)
        self._end()

    def _pass_on(self, received: bytes) -> bytes:
        """Send what is complete; returns the rest."""
        while received:
            if received[:1] != b"$":
                text, mark, received = received.partition(b"$")
                if self._ports:
                    text = _CLIENT_PORT.sub(self._ports, text)
                self._client.sendall(text)
                received = mark + received
                continue
            if len(received) < 4 or len(received) < (end := 4 + int.from_bytes(received[2:4])):
                return received
            header, packet, received = received[:2], received[4:end], received[end:]
            is_video = header[1] == 0  # the odd channel is RTCP's
            outcome = self._proxy._spoil(packet) if is_video else (0.0, packet)
            if outcome is not None:
                self._client.sendall(header + len(outcome[1]).to_bytes(2) + outcome[1])
        return b""

    def _end(self) -> None:
        for each in (self._client, self._server):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
