"""What a stranger may do with one connection: the real server on real sockets."""

from __future__ import annotations

import asyncio
import socket

import pytest

from streamer.server import http_protocol
from tests.server_harness import Harness, running_server, until
from tests.system.raw_viewer import RawViewer
from tests.system.security.strangers import HEALTH, LAST, ONE, TOKEN, ask, open_connections, run

pytestmark = pytest.mark.system

FORM = b"POST /login HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


def answered(harness: Harness) -> int:
    return harness.server._server.server_state.total_requests


def test_a_few_requests_may_wait_on_a_connection_and_are_answered_in_turn() -> None:
    async def scenario() -> None:
        async with running_server(ONE, feed=False) as harness:
            requests = HEALTH * http_protocol.MOST_WAITING + LAST
            answer = await asyncio.to_thread(ask, harness.port, requests)
            assert answer.count(b"HTTP/1.1 200 ") == http_protocol.MOST_WAITING + 1

    run(scenario())


def test_more_requests_at_once_are_refused_before_they_are_kept() -> None:
    async def scenario() -> None:
        async with running_server(ONE, feed=False) as harness:
            answer = await asyncio.to_thread(ask, harness.port, HEALTH * 3000)
            assert answer.startswith(b"HTTP/1.1 400 ")
            assert b"Too many requests wait on this connection." in answer
            assert answered(harness) <= http_protocol.MOST_WAITING + 1
            assert (await asyncio.to_thread(ask, harness.port, LAST)).startswith(b"HTTP/1.1 200 ")

    run(scenario())


def test_a_stream_ends_with_its_connection_also_when_another_request_waits_behind_it() -> None:
    stream = "GET /api/v1/cameras/lobby/stream.mjpg HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"

    async def scenario() -> None:
        async with running_server(ONE, feed=False) as harness:

            def streams() -> float | None:
                registry = harness.services.metrics.registry
                return registry.get_sample_value("streamer_viewers", {"transport": "mjpeg"})

            request = stream + HEALTH.decode()
            watching = await asyncio.to_thread(RawViewer, harness.port, request=request)
            await until(lambda: streams() == 1)
            watching.socket.close()
            await until(lambda: streams() == 0)

    run(scenario())


def many_trailers() -> bytes:
    return b"0\r\n" + b"".join(b"X-%d: %b\r\n" % (i, b"x" * 1000) for i in range(200)) + b"\r\n"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param(many_trailers(), b"What follows the body", id="many trailers"),
        pytest.param(b"0\r\nX: " + b"x" * 1_000_000, b"", id="a trailer without an end"),
        pytest.param(b"5;" + b"x" * 1_000_000, b"", id="the head of a chunk without an end"),
    ],
)
def test_what_stands_around_a_body_is_bounded(body: bytes, said: bytes) -> None:
    async def scenario() -> None:
        async with running_server(ONE, feed=False, token=TOKEN) as harness:
            answer = await asyncio.to_thread(ask, harness.port, FORM + b"5\r\ntoken\r\n" + body)
            assert answer.startswith(b"HTTP/1.1 400 ")
            assert said in answer

    run(scenario())


def test_a_trailer_is_taken_and_is_no_header() -> None:
    """Who may send what follows a body hasn't been asked yet who he is; a proxy in front may not have looked at it."""

    async def scenario() -> None:
        async with running_server(ONE, feed=False, token=TOKEN) as harness:
            field = f"token={TOKEN}".encode()
            body = b"%x\r\n%b\r\n0\r\nOrigin: https://attacker.example\r\n\r\n" % (len(field), field)
            answer = await asyncio.to_thread(ask, harness.port, FORM + body + LAST)
            assert answer.startswith(b"HTTP/1.1 303 ")
            assert answer.count(b"HTTP/1.1 200 ") == 1

    run(scenario())


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param((b"",), id="nothing"),
        pytest.param((b"GET / HTTP/1.1\r\nHost: lo",), id="half a request"),
        pytest.param((HEALTH, b"G"), id="a byte of a second request"),
        pytest.param((HEALTH, HEALTH, HEALTH[:-2]), id="half of a third request"),
        pytest.param(
            (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n", b"x"),
            id="a byte of a body, after the answer",
        ),
    ],
)
def test_who_does_not_go_on_is_cut_off_at_any_time(pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 0.5)

    async def scenario() -> None:
        async with running_server(ONE, feed=False) as harness:
            answer = await asyncio.to_thread(ask, harness.port, *pieces)
            assert answer.count(b"HTTP/1.1 ") == len(pieces) - 1
            await until(lambda: open_connections(harness) == 0)

    run(scenario())


def test_who_takes_nothing_of_the_answers_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 0.5)

    async def scenario() -> None:
        async with running_server(ONE, feed=False) as harness:
            with socket.socket() as stranger:
                stranger.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                await asyncio.to_thread(stranger.connect, ("127.0.0.1", harness.port))
                stranger.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * http_protocol.MOST_WAITING)
                await until(lambda: answered(harness) > 0)
                await until(lambda: open_connections(harness) == 0, 20)

    run(scenario())


def test_an_answer_that_takes_long_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream has no pictures; its viewer has waited much longer than a request may take when the first comes."""
    monkeypatch.setattr(http_protocol, "REQUEST_SECONDS", 0.5)
    stream = "GET /api/v1/cameras/lobby/stream.mjpg HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"

    async def scenario() -> None:
        async with running_server(ONE, feed=False) as harness:
            with await asyncio.to_thread(RawViewer, harness.port, request=stream) as watching:
                for _ in range(3):  # other strangers are cut off meanwhile
                    assert await asyncio.to_thread(ask, harness.port, b"") == b""
                harness.cameras["lobby"].publish_one()
                received = b""
                while b"\xff\xd8" not in received:
                    part = await asyncio.to_thread(watching.socket.recv, 65536)
                    assert part, "cut off"
                    received += part

    run(scenario())


def test_a_websocket_takes_no_connection_on_which_an_answer_is_under_way() -> None:
    stream = b"GET /api/v1/cameras/lobby/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n"
    upgrade = (
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )

    async def scenario() -> None:
        async with running_server(ONE, feed=False) as harness:
            answer = await asyncio.to_thread(ask, harness.port, stream + upgrade)
            assert b"HTTP/1.1 400 " in answer
            assert b"HTTP/1.1 101 " not in answer

    run(scenario())
