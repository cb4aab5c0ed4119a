"""The real server on real sockets: what viewers receive, and what they can't do to others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import httpx
import pytest
from starlette.websockets import WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Opcode

from streamer.errors import StreamerError
from streamer.server import auth
from streamer.server.broadcaster import Broadcaster
from streamer.server.protocol import split_picture
from tests.server_harness import Harness, Scene, running_server, until
from tests.system.raw_viewer import RawViewer

pytestmark = pytest.mark.system

TOKEN = "a-token-of-the-tests-0123456789"
ONE = {"lobby": Scene("Lobby", fps=20)}


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


def viewer(harness: Harness, **options: Any) -> connect:
    return connect(harness.ws_url, subprotocols=["streamer.v1"], compression=None, **options)  # type: ignore[list-item]


async def subscribe(websocket: ClientConnection, **subscription: Any) -> None:
    await websocket.send(json.dumps({"type": "subscribe", **subscription}))


async def messages(websocket: ClientConnection) -> AsyncIterator[tuple[dict[str, Any], bytes | None]]:
    """Each message's document, and its JPEG."""
    async for raw in websocket:
        yield split_picture(raw) if isinstance(raw, bytes) else (json.loads(raw), None)


async def first(websocket: ClientConnection, kind: str) -> dict[str, Any]:
    async for document, _ in messages(websocket):
        if document["type"] == kind:
            return document
    raise AssertionError(f"no {kind} came")


async def first_picture(websocket: ClientConnection) -> tuple[dict[str, Any], bytes]:
    async for document, jpeg in messages(websocket):
        if jpeg is not None:
            return document, jpeg
    raise AssertionError("no picture came")


async def close_code(websocket: ClientConnection) -> int | None:
    """Read until the server closes; returns why."""
    with contextlib.suppress(ConnectionClosed):
        async for _ in websocket:
            pass
    return websocket.close_code


def metric(harness: Harness, name: str, **labels: str) -> float:
    return harness.services.metrics.registry.get_sample_value(name, labels) or 0.0


def test_before_subscribing_only_hello_and_stats_come() -> None:
    async def scenario() -> None:
        async with running_server() as harness, viewer(harness) as websocket:
            assert websocket.subprotocol == "streamer.v1"
            kinds = list[str]()
            async for document, _ in messages(websocket):
                kinds.append(document["type"])
                if kinds.count("stats") == 2:
                    break
            assert kinds == ["hello", "stats", "stats"]
            assert metric(harness, "streamer_pictures_encoded_total", camera="lobby") == 0
            lobby = document["cameras"][0]
            assert (lobby["id"], lobby["state"], lobby["faces"]) == ("lobby", "live", 3)
            assert lobby["fps_analyzed"] > 5
            assert document["viewers"] == {"websocket": 1, "mjpeg": 0}
            assert document["viewer"] == {"sent": 0, "replaced": 0, "events_dropped": 0}

    run(scenario())


def test_pictures_come_with_their_results_fresh_and_of_every_camera() -> None:
    async def scenario() -> None:
        async with running_server() as harness, viewer(harness, max_size=None) as websocket:
            await subscribe(websocket, frames="annotated", width=480)
            seen, newest = Counter[str](), dict[str, int]()
            async for document, jpeg in messages(websocket):
                if jpeg is None:
                    continue
                assert jpeg[:2] == b"\xff\xd8"
                assert jpeg[-2:] == b"\xff\xd9"
                camera = document["camera"]
                assert document["seq"] > newest.get(camera, -1)
                newest[camera] = document["seq"]
                seen[camera] += 1
                assert document["age_ms"] < 2000
                if all(seen[camera] >= 5 for camera in ("lobby", "entrance", "yard", "gate")):
                    break
            assert document["objects"]
            await first(websocket, "stats")

    run(scenario())


def test_results_without_pictures_come_for_every_analysed_frame() -> None:
    async def scenario() -> None:
        async with running_server(ONE, feed=False) as harness, viewer(harness) as websocket:
            await first(websocket, "hello")
            await subscribe(websocket, frames="none")
            await websocket.send('{"type":"ping","t":1}')
            await first(websocket, "pong")
            for seq in range(50):
                harness.cameras["lobby"].publish_one()
                assert (await first(websocket, "result"))["seq"] == seq
            assert metric(harness, "streamer_pictures_encoded_total", camera="lobby") == 0

    run(scenario())


def test_max_fps_holds_and_a_new_subscription_replaces_the_old() -> None:
    async def scenario() -> None:
        async with running_server() as harness, viewer(harness, max_size=None) as websocket:
            await subscribe(websocket, cameras=["lobby"], max_fps=4, events=False)
            counted, begun = Counter[str](), time.monotonic()
            async for document, _ in messages(websocket):
                counted[document["type"]] += 1
                if time.monotonic() - begun > 2:
                    break
            assert 6 <= counted["result"] <= 10
            assert counted["event"] == 0
            await subscribe(websocket, cameras=["yard"], frames="clean")
            document, _ = await first_picture(websocket)
            assert document["camera"] == "yard"

    run(scenario())


def test_a_variant_is_encoded_once_for_all_who_watch_it() -> None:
    async def scenario() -> None:
        async with running_server(ONE, feed=False) as harness:
            lobby = harness.cameras["lobby"]
            websockets = [await viewer(harness) for _ in range(6)]
            for websocket in websockets:
                await subscribe(websocket, frames="annotated", width=320)
                await websocket.send('{"type":"ping","t":1}')
                await first(websocket, "pong")
            for seq in range(10):
                lobby.publish_one()
                for websocket in websockets:
                    document, _ = await first_picture(websocket)
                    assert document["seq"] == seq
            assert metric(harness, "streamer_pictures_encoded_total", camera="lobby") == 10
            assert metric(harness, "streamer_viewer_pictures_sent_total", camera="lobby") == 60
            for websocket in websockets:
                await websocket.close()
            await until(lambda: metric(harness, "streamer_viewers", transport="websocket") == 0)
            lobby.publish_one()  # nobody watches
            assert metric(harness, "streamer_pictures_encoded_total", camera="lobby") == 10

    run(scenario())


def test_a_camera_that_goes_and_comes_back_is_told() -> None:
    async def scenario() -> None:
        scenes = {"gate": Scene("Gate", size=(320, 180), fps=20, down=1.0, period=2.0)}
        async with running_server(scenes) as harness, viewer(harness) as websocket:
            await subscribe(websocket, frames="none")
            events = list[str]()
            async for document, _ in messages(websocket):
                if document["type"] == "event" and document["kind"].startswith("camera"):
                    events.append(document["kind"])
                    if events[-2:] == ["camera_down", "camera_up"]:
                        break

    run(scenario())


def test_mistakes_are_answered_and_forgiven_up_to_a_point() -> None:
    async def scenario() -> None:
        async with running_server(ONE) as harness, viewer(harness) as websocket:
            await websocket.send("{")
            assert (await first(websocket, "error"))["code"] == "malformed"
            await websocket.send(b"\0")
            assert (await first(websocket, "error"))["code"] == "malformed"
            await subscribe(websocket, cameras=["nowhere"])
            assert (await first(websocket, "error"))["code"] == "unknown_camera"
            await websocket.send('{"type":"ping","t":42}')
            assert (await first(websocket, "pong"))["t"] == 42
            for _ in range(20):
                await websocket.send("{")
            assert await close_code(websocket) == 1008
            assert metric(harness, "streamer_viewers_evicted_total", reason="protocol") == 1

    run(scenario())


@pytest.mark.parametrize(
    ("data", "opcode", "code"),
    [
        (b"\xff\xfe", Opcode.TEXT, 1007),
        (b"x" * (64 * 1024 + 1), Opcode.TEXT, 1009),
        (b"", 3, 1002),
    ],
)
def test_broken_frames_close_the_websocket_with_the_right_code(data: bytes, opcode: Any, code: int) -> None:
    async def scenario() -> None:
        async with running_server(ONE) as harness:

            def misbehave() -> int:
                with RawViewer(harness.port) as raw:
                    if opcode == 3:  # a reserved opcode, masked
                        raw.socket.sendall(b"\x83\x80\0\0\0\0")
                    else:
                        raw.send(data, opcode)
                    return raw.close_code()

            assert await asyncio.to_thread(misbehave) == code
            await until(lambda: metric(harness, "streamer_viewers", transport="websocket") == 0)

    run(scenario())


def test_a_flood_of_messages_is_read_slowly_and_costs_others_nothing() -> None:
    async def scenario() -> None:
        async with running_server(ONE) as harness, viewer(harness) as flooding, viewer(harness) as other:
            begun = time.monotonic()
            for t in range(200):
                await flooding.send(json.dumps({"type": "ping", "t": t}))
            sent = time.monotonic()
            await other.send('{"type":"ping","t":1}')
            await first(other, "pong")
            assert time.monotonic() - sent < 1
            answered = 0
            async for document, _ in messages(flooding):
                answered += document["type"] == "pong"
                if answered == 60:
                    break
            assert time.monotonic() - begun >= 1.9  # 40 at once, then 10 a second

    run(scenario())


def test_who_may_open_a_websocket() -> None:
    async def refused(harness: Harness, **options: Any) -> int:
        with pytest.raises(InvalidStatus) as caught:
            async with connect(harness.ws_url, **options):
                pass
        return caught.value.response.status_code

    async def scenario() -> None:
        async with running_server(ONE, token=TOKEN, allowed_origins=("https://cams.example",)) as harness:
            bearer = {"Authorization": f"Bearer {TOKEN}"}
            assert await refused(harness) == 401
            assert await refused(harness, additional_headers={"Authorization": "Bearer no"}) == 401
            assert await refused(harness, additional_headers=bearer, origin="https://attacker.example") == 403
            assert await refused(harness, additional_headers=bearer, subprotocols=["streamer.v2"]) == 400
            for options in (
                {},  # a program: no origin, and no subprotocol either
                {"origin": "https://cams.example"},
                {"origin": harness.url},
                {"subprotocols": ["streamer.v2", "streamer.v1"]},
            ):
                async with connect(harness.ws_url, additional_headers=bearer, **options) as websocket:
                    await first(websocket, "hello")
            async with httpx.AsyncClient(base_url=harness.url) as browser:
                await browser.post("/login", data={"token": TOKEN})
                cookie = {"Cookie": f"streamer_session={browser.cookies['streamer_session']}"}
            async with connect(harness.ws_url, additional_headers=cookie, origin=harness.url) as websocket:  # type: ignore[arg-type]
                await first(websocket, "hello")

    run(scenario())


def test_no_more_viewers_than_allowed() -> None:
    async def scenario() -> None:
        async with running_server(ONE, max_viewers=2) as harness, viewer(harness) as one:
            await first(one, "hello")
            async with viewer(harness) as two:
                await first(two, "hello")
                with pytest.raises(InvalidStatus) as caught:
                    await viewer(harness)
                assert caught.value.response.status_code == 503
                async with httpx.AsyncClient() as client:
                    answer = await client.get(f"{harness.url}/api/v1/cameras/lobby/stream.mjpg")
                    assert (answer.status_code, answer.json()["detail"]) == (503, "too many viewers")
            await until(lambda: metric(harness, "streamer_viewers", transport="websocket") == 1)
            async with viewer(harness) as three:
                await first(three, "hello")

    run(scenario())


def test_mjpeg_streams_complete_pictures_at_the_wanted_rate() -> None:
    async def scenario() -> None:
        async with running_server(ONE) as harness:
            url = f"{harness.url}/api/v1/cameras/lobby/stream.mjpg?width=320&max_fps=5"
            received, begun = b"", time.monotonic()
            async with httpx.AsyncClient() as client, client.stream("GET", url) as answer:
                assert answer.headers["content-type"] == "multipart/x-mixed-replace; boundary=picture"
                async for chunk in answer.aiter_raw():
                    received += chunk
                    if time.monotonic() - begun > 2:
                        break
            parts = received.split(b"--picture\r\n")[1:-1]
            assert 8 <= len(parts) <= 13
            for part in parts:
                head, _, body = part.partition(b"\r\n\r\n")
                length = int(head.rpartition(b" ")[2])
                assert body[:2] == b"\xff\xd8"
                assert len(body) == length + 2
            await until(lambda: metric(harness, "streamer_viewers", transport="mjpeg") == 0)

    run(scenario())


def test_viewers_that_come_and_go_leave_nothing_behind() -> None:
    async def scenario() -> None:
        async with running_server(ONE) as harness:
            before = len(asyncio.all_tasks())
            for i in range(30):
                raw = await asyncio.to_thread(RawViewer, harness.port)
                if i % 2:
                    raw.subscribe(frames="annotated")
                if i % 3 == 0:
                    raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
                raw.socket.close()
            await until(lambda: metric(harness, "streamer_viewers", transport="websocket") == 0)
            await until(lambda: len(asyncio.all_tasks()) <= before)

    run(scenario())


def test_stopping_says_goodbye_and_frees_the_port_also_with_viewers_that_are_stuck() -> None:
    async def scenario() -> None:
        async with running_server() as harness:
            stuck = await asyncio.to_thread(RawViewer, harness.port, receive_buffer=4096)
            stuck.subscribe(frames="clean", quality=95)
            mjpeg = await asyncio.to_thread(
                RawViewer,
                harness.port,
                receive_buffer=4096,
                request="GET /api/v1/cameras/lobby/stream.mjpg HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
            )
            websocket = await viewer(harness, max_size=None)
            await subscribe(websocket, frames="clean")
            await first_picture(websocket)
            begun = time.monotonic()
            await harness.server.stop(timeout=1.5)
            assert time.monotonic() - begun < 3
            assert await close_code(websocket) in {1001, 1012}
            stuck.socket.close()
            mjpeg.socket.close()
            async with running_server(ONE, port=harness.port) as again, viewer(again) as websocket:
                await first(websocket, "hello")

    run(scenario())


def test_a_handshake_under_way_as_the_server_stops_is_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        asked = asyncio.Event()

        async def late(self: Broadcaster, websocket: WebSocket) -> None:
            asked.set()
            await asyncio.sleep(0.3)
            await serve(self, websocket)

        serve = Broadcaster.serve_websocket
        monkeypatch.setattr(Broadcaster, "serve_websocket", late)
        async with running_server(ONE) as harness:
            newcomer = asyncio.create_task(_refused(harness))
            await asked.wait()
            begun = time.monotonic()
            await harness.server.stop(timeout=2.0)
            assert time.monotonic() - begun < 1.5
            assert await newcomer == 503

    async def _refused(harness: Harness) -> int:
        with pytest.raises(InvalidStatus) as refusal:
            await viewer(harness)
        return refusal.value.response.status_code

    run(scenario())
    assert [record for record in caplog.records if record.exc_info] == []


def test_who_never_ends_the_form_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "FORM_SECONDS", 0.3)

    def ask(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as slow:
            slow.sendall(b"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40\r\n\r\ntoken=")
            return slow.recv(1000)

    async def scenario() -> None:
        async with running_server(ONE, token=TOKEN) as harness:
            assert b" 408 " in await asyncio.to_thread(ask, harness.port)

    run(scenario())


def test_a_port_in_use_is_named() -> None:
    async def scenario() -> None:
        async with running_server(ONE) as harness:
            with pytest.raises(StreamerError, match=f"server.port: {harness.port} on 127.0.0.1 is in use"):
                async with running_server(ONE, port=harness.port):
                    pass
            with pytest.raises(StreamerError, match=r"server\.host: no\.such\.invalid can't be resolved"):
                async with running_server(ONE, host="no.such.invalid", auth="none"):
                    pass

    run(scenario())
