"""`privacy: metadata_only`: every way by which a picture could leave the process is closed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from streamer.config import ImagesConfig, TrackingConfig
from streamer.errors import PrivacyError
from streamer.inference.image_lane import ImageJob, ImageLane, ImageOptions, Outcome
from streamer.inference.still import StillAnalyzer
from streamer.monitoring.metrics import Metrics
from streamer.pictures.image_files import read_header
from streamer.server.app import create_app
from streamer.server.image_requests import wanted
from streamer.server.pictures import PictureEncoder, Variant
from streamer.server.protocol import SUBPROTOCOL
from tests.scripted import ScriptedDetector
from tests.server_harness import Scene, make_services, running_server, until

PICTURE_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"BM6")
SCENES = {"lobby": Scene("Lobby", size=(320, 180))}


def closed_app() -> FastAPI:
    services, cameras = make_services(SCENES, privacy="metadata_only")
    cameras["lobby"].publish_one()
    return create_app(services)


async def answers(app: FastAPI, asked: list[tuple[str, str]]) -> dict[str, httpx.Response]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
    ):
        return {path: await client.request(method, path) for method, path in asked}


def test_no_route_of_the_api_answers_with_a_picture() -> None:
    app = closed_app()
    asked = [
        (method.upper(), path.replace("{camera_id}", "lobby"))
        for path, operations in app.openapi()["paths"].items()
        for method in operations
    ]
    assert ("GET", "/api/v1/cameras/lobby/snapshot.jpg") in asked
    for path, answer in asyncio.run(answers(app, asked)).items():
        assert not answer.headers.get("content-type", "").startswith(("image/", "multipart/")), path
        assert not any(signature in answer.content for signature in PICTURE_SIGNATURES), path


@pytest.mark.parametrize("route", ["snapshot.jpg", "snapshot.jpg?kind=clean", "stream.mjpg"])
def test_a_picture_is_refused_with_the_reason_and_what_to_do(route: str) -> None:
    path = f"/api/v1/cameras/lobby/{route}"
    answer = asyncio.run(answers(closed_app(), [("GET", path)]))[path]
    assert answer.status_code == 403
    assert "privacy: metadata_only" in answer.json()["detail"]
    assert "/ws" in answer.json()["detail"]


async def next_of(websocket: ClientConnection, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(5):
        while True:
            message = await websocket.recv()
            assert isinstance(message, str), "a picture came"
            document: dict[str, Any] = json.loads(message)
            if document["type"] == kind:
                return document


def test_over_the_websocket_results_come_and_pictures_are_refused() -> None:
    async def watch() -> None:
        async with running_server(SCENES, feed=False, privacy="metadata_only") as harness:
            lobby = harness.cameras["lobby"]
            async with connect(harness.ws_url, subprotocols=[SUBPROTOCOL]) as websocket:  # type: ignore[list-item]
                assert (await next_of(websocket, "hello"))["privacy"] == "metadata_only"
                for frames in ("annotated", "clean"):
                    await websocket.send(json.dumps({"type": "subscribe", "frames": frames}))
                    refusal = await next_of(websocket, "error")
                    assert (refusal["code"], '"none"' in refusal["message"]) == ("no_pictures", True)
                await websocket.send(json.dumps({"type": "subscribe", "frames": "none"}))
                await websocket.send(json.dumps({"type": "ping", "t": 1}))
                await next_of(websocket, "pong")
                lobby.publish_one()
                assert len((await next_of(websocket, "result"))["objects"]) == 3
            await until(lambda: not harness.server.app.state.broadcaster.statistics.viewers()["websocket"])

    asyncio.run(watch())


def test_the_encoder_makes_no_picture_whoever_asks() -> None:
    services, cameras = make_services(SCENES)
    cameras["lobby"].publish_one()
    update = services.hub.newest("lobby")
    assert update is not None

    async def ask() -> None:
        encoder = PictureEncoder(Metrics(), blur=False, withhold=True)
        try:
            with pytest.raises(PrivacyError):
                encoder.request(update, Variant("clean", None, 80))
        finally:
            await encoder.close()

    asyncio.run(ask())


def test_the_image_service_answers_with_results_only() -> None:
    outcomes: dict[str, Outcome] = {}
    image = cv2.imencode(".jpg", np.full((120, 160, 3), 90, np.uint8))[1].tobytes()
    lane = ImageLane(
        StillAnalyzer(ScriptedDetector(), None, TrackingConfig()),
        ImagesConfig(),
        blur=False,
        withhold=True,
        workers=1,
        is_alone=lambda: True,
        encode_result=lambda _: {"objects": []},
        metrics=Metrics(),
        wake=lambda: None,
    )
    jpeg = ImageJob(image, read_header(image), ImageOptions("jpeg"), lambda outcome: outcomes.update(jpeg=outcome))
    asked = ImageJob(image, read_header(image), ImageOptions("json"), lambda outcome: outcomes.update(json=outcome))
    assert lane.submit([jpeg, asked])
    while (work := lane.take()) is not None:
        work.run()
    assert isinstance(outcomes["jpeg"], PrivacyError)
    assert outcomes["json"] == b'{"objects":[]}'


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("image/jpeg, application/json;q=0.5", "json"),
        ("image/*, */*;q=0.1", "json"),
        ("image/jpeg", None),  # answered 406
        ("application/json;q=0, image/jpeg", None),
    ],
)
def test_a_client_that_takes_json_gets_it_in_place_of_the_picture(accept: str, answer: str | None) -> None:
    assert wanted(accept, shows_pictures=False) == answer
