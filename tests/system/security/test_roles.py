"""A viewer of one camera on a running server: what comes over the websocket, and when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from streamer import client
from streamer.config import AuthConfig
from streamer.errors import StreamerError
from streamer.server.access import attempts
from streamer.server.access.rights import Role
from streamer.server.access.sessions import COOKIE
from streamer.server.access.tokens import TokenFile
from streamer.server.protocol import split_picture
from streamer.types import Event, EventKind
from tests.server_harness import Harness, Scene, running_server, until

pytestmark = pytest.mark.system

SCENES = {"yard": Scene("Yard", size=(320, 180)), "lobby": Scene("Lobby", size=(320, 180))}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong tickets are answered soon."""
    monkeypatch.setattr(attempts, "FAILURE_SECONDS", 0.001)


@contextlib.asynccontextmanager
async def site(file: TokenFile) -> AsyncIterator[Harness]:
    """A server whose cameras publish when they are told to."""
    async with running_server(SCENES, feed=False, auth=AuthConfig(file=file.path)) as harness:
        yield harness


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json")


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


def websocket(harness: Harness, token: str = "", query: str = "") -> connect:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return connect(harness.ws_url + query, subprotocols=["streamer.v1"], additional_headers=headers)  # type: ignore[list-item]


async def received(socket: ClientConnection, *, stats: int) -> list[dict[str, Any]]:
    """Every message, up to and with so many `stats`."""
    found: list[dict[str, Any]] = []
    while sum(message["type"] == "stats" for message in found) < stats:
        raw = await socket.recv()
        found.append(split_picture(raw)[0] if isinstance(raw, bytes) else json.loads(raw))
    return found


async def send(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_hello_stats_results_pictures_and_events_are_of_the_token_s_cameras_only(file: TokenFile, role: Role) -> None:
    token, _ = file.add(role, cameras=["yard"])

    async def scenario() -> None:
        async with site(file) as harness, websocket(harness, token) as socket:
            harness.services.health.report("webhook till", "no answer from shop.example")
            harness.services.health.report("store", "database on db.example is gone")
            await send(socket, type="subscribe", cameras="*", frames="clean", events="*")
            await send(socket, type="ping", t=1)
            found = await received(socket, stats=1)
            for camera in harness.cameras.values():
                camera.publish_one()
                harness.services.hub.publish_event(Event(EventKind.VISIT_STARTED, camera.id, 1.0, key=f"k-{camera.id}"))
            found += await received(socket, stats=2)
            by_type: dict[str, list[dict[str, Any]]] = {}
            for message in found:
                by_type.setdefault(message["type"], []).append(message)
            assert set(by_type) == {"hello", "stats", "pong", "result", "event"}
            assert by_type["hello"][0]["role"] == role
            assert {
                camera["id"] for message in by_type["hello"] + by_type["stats"] for camera in message["cameras"]
            } == {"yard"}
            assert {message["camera"] for message in by_type["result"] + by_type["event"]} == {"yard"}
            assert "k-yard" in {message["key"] for message in by_type["event"]}
            assert "lobby" not in json.dumps(found)
            # who watches hears that figures are missing, not which server is at fault
            degraded = by_type["stats"][-1]["degraded"]
            assert set(degraded) == ({"store"} if role is Role.VIEWER else {"store", "webhook till"})
            assert ("db.example" in json.dumps(found)) is (role is not Role.VIEWER)

    run(scenario())


def test_a_camera_of_others_is_subscribed_to_as_little_as_one_that_does_not_exist(file: TokenFile) -> None:
    token, _ = file.add(Role.VIEWER, cameras=["yard"])

    async def scenario() -> None:
        async with site(file) as harness, websocket(harness, token) as socket:
            errors = []
            for camera in ("lobby", "nowhere"):
                await send(socket, type="subscribe", cameras=["yard", camera], frames="none")
                while (message := json.loads(await socket.recv()))["type"] != "error":
                    pass
                errors.append(json.dumps(message).replace(camera, "?"))
            assert errors[0] == errors[1]
            harness.cameras["lobby"].publish_one()
            assert "result" not in {message["type"] for message in await received(socket, stats=2)}

    run(scenario())


def test_a_ticket_opens_one_websocket_with_the_rights_of_its_token(file: TokenFile) -> None:
    token, _ = file.add(Role.VIEWER, cameras=["yard"])

    async def scenario() -> None:
        async with site(file) as harness, httpx.AsyncClient(base_url=harness.url) as http:
            answer = await http.post("/api/v1/ticket", headers={"Authorization": f"Bearer {token}"})
            ticket = answer.json()["ticket"]
            assert (await http.get(f"/api/v1/status?ticket={ticket}")).status_code == 401  # for nothing else
            async with websocket(harness, query=f"?ticket={ticket}") as socket:
                hello = json.loads(await socket.recv())
                assert ([camera["id"] for camera in hello["cameras"]], hello["role"]) == (["yard"], "viewer")
            for query in (f"?ticket={ticket}", "?ticket=", f"?ticket={token}", f"?token={token}", ""):
                with pytest.raises(InvalidStatus) as refused:
                    async with websocket(harness, query=query):
                        pass
                assert refused.value.response.status_code == 401, query

    run(scenario())


def test_a_scraper_s_token_opens_no_websocket_and_gets_no_ticket(file: TokenFile) -> None:
    token, _ = file.add(Role.METRICS)

    async def scenario() -> None:
        async with site(file) as harness, httpx.AsyncClient(base_url=harness.url) as http:
            headers = {"Authorization": f"Bearer {token}"}
            assert (await http.get("/metrics", headers=headers)).status_code == 200
            assert (await http.post("/api/v1/ticket", headers=headers)).status_code == 403
            with pytest.raises(InvalidStatus) as refused:
                async with websocket(harness, token):
                    pass
            assert refused.value.response.status_code == 403

    run(scenario())


def test_a_revoked_token_ends_its_websockets_streams_and_sessions_and_no_others(file: TokenFile) -> None:
    staff, _ = file.add(Role.VIEWER, cameras=["yard"], name="staff")
    owner, _ = file.add(Role.ADMIN, name="owner")

    async def scenario() -> None:
        async with (
            site(file) as harness,
            httpx.AsyncClient(base_url=harness.url, timeout=20) as browser,
            websocket(harness, staff) as socket,
            websocket(harness, owner) as other,
        ):
            harness.cameras["yard"].publish_one()
            assert (await browser.post("/login", data={"token": staff})).status_code == 303
            assert (await browser.get("/api/v1/cameras")).status_code == 200
            async with browser.stream("GET", "/api/v1/cameras/yard/stream.mjpg") as stream:
                parts = stream.aiter_raw()
                await anext(parts)
                file.revoke("staff")
                with contextlib.suppress(ConnectionClosed):
                    while True:
                        await socket.recv()
                assert (socket.close_code, socket.close_reason) == (1008, "the token has ended")
                with contextlib.suppress(httpx.HTTPError):  # it has no end of its own, so it is cut
                    async for _ in parts:
                        pass
            assert (await browser.get("/api/v1/cameras")).status_code == 401
            assert await received(other, stats=1)

    run(scenario())


def test_who_signs_out_ends_the_websockets_and_streams_of_this_session_in_all_tabs_and_of_no_other(
    file: TokenFile,
) -> None:
    token, _ = file.add(Role.VIEWER, name="staff")

    async def scenario() -> None:
        async with (
            site(file) as harness,
            httpx.AsyncClient(base_url=harness.url, timeout=20) as browser,
            httpx.AsyncClient(base_url=harness.url, timeout=20) as elsewhere,
        ):
            harness.cameras["yard"].publish_one()
            for client in (browser, elsewhere):
                assert (await client.post("/login", data={"token": token})).status_code == 303
            copied, others = (
                {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}", "Origin": harness.url}
                for client in (browser, elsewhere)
            )
            async with (
                connect(harness.ws_url, additional_headers=copied) as tab,
                connect(harness.ws_url, additional_headers=copied) as other_tab,
                connect(harness.ws_url, additional_headers=others) as other,
                elsewhere.stream("GET", "/api/v1/cameras/yard/stream.mjpg", headers=copied) as stream,
            ):
                parts = stream.aiter_raw()
                await anext(parts)
                ticket = (await browser.post("/api/v1/ticket")).json()["ticket"]
                assert (await browser.post("/logout")).status_code == 303
                for socket in (tab, other_tab):
                    with contextlib.suppress(ConnectionClosed):
                        while True:
                            await socket.recv()
                    assert socket.close_code == 1008
                with contextlib.suppress(httpx.HTTPError):
                    async for _ in parts:
                        pass
                for headers, query in ((copied, ""), ({}, f"?ticket={ticket}")):
                    with pytest.raises(InvalidStatus) as refused:
                        async with connect(harness.ws_url + query, additional_headers=headers):
                            pass
                    assert refused.value.response.status_code == 401
                assert (await browser.get("/api/v1/cameras", headers=copied)).status_code == 401
                assert await received(other, stats=1)
                assert (await elsewhere.get("/api/v1/cameras")).status_code == 200

    run(scenario())


def test_the_client_sends_its_token_as_a_header_and_is_told_when_it_has_ended(file: TokenFile) -> None:
    token, _ = file.add(Role.VIEWER, cameras=["yard"], name="staff")

    async def scenario() -> None:
        async with site(file) as harness, client.connect(harness.url, token=token) as stream:
            messages = aiter(stream)
            hello = await anext(messages)
            assert isinstance(hello, client.Hello)
            assert [camera["id"] for camera in hello.cameras] == ["yard"]
            file.revoke("staff")
            with pytest.raises(StreamerError, match="401"):
                async for _ in messages:
                    pass
            await until(lambda: not harness.server.app.state.broadcaster._viewers)

    run(scenario())
