"""Asks an image service over keep-alive connections, from processes that take no part in the analysis.

Requests are made beforehand, and answers read no further than to their end: an image costs the asking processes less
than a millisecond, which they measure.
"""

from __future__ import annotations

import multiprocessing
import re
import selectors
import socket
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["Load", "drive", "load_of", "requests"]


class Load(NamedTuple):
    """What clients measured. Times in ms; asking: processor time of the clients for each image."""

    per_second: float
    p50: float
    p99: float
    errors: int
    asking: float = 0.0


def load_of(times: Sequence[float], wall: float, errors: int, asking: float = 0.0) -> Load:
    """times: s, of each answer. wall: s, of all of them. asking: s of processor time, for all of them."""
    p50, p99 = np.percentile(np.array(times) * 1000, [50, 99]) if times else (0.0, 0.0)
    each = 1000 * asking / max(1, len(times))
    return Load(round(len(times) / wall, 1), round(float(p50), 1), round(float(p99), 1), errors, round(each, 2))


def requests(files: Sequence[bytes], accept: str) -> list[bytes]:
    """As the original's client sent them: one field of a form."""
    boundary = "----benchmark"
    made = []
    for data in files:
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
        made.append(
            f"POST /analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\n"
            f"Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
    return made


def drive(url: str, asked: Sequence[bytes], clients: int, seconds: float, *, distinct: bool) -> Load:
    """Closed loop over raw sockets, from one process for each 32 clients. distinct: no image twice."""
    host, port = url.removeprefix("http://").split(":")
    processes = max(1, clients // 32)
    results: multiprocessing.Queue[tuple[list[float], int, float]] = multiprocessing.Queue()
    start = multiprocessing.Barrier(processes + 1)
    workers = [
        multiprocessing.Process(
            target=_client,
            args=(host, int(port), asked, clients // processes, seconds, distinct, n, start, results),
        )
        for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    start.wait()
    outcomes = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    times = [t for each, _, _ in outcomes for t in each]
    errors, asking = (sum(column) for column in zip(*(outcome[1:] for outcome in outcomes), strict=True))
    return load_of(times, seconds, int(errors), asking)


def _client(  # noqa: PLR0917 - handed to another process
    host: str,
    port: int,
    asked: Sequence[bytes],
    connections: int,
    seconds: float,
    distinct: bool,
    number: int,
    start: Any,
    results: Any,
) -> None:
    """One process with several connections, of which each sends when its answer has come."""
    selector = selectors.DefaultSelector()
    salt = int(time.time() * 1000) % 10**9 * 100 + number
    sent: dict[socket.socket, tuple[float, bytearray]] = {}
    sockets = [socket.create_connection((host, port)) for _ in range(connections)]
    turn = 0

    def send(sock: socket.socket) -> None:
        nonlocal turn
        request = asked[turn % len(asked)]
        if distinct:
            request = _salted(request, salt * 1_000_003 + turn)
        turn += 1
        sent[sock] = (time.perf_counter(), bytearray())
        sock.sendall(request)

    start.wait()
    until = time.perf_counter() + seconds
    before = time.process_time()
    for sock in sockets:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(sock, selectors.EVENT_READ)
        send(sock)
    times: list[float] = []
    errors = 0
    while time.perf_counter() < until:
        for key, _ in selector.select(0.5):
            answered: Any = key.fileobj
            begun, got = sent[answered]
            got += answered.recv(1 << 18)
            head = got.find(b"\r\n\r\n")
            if head < 0:
                continue
            length = re.search(rb"content-length: (\d+)", bytes(got[:head]), re.IGNORECASE)
            if length is None or len(got) < head + 4 + int(length[1]):
                continue
            if got.startswith(b"HTTP/1.1 200"):
                times.append(time.perf_counter() - begun)
            else:
                errors += 1
            send(answered)
    for sock in sockets:
        sock.close()
    results.put((times, errors, time.process_time() - before))


def _salted(request: bytes, salt: int) -> bytes:
    """The same image for a decoder, other bytes for a cache: something after its end, of which the length counts."""
    head, rest = request.split(b"\r\n\r\n", 1)
    extra = b"%020d" % (salt % 10**20)
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length is not None
    head = head.replace(length[0], b"Content-Length: %d" % (int(length[1]) + len(extra)))
    cut = request.rindex(b"\r\n--") - len(request)
    return head + b"\r\n\r\n" + rest[:cut] + extra + rest[cut:]
