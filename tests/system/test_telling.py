"""The whole program tells the same of a visit on the websocket, over MQTT and in a webhook."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamer.client import EventMessage, connect
from tests.media import encode_jpeg
from tests.mjpeg_server import MjpegServer
from tests.receiver import Receiver
from tests.system.mosquitto import Listener, Mosquitto
from tests.system.program import Program, eventually
from tests.weights import weights

pytestmark = [pytest.mark.system, pytest.mark.models]


async def first_visit(url: str) -> EventMessage:
    async with asyncio.timeout(60), connect(url, events="*") as stream:
        async for message in stream:
            if isinstance(message, EventMessage) and message.kind == "visit_started":
                return message
    raise AssertionError("the stream ended")


def test_a_visit_is_told_everywhere_and_the_end_of_the_program_too(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker, Receiver() as receiver, Listener(broker.port, "#") as there:
        config: dict[str, Any] = {
            "cameras": [{"id": "demo", "name": "Demo", "source": "demo"}],
            "mqtt": {"host": "127.0.0.1", "port": broker.port},
            "webhooks": {"targets": [{"name": "shop", "url": receiver.url, "secret": "sixteen characters"}]},
        }
        with Program(tmp_path, config) as program:
            event = asyncio.run(first_visit(program.url))
            there.wait("streamer/demo/state", "live")
            eventually("people in sight", lambda: int(there.newest("streamer/demo/occupancy") or 0) > 0)
            told = eventually("the event", lambda: by_key(there.payloads("streamer/demo/event"), event.key))
            receiver.wait("the event", lambda r: event.key in r.delivered, 20)
            sent = by_key([request.body.decode() for request in receiver.requests], event.key)
            assert told == sent
            for field in ("kind", "camera", "timestamp", "rule", "direction", "object", "data", "key", "visit"):
                assert told[field] == getattr(event, field), field
            assert program.get("/api/v1/status")["degraded"] == {}
            program.signal(signal.SIGKILL)
            there.wait("streamer/status", "offline")
        assert (tmp_path / "webhooks.sqlite").is_file()
        assert not any("t0psecret" in line or "sixteen characters" in line for line in program.log)


class Stage(MjpegServer):
    """A camera that shows what it is given; None: it sends nothing, and stays connected."""

    shown: bytes | None = None

    def _pictures(self) -> Iterator[bytes]:
        while not self._stopping.wait(0.04):
            if self.shown is not None:
                yield self.shown


@pytest.mark.parametrize("goes_on", [True, False])
def test_when_nobody_is_there_any_more_the_broker_hears_of_it_whether_pictures_come_or_not(
    tmp_path: Path, *, goes_on: bool
) -> None:
    crowd, nobody = weights("demo-crowd").read_bytes(), encode_jpeg(np.full((720, 1280, 3), 96, np.uint8))
    with Mosquitto(tmp_path) as broker, Stage() as camera, Listener(broker.port, "#") as there:
        camera.shown = crowd
        zone = {"name": "all", "points": [[0, 0], [1, 0], [1, 1], [0, 1]]}
        config: dict[str, Any] = {
            "cameras": [{"id": "door", "source": camera.url("video.mjpg"), "zones": [zone]}],
            "mqtt": {"host": "127.0.0.1", "port": broker.port},
        }
        with Program(tmp_path, config):
            topics = "streamer/door/occupancy", "streamer/door/zone/all/occupancy"
            eventually("people in sight", lambda: all((there.newest(t) or "").strip("0").isdigit() for t in topics), 60)
            camera.shown = nobody if goes_on else None
            for topic in topics:
                there.wait(topic, "0")
            assert there.payloads("streamer/door/state")[-1] == "live"  # it is known, not unknown


def by_key(payloads: list[str], key: str) -> Any:
    return next((event for event in map(json.loads, payloads) if event["key"] == key), None)
