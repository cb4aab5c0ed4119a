"""The server with a certificate of its own: viewers over TLS, and a renewal that none of them notices."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from streamer.server import tls
from streamer.server.protocol import split_picture
from tests.certificates import Authority, serial_of
from tests.server_harness import Harness, Scene, running_server, until
from tests.system.raw_viewer import RawViewer

pytestmark = pytest.mark.system

TOKEN = "a-token-of-the-tests-0123456789"
ONE = {"lobby": Scene("Lobby", fps=20)}


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


async def picture(websocket: ClientConnection) -> dict[str, Any]:
    """The result that the next picture shows."""
    async for raw in websocket:
        if isinstance(raw, bytes):
            return dict(split_picture(raw)[0])
    raise AssertionError("no picture came")


async def certificate_of(harness: Harness, context: ssl.SSLContext) -> int:
    """The serial number that a new connection sees."""
    _, writer = await asyncio.open_connection("127.0.0.1", harness.port, ssl=context)
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return serial_of(ssl.DER_cert_to_PEM_cert(found))


def test_a_renewed_certificate_is_served_while_viewers_keep_watching(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "LOOK_SECONDS", 0.05)
    authority = Authority()
    config, first = authority.issue(tmp_path)

    async def scenario() -> None:
        async with (
            running_server(ONE, tls=config) as harness,
            connect(harness.ws_url, ssl=authority.client(), compression=None, max_size=None) as websocket,
        ):
            assert harness.ws_url.startswith("wss://")
            await websocket.send(json.dumps({"type": "subscribe", "frames": "annotated"}))
            before = await picture(websocket)
            assert await certificate_of(harness, authority.client()) == first
            _, second = authority.issue(tmp_path)
            while await certificate_of(harness, authority.client()) == first:
                await picture(websocket)
            assert await certificate_of(harness, authority.client()) == second
            assert (await picture(websocket))["seq"] > before["seq"]

    run(scenario())


def test_the_session_cookie_is_for_tls_only_and_no_page_without_it_may_write(tmp_path: Path) -> None:
    authority = Authority()
    config, _ = authority.issue(tmp_path)

    async def scenario() -> None:
        async with (
            running_server(ONE, tls=config, token=TOKEN) as harness,
            httpx.AsyncClient(base_url=harness.url, verify=authority.client()) as client,
        ):
            without_tls = {"Origin": f"http://127.0.0.1:{harness.port}"}
            assert (await client.post("/login", data={"token": TOKEN}, headers=without_tls)).status_code == 403
            own = {"Origin": harness.url}
            signed_in = await client.post("/login", data={"token": TOKEN}, headers=own)
            assert "secure" in signed_in.headers["set-cookie"].lower()
            assert (await client.get("/api/v1/status")).status_code == 200

    run(scenario())


def test_a_viewer_that_takes_nothing_is_cut_off_over_tls_too(tmp_path: Path) -> None:
    authority = Authority()
    config, _ = authority.issue(tmp_path)

    async def scenario() -> None:
        async with running_server(ONE, tls=config, viewer_timeout=1.0) as harness:
            stuck = await asyncio.to_thread(RawViewer, harness.port, receive_buffer=4096, tls=authority.client())
            stuck.subscribe(frames="clean", quality=95)
            connections = harness.server._server.server_state.connections
            await until(lambda: len(connections) == 1)
            begun = time.monotonic()
            await until(lambda: not connections, 20)
            assert time.monotonic() - begun >= 1.0
            stuck.socket.close()

    run(scenario())


def test_who_speaks_no_tls_or_breaks_off_its_handshake_costs_the_others_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority()
    config, _ = authority.issue(tmp_path)

    async def scenario() -> None:
        async with (
            running_server(ONE, tls=config) as harness,
            httpx.AsyncClient(base_url=harness.url, verify=authority.client()) as client,
        ):
            for rubbish in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x00\xff" + bytes(300), b""):
                with socket.create_connection(("127.0.0.1", harness.port)) as stranger:
                    stranger.sendall(rubbish)
            assert (await client.get("/healthz")).status_code == 200

    run(scenario())
    assert caplog.records == []
