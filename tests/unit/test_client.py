"""The client: what it makes of messages and addresses, and that it connects again by itself."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest
from websockets.asyncio.client import connect as open_websocket

from streamer import client
from streamer.client import EventMessage, FaceObject, Hello, Message, Picture, ResultMessage, Stats, connect
from streamer.errors import ProtocolError, StreamerError
from streamer.server.protocol import SUBPROTOCOL
from tests.server_harness import Scene, running_server, until

TOKEN = "a-token-of-the-tests-0123456789"
ONE = {"lobby": Scene("Lobby", fps=20)}


def test_client_needs_none_of_what_analyses_video() -> None:
    blocked = ("cv2", "av", "onnxruntime", "fastapi")
    script = f"import sys; sys.modules.update(dict.fromkeys({blocked})); import streamer.client"
    subprocess.run(
        [sys.executable, "-c", script], check=True, env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:8000", "ws://localhost:8000/ws"),
        ("https://cams.example/", "wss://cams.example/ws"),
        ("ws://10.0.0.1:8000/ws", "ws://10.0.0.1:8000/ws"),
        ("https://example.org/cams", "wss://example.org/cams/ws"),
        ("localhost:8000", "ws://localhost:8000/ws"),
        ("http://[::1]:8000", "ws://[::1]:8000/ws"),
    ],
)
def test_addresses_that_are_understood(url: str, expected: str) -> None:
    assert client._websocket_url(url) == expected


@pytest.mark.parametrize(
    "url", ["rtsp://camera/", "http://", "http://user:secret-word@host", "http://host/?token=secret-word"]
)
def test_addresses_that_are_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(StreamerError) as caught:
        connect(url)
    assert "secret-word" not in str(caught.value)


def test_messages_of_a_later_version_are_passed_over() -> None:
    assert client._parse('{"type":"heat_map","cells":[]}') is None
    assert client._parse('{"type":"pong","t":1}') is None


def test_an_error_of_the_server_is_raised() -> None:
    with pytest.raises(ProtocolError, match="no such camera") as caught:
        client._parse('{"type":"error","code":"unknown_camera","message":"no such camera: x"}')
    assert caught.value.code == "unknown_camera"


def run(scenario: Any) -> None:
    asyncio.run(asyncio.wait_for(scenario, 40))


@pytest.mark.system
def test_every_kind_of_message_arrives_typed() -> None:
    async def scenario() -> None:
        async with running_server() as harness:
            seen: dict[type, Any] = {}
            async with connect(harness.url, frames="annotated", width=320, max_fps=10) as stream:
                async for message in stream:
                    seen[type(message)] = message
                    if {Hello, Picture, EventMessage, Stats} <= set(seen) and seen[Picture].result.objects:
                        break
            assert seen[Hello].cameras[0]["id"] == "lobby"
            picture = seen[Picture]
            assert picture.jpeg[:2] == b"\xff\xd8"
            assert (picture.result.width > 320, picture.result.objects[0]["roi_type"]) == (True, "face")
            assert seen[EventMessage].kind in {"camera_up", "camera_down", "visit_started"}
            assert seen[Stats].viewer["sent"] > 0
            async with connect(harness.url, cameras=["lobby"]) as stream:
                async for message in stream:
                    if isinstance(message, ResultMessage):
                        assert message.camera == "lobby"
                        break

    run(scenario())


def keys_of(message: Message | None) -> set[str]:
    """Those of the document that a message was made of, as far as it holds them."""
    assert message is not None
    names = {field.name for field in fields(message)}
    return (names - {"width", "height"} | {"resolution"}) if isinstance(message, ResultMessage) else names


@pytest.mark.system
def test_the_messages_hold_all_that_the_server_sends() -> None:
    async def scenario() -> None:
        sent: dict[str, Any] = {}
        async with running_server() as harness:
            address = client._websocket_url(harness.url)
            async with open_websocket(address, subprotocols=[SUBPROTOCOL]) as websocket:  # type: ignore[list-item]
                await websocket.send('{"type":"subscribe"}')
                while not ({"hello", "result", "event", "stats"} <= set(sent) and sent["result"]["objects"]):
                    document = json.loads(await websocket.recv())
                    sent[document["type"]] = document
        for document in sent.values():
            assert keys_of(client._parse(json.dumps(document))) == set(document) - {"type"}, document["type"]
        assert set(sent["result"]["objects"][0]) == set(FaceObject.__annotations__)

    run(scenario())


@pytest.mark.system
def test_a_lost_connection_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_FIRST_DELAY", 0.05)

    async def scenario() -> None:
        greetings, results = 0, 0

        async def receive(url: str) -> None:
            nonlocal greetings, results
            async with connect(url, token=TOKEN) as stream:
                async for message in stream:
                    greetings += isinstance(message, Hello)
                    results += isinstance(message, ResultMessage)

        async with running_server(ONE, token=TOKEN) as harness:
            task = asyncio.create_task(receive(harness.url))
            await until(lambda: results >= 3)
        async with running_server(ONE, token=TOKEN, port=harness.port):
            results = 0
            await until(lambda: results >= 3, 10)
        assert greetings == 2
        async with running_server(ONE, token="another-token-of-the-tests", port=harness.port):
            with pytest.raises(StreamerError, match="HTTP 401: needs a token"):
                await task

    run(scenario())


@pytest.mark.system
def test_entering_says_why_it_can_not() -> None:
    async def enter(url: str, **options: Any) -> None:
        async with connect(url, **options):
            pass

    async def scenario() -> None:
        async with running_server(ONE, token=TOKEN) as harness:
            with pytest.raises(StreamerError, match="HTTP 401"):
                await enter(harness.url, token="a-wrong-token-of-the-tests")
            async with connect(harness.url, token=TOKEN, cameras=["nowhere"]) as stream:
                with pytest.raises(ProtocolError, match="nowhere"):
                    _ = [message async for message in stream]
        with pytest.raises(StreamerError, match=f"can't connect to ws://127.0.0.1:{harness.port}/ws"):
            await enter(harness.url)

    run(scenario())


@pytest.mark.system
def test_leaving_from_another_task_ends_the_iteration() -> None:
    async def scenario() -> None:
        async with running_server(ONE) as harness:
            stream = connect(harness.url)
            await stream.__aenter__()
            received: list[Any] = []

            async def receive() -> None:
                async for message in stream:
                    received.append(message)  # noqa: PERF401 - seen while it grows

            task = asyncio.create_task(receive())
            await until(lambda: len(received) > 3)
            await stream.__aexit__(None, None, None)
            await asyncio.wait_for(task, 5)

    run(scenario())


def test_a_subscription_says_only_what_was_asked() -> None:
    stream = connect("http://localhost", cameras=["a"], max_fps=5)
    assert json.loads(json.dumps(stream._subscription)) == {
        "type": "subscribe",
        "cameras": ["a"],
        "frames": "none",
        "quality": 80,
        "events": True,
        "max_fps": 5,
    }
