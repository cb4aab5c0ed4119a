"""What a stranger sends on a bare socket, and what comes back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Coroutine
from typing import Any

from tests.server_harness import Harness, Scene

__all__ = ["HEALTH", "LAST", "ONE", "TOKEN", "ask", "open_connections", "run"]

TOKEN = "a-token-of-the-tests-0123456789"
ONE = {"lobby": Scene("Lobby", fps=20)}
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def run(scenario: Coroutine[Any, Any, None]) -> None:
    """Not for ever."""
    asyncio.run(asyncio.wait_for(scenario, 60))


def ask(port: int, *pieces: bytes) -> bytes:
    """All that is answered until the server ends the connection. Each piece but the first is sent after an answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as stranger:
        answer = b""
        with contextlib.suppress(ConnectionError):
            for piece in pieces[:-1]:
                stranger.sendall(piece)
                answer += stranger.recv(65536)
            stranger.sendall(pieces[-1])
        with contextlib.suppress(ConnectionError):
            while received := stranger.recv(65536):
                answer += received
        return answer


def open_connections(harness: Harness) -> int:
    """Of HTTP, as the server knows them."""
    return len(harness.server._server.server_state.connections)
