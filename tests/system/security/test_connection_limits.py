"""How many connections strangers may have: the real server on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamer.server import connections
from tests.certificates import Authority
from tests.server_harness import Harness, running_server, until
from tests.system.raw_viewer import RawViewer
from tests.system.security.strangers import HEALTH, LAST, ONE, ask, open_connections, run

pytestmark = pytest.mark.system


@contextlib.contextmanager
def silent(port: int, number: int) -> Iterator[list[socket.socket]]:
    """Connections on which nothing is said."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30)) for _ in range(number)]


def test_no_more_connections_than_allowed_and_who_is_one_too_many_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "SPARE", 3)

    async def scenario() -> None:
        async with running_server(ONE, feed=False, max_viewers=2) as harness:
            with silent(harness.port, 5) as held:
                await until(lambda: open_connections(harness) == 5)
                for _ in range(3):
                    answer = await asyncio.to_thread(ask, harness.port, HEALTH)
                    assert answer.startswith(b"HTTP/1.1 503 ")
                    assert b"Retry-After: " in answer
                    assert answer.endswith(b"too many connections are open; try again later")
                assert len([record for record in caplog.records if "refused" in record.getMessage()]) == 1
                held[0].close()
                await until(lambda: open_connections(harness) == 4)
                assert (await asyncio.to_thread(ask, harness.port, LAST)).startswith(b"HTTP/1.1 200 ")

    run(scenario())


def test_websockets_count_until_they_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SPARE", 0)

    async def scenario() -> None:
        async with running_server(ONE, feed=False, max_viewers=1) as harness:
            for _ in range(3):
                with await asyncio.to_thread(RawViewer, harness.port):
                    assert b" 503 " in await asyncio.to_thread(ask, harness.port, LAST)
                await until(lambda: limits_of(harness)._open.total() == 0)

    run(scenario())


def limits_of(harness: Harness) -> connections.ConnectionLimits:
    [server] = harness.server._server.servers
    [listener] = server.sockets
    assert isinstance(listener._sock, connections.LimitedListener)  # type: ignore[attr-defined]
    return listener._sock.limits  # type: ignore[attr-defined]


def test_over_tls_who_never_shakes_hands_counts_and_who_is_one_too_many_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(connections, "SPARE", 1)
    config, _ = Authority().issue(tmp_path)

    async def scenario() -> None:
        async with running_server(ONE, feed=False, max_viewers=1, tls=config) as harness:
            with silent(harness.port, 2):
                await until(lambda: limits_of(harness)._open.total() == 2)
                assert await asyncio.to_thread(ask, harness.port, b"") == b""
            await until(lambda: limits_of(harness)._open.total() == 0)

    run(scenario())
