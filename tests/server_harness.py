"""The real server with made-up cameras: discs for faces, and all that viewers can meet.

`python -m tests.server_harness --port 8123` serves until interrupted.

The cameras: `lobby` (three faces), `entrance` (720p, a crowd, reduced as if under load), `yard` (360p, slow), `gate`
(goes down for 8 s, every 24 s), `cellar` (never reached), `roof` (failed for good).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from pydantic import SecretStr

from streamer.config import AuthConfig, CameraConfig, Config, ServerConfig
from streamer.inference.reductions import reductions as reductions_of
from streamer.monitoring.metrics import Metrics
from streamer.pictures.picture import ArrayPicture, Pixels
from streamer.server.app import Server, Services
from streamer.server.hub import Hub
from streamer.types import CameraState, CameraStatus, Event, EventKind, FaceReading, Frame, Gender, Result, Track

MODELS: Mapping[str, Any] = {
    "detector": {"name": "made-up", "runtime": "none", "precision": "float32", "origin": "tests"},
    "attributes": {"name": "made-up", "runtime": "none", "precision": "float32", "origin": "tests"},
}


@dataclass(frozen=True)
class Scene:
    """One made-up camera.

    down: seconds out of each `period` in which it is unreachable. reduced: steps that the governor has taken, as told.
    posters: so many of its faces are printed ones.
    """

    name: str
    size: tuple[int, int] = (1280, 720)
    fps: float = 25.0
    faces: int = 3
    posters: int = 0
    down: float = 0.0
    period: float = 24.0
    state: CameraState = CameraState.LIVE
    reduced: int = 0


SCENES: Mapping[str, Scene] = {
    "lobby": Scene("Lobby"),
    "entrance": Scene("Main entrance", faces=14, fps=15.0, reduced=10),
    "yard": Scene("Yard, north side", size=(640, 360), fps=5.0, faces=2),
    "gate": Scene("Gate", size=(854, 480), faces=1, down=8.0),
    "cellar": Scene("Cellar", state=CameraState.RECONNECTING),
    "roof": Scene("Roof <b>&", state=CameraState.FAILED),
}


@dataclass
class FakeCamera(threading.Thread):
    """Publishes frames with moving discs as a camera's pipeline would, from a thread of its own."""

    id: str
    scene: Scene
    hub: Hub
    metrics: Metrics
    stopping: threading.Event = field(default_factory=threading.Event)
    state: CameraState = CameraState.CONNECTING
    since: float = field(default_factory=time.time)
    seq: int = 0
    reconnects: int = 0

    def __post_init__(self) -> None:
        threading.Thread.__init__(self, name=f"fake-{self.id}", daemon=True)
        self.begun = time.monotonic()
        self.visits: dict[int, float] = {}

    __hash__ = threading.Thread.__hash__
    __eq__ = threading.Thread.__eq__

    def run(self) -> None:
        """Until `stopping` is set."""
        self._enter(self.scene.state if self.scene.state is not CameraState.LIVE else CameraState.CONNECTING)
        while not self.stopping.wait(1 / self.scene.fps):
            if self.scene.state is not CameraState.LIVE:
                continue
            elapsed = time.monotonic() - self.begun
            down = self.scene.down and elapsed % self.scene.period > self.scene.period - self.scene.down
            if down:
                self._enter(CameraState.RECONNECTING)
            else:
                self._enter(CameraState.LIVE)
                self.publish_one()

    def publish_one(self) -> Result:
        """Make, count and publish one frame."""
        now = time.monotonic()
        tracks, faces = self._tracks(now)
        picture = ArrayPicture(self._draw(now, tracks))
        frame = Frame(self.id, self.seq, now - self.begun, now, time.time(), picture)
        timings = {"wait": 0.4, "detect": 5.5, "track": 0.2, "attributes": 2.3}
        result = Result(
            self.id, self.seq, frame.pts, now, frame.wall_time, self.scene.size, tracks=tracks, timings=timings
        )
        self.seq += 1
        self.metrics.frames_captured.labels(self.id).inc()
        self.metrics.frames_analyzed.labels(self.id).inc()
        self.metrics.queue_depth.labels(self.id).set(self.seq % 2)
        if self.seq % 10 == 0:
            self.metrics.frames_dropped.labels(self.id, "evicted").inc()
        self.hub.publish(frame, result, faces)
        return result

    def status(self) -> CameraStatus:
        """As a reader would tell it."""
        live, unreachable = self.state is CameraState.LIVE, self.state is CameraState.RECONNECTING
        reasons = {
            CameraState.RECONNECTING: "rtsp://***@10.1.2.3/stream: connection refused",
            CameraState.FAILED: "/dev/video7: no such file",
        }
        return CameraStatus(
            camera=self.id,
            name=self.scene.name,
            source=f"rtsp://***@10.1.2.3/{self.id}",
            state=self.state,
            since=self.since,
            reason=reasons.get(self.state, ""),
            next_attempt_at=math.ceil(time.time() / 4) * 4.0 if unreachable else None,
            codec="h264" if self.seq else "",
            size=self.scene.size if self.seq else None,
            fps=self.scene.fps if live else 0.0,
            frames=self.seq,
            reconnects=self.reconnects,
        )

    def _enter(self, state: CameraState) -> None:
        if state is self.state:
            return
        self.state, self.since = state, time.time()
        if state is CameraState.LIVE:
            self.hub.publish_event(Event(EventKind.CAMERA_UP, self.id, self.since))
        elif state is CameraState.RECONNECTING:
            self.reconnects += 1
            self.hub.publish_event(Event(EventKind.CAMERA_DOWN, self.id, self.since, data={"reason": "refused"}))

    def _tracks(self, now: float) -> tuple[tuple[Track, ...], np.ndarray[Any, np.dtype[np.float32]]]:
        """Faces that walk to and fro, each a visit of 20 s, of which one in eight seconds is spent unseen."""
        width, height = self.scene.size
        elapsed = now - self.begun
        tracks, boxes = [], []
        for i in range(self.scene.faces):
            visit = int((elapsed + 3 * i) // 20)
            number = visit * self.scene.faces + i + 1
            first = self.visits.setdefault(number, now)
            if first == now:
                self.hub.publish_event(Event(EventKind.VISIT_STARTED, self.id, time.time()))
            side = height * (0.12 + 0.1 * ((i * 5) % 4) / 4)
            x = (0.5 + 0.42 * math.sin(elapsed * (0.25 + 0.05 * (i % 5)) + 2.4 * i)) * (width - side)
            y = (0.5 + 0.35 * math.cos(elapsed * 0.31 + 1.7 * i)) * (height - side)
            box = (x, y, x + side, y + side * 1.2)
            boxes.append(box)
            coasting = (elapsed + i) % 8 > 7
            seen = now - 0.3 if coasting and now - 0.3 > first else now
            track = _track(number, i, box, first=first, seen=seen, now=now)
            tracks.append(replace(track, static=i < self.scene.posters))
        return tuple(tracks), np.array(boxes, np.float32).reshape(-1, 4)

    def _draw(self, now: float, tracks: tuple[Track, ...]) -> Pixels:
        width, height = self.scene.size
        shade = np.linspace(60, 130, height, dtype=np.uint8)[:, None, None]
        picture = np.ascontiguousarray(np.broadcast_to(shade, (height, width, 3)))
        picture[:, :, 0] += 25
        for track in tracks:
            x0, y0, x1, y1 = (round(value) for value in track.box)
            centre, radius = ((x0 + x1) // 2, (y0 + y1) // 2), max(2, (x1 - x0) // 2)
            cv2.circle(picture, centre, radius, (150, 180, 225), -1, cv2.LINE_AA)
            for side in (-1, 1):
                cv2.circle(
                    picture, (centre[0] + side * radius // 3, centre[1] - radius // 4), radius // 8, (40, 30, 30), -1
                )
            cv2.ellipse(
                picture, (centre[0], centre[1] + radius // 4), (radius // 3, radius // 5), 0, 0, 180, (60, 60, 160), 2
            )
        clock = f"{self.scene.name}  {time.strftime('%H:%M:%S')}.{int(now * 10) % 10}"
        cv2.putText(
            picture, clock, (12, height - 14), cv2.FONT_HERSHEY_SIMPLEX, height / 900, (235, 235, 235), 1, cv2.LINE_AA
        )
        return picture


def _track(
    number: int, i: int, box: tuple[float, float, float, float], *, first: float, seen: float, now: float
) -> Track:
    """Settles in its first seconds: nothing, then an age, then a gender."""
    known = now - first
    landmarks = np.zeros((5, 2), np.float32)
    if known < 1.0:
        return Track(number, box, landmarks, 0.81, first, seen)
    age, spread = 18.0 + (number * 13) % 50, max(2.5, 9.0 - known)
    genders: tuple[Gender, Gender] = ("female", "male")
    gender: Gender = genders[i % 2] if known > 2.0 else "unknown"
    p_female = 0.93 if i % 2 == 0 else 0.08
    return Track(
        number,
        box,
        landmarks,
        0.88,
        first,
        seen,
        age=age,
        age_low=max(0.0, age - spread),
        age_high=age + spread,
        gender=gender,
        gender_confidence=0.0 if gender == "unknown" else 0.93,
        samples=1 + int(known),
        reading=FaceReading(age + math.sin(number), 6.0, p_female, 0.7),
    )


@dataclass
class Harness:
    """The running server."""

    port: int
    server: Server
    services: Services
    cameras: dict[str, FakeCamera]

    @property
    def url(self) -> str:
        """Of the page."""
        return f"{'http' if self.services.config.server.tls is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """Of the websocket."""
        return self.url.replace("http", "ws", 1) + "/ws"


def make_services(scenes: Mapping[str, Scene] = SCENES, **overrides: Any) -> tuple[Services, dict[str, FakeCamera]]:
    """Services over cameras that don't run yet. overrides: of `ServerConfig`, or `privacy`."""
    privacy = overrides.pop("privacy", "none")
    token = overrides.pop("token", None)
    if token is not None:
        overrides["auth"] = AuthConfig(token=SecretStr(token))
    config = Config(
        cameras=tuple(CameraConfig(id=i, name=scene.name[:100], source="demo") for i, scene in scenes.items()),
        server=ServerConfig(**{"port": 0, **overrides}),
        privacy=privacy,
    )
    metrics = Metrics()
    hub = Hub(metrics)
    cameras = {i: FakeCamera(i, scene, hub, metrics) for i, scene in scenes.items()}
    statuses = lambda: [camera.status() for camera in cameras.values()]  # noqa: E731 - a callable is what is asked for
    reductions = {i: reductions_of(scene.fps, 640, deblocks=True)[scene.reduced] for i, scene in scenes.items()}
    services = Services(config, hub, metrics, statuses, lambda: MODELS, time.time(), reductions=lambda: reductions)
    return services, cameras


@contextlib.asynccontextmanager
async def running_server(
    scenes: Mapping[str, Scene] = SCENES, *, feed: bool = True, **overrides: Any
) -> AsyncIterator[Harness]:
    """The server in the running loop. feed: whether the cameras run; else call `publish_one` of each by hand."""
    services, cameras = make_services(scenes, **overrides)
    server = Server(services)
    port = await server.start()
    for camera in cameras.values():
        if feed:
            camera.start()
    try:
        yield Harness(port, server, services, cameras)
    finally:
        for camera in cameras.values():
            camera.stopping.set()
        for camera in cameras.values():
            if camera.ident is not None:
                await asyncio.to_thread(camera.join)
        await server.stop()


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Return when the condition holds. Raises TimeoutError after this many seconds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - conditions of threads, sockets and counters, which set no event
            await asyncio.sleep(0.005)


async def _serve(arguments: argparse.Namespace) -> None:
    overrides = {"port": arguments.port, "token": arguments.token, "privacy": arguments.privacy}
    async with running_server(**overrides) as harness:
        print(harness.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--token", help="guard every route with this")
    parser.add_argument("--privacy", choices=["none", "blur", "metadata_only"], default="none")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
