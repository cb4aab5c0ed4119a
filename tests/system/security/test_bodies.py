"""What strangers send as JSON, over real sockets: too much of it, or too slowly, is refused and never kept."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from streamer.server import bodies
from streamer.server.bodies import LARGEST_BODY
from tests.server_harness import Scene, running_server

pytestmark = pytest.mark.system

ONE = {"lobby": Scene("Lobby")}
HEAD = b"PUT /api/v1/cameras/lobby/rules HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


class Sender:
    """A client that sends what it is told, and counts it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.sent = 0

    def send(self, data: bytes) -> None:
        """Raises OSError once the server has closed the connection."""
        self.socket.sendall(data)
        self.sent += len(data)

    def answer(self) -> tuple[int, dict[str, Any]]:
        """The status and the document. Read until the server closes."""
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while part := self.socket.recv(65536):
                received += part
        head, _, body = received.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), json.loads(body) if body.startswith(b"{") else {}


@contextlib.contextmanager
def _sender(port: int) -> Iterator[Sender]:
    sender = Sender(port)
    with sender.socket:
        yield sender


def _refusal(send: Callable[[Sender], None]) -> tuple[int, dict[str, Any], int]:
    """Status, document and bytes sent, when this is sent to a server of its own."""

    def ask(port: int) -> tuple[int, dict[str, Any], int]:
        with _sender(port) as sender:
            send(sender)
            return *sender.answer(), sender.sent

    async def scenario() -> tuple[int, dict[str, Any], int]:
        async with running_server(ONE, feed=False) as harness:
            return await asyncio.to_thread(ask, harness.port)

    return asyncio.run(asyncio.wait_for(scenario(), 60))


def test_a_body_that_says_it_is_too_large_is_refused_before_a_byte_of_it_came() -> None:
    status, document, _ = _refusal(lambda sender: sender.send(HEAD + b"Content-Length: 2000000000\r\n\r\n"))
    assert (status, document["status"], str(LARGEST_BODY) in document["detail"]) == (413, 413, True)


def test_a_body_without_end_is_refused_once_it_is_too_large() -> None:
    def send(sender: Sender) -> None:
        sender.send(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(OSError):  # cut off
            while sender.sent < 200 * LARGEST_BODY:
                sender.send(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
                if _answered(sender.socket):
                    return

    status, document, sent = _refusal(send)
    assert (status, document["status"]) == (413, 413)
    assert sent < 100 * LARGEST_BODY, "it was taken on and on"


def test_a_body_that_comes_too_slowly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.3)

    def send(sender: Sender) -> None:
        sender.send(HEAD + b"Content-Length: 100\r\n\r\n{")
        with contextlib.suppress(OSError):
            while not _answered(sender.socket, within=0.05):
                sender.send(b" ")
                assert sender.sent < len(HEAD) + 1000, "it may go on for ever"

    status, document, _ = _refusal(send)
    assert (status, "did not arrive within 0.3 s" in document["detail"]) == (408, True)


def test_a_body_within_the_bounds_is_taken_and_one_that_makes_no_sense_is_answered_briefly() -> None:
    def put(body: bytes) -> tuple[int, dict[str, Any], int]:
        head = HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        return _refusal(lambda sender: sender.send(head + body))

    assert put(b"{}" + b" " * (LARGEST_BODY - 2))[0] == 503  # right, but this server keeps nothing
    assert put(b"{}" + b" " * (LARGEST_BODY - 1))[0] == 413
    assert put(b"[" * LARGEST_BODY)[0] == 400
    status, document, _ = put(json.dumps({str(number): 0 for number in range(20_000)}).encode())
    assert (status, len(document["errors"])) == (422, 20)


def _answered(connection: socket.socket, within: float = 0.0) -> bool:
    """Whether something to read has come by then."""
    connection.settimeout(within or 0.001)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except TimeoutError:
        return False
    finally:
        connection.settimeout(20)
