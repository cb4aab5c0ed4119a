"""The whole program: builds every part from the configuration, starts from viewers to cameras, stops in reverse."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer import __version__
from streamer.analytics.age_groups import AgeGroups
from streamer.analytics.heat import HeatMaps
from streamer.analytics.rules import Rules
from streamer.cache import open_cache
from streamer.cameras import Cameras
from streamer.config import Config
from streamer.inference.attributes import AttributeModel, attribute_files, open_attribute_model
from streamer.inference.detector import Detector
from streamer.inference.detectors import open_detector, weights_of
from streamer.inference.image_lane import ImageLane
from streamer.inference.load_control import LoadControl
from streamer.inference.model_store import ModelStore
from streamer.inference.pool import InferencePool
from streamer.inference.runtime import cores
from streamer.inference.still import StillAnalyzer
from streamer.integrations.configured import open_mqtt, open_webhooks
from streamer.integrations.recall import recall_from
from streamer.memory import TRIM_SECONDS, give_back_freed_memory
from streamer.monitoring.health import Health
from streamer.monitoring.metrics import Metrics
from streamer.own_thread import in_own_thread
from streamer.server.app import Server, Services
from streamer.server.encoding import result_object
from streamer.server.hub import Hub
from streamer.server.image_service import ImageService
from streamer.server.protocol import encode_event
from streamer.sinks import Sink, stop_all
from streamer.store.database import Database
from streamer.store.rule_book import RuleBook
from streamer.store.writer import StoreWriter
from streamer.types import CameraState, CameraStatus, Event, EventKind, Frame, OccupancyMinute, Result

__all__ = ["App"]

_IMAGES = "/analyze"  # the images' lane: no camera can have this id

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0  # between looks for cameras without frames, or without results, and at the store
# What each part may take of the 5 s in which a stop must be done.
_STOP_READERS, _STOP_CONTROL, _STOP_POOL, _STOP_SINKS, _STOP_SERVER = 1.5, 0.2, 0.8, 1.0, 1.0


class App:
    """One running streamer: make it (which loads the nets), `start` it in a loop, `stop` it in at most 5 s."""

    def __init__(self, config: Config, store: ModelStore) -> None:
        """Loads the nets, fetching their weights if need be. Raises ModelError."""
        self.config = config
        self.metrics = Metrics()
        self.health = Health(self.metrics)
        self.hub = Hub(self.metrics)
        self.session = secrets.token_hex(6)  # of this run, in the keys of its events
        self._detector: Detector = open_detector(config.models, config.inference, store)
        self._attributes: AttributeModel | None = open_attribute_model(config.models, store)
        self._nets = _describe(self._detector, self._attributes, store)
        self._database = self._open_database()
        self._mqtt = open_mqtt(
            config,
            encode=self._encode,
            health=self.health,
            metrics=self.metrics,
            recall=None if self._database is None else recall_from(self._database),
        )
        webhooks = open_webhooks(config, encode=self._encode, health=self.health, metrics=self.metrics)
        self._sinks: list[Sink] = [sink for sink in (self._mqtt, webhooks) if sink is not None]
        workers = config.inference.workers
        self._pool = InferencePool(
            workers=cores() if workers == "auto" else workers,
            metrics=self.metrics,
            hang_after=config.inference.hang_after,
        )
        self._cameras = Cameras(
            config,
            store=store,
            detector=self._detector,
            attributes=self._attributes,
            pool=self._pool,
            metrics=self.metrics,
            session=self.session,
            deliver=self._deliver,
            on_status=self._on_status,
        )
        self._heat = HeatMaps(camera.id for camera in config.cameras)
        self._load_control = LoadControl(
            self._cameras.controlled,
            self._pool,
            detect_width=config.inference.detect_width,
            max_frame_age=config.inference.max_frame_age,
            metrics=self.metrics,
        )
        self._live: set[str] = set()
        self._watches: list[asyncio.Task[None]] = []
        self._rule_book = RuleBook(config.cameras, self._database, self.set_rules)
        self._store_writer = None if self._database is None else self._make_store_writer(self._database)
        if self._store_writer is not None:
            self._sinks.append(self._store_writer)
        self._images = self._make_image_service()
        services = Services(
            config=config,
            hub=self.hub,
            metrics=self.metrics,
            statuses=self._cameras.statuses,
            models=self.models,
            health=self.health,
            started_at=time.time(),
            images=self._images,
            heat=self._heat.seconds,
            database=self._database,
            rule_book=self._rule_book,
            reductions=lambda: self._load_control.reductions,
        )
        self._server = Server(services)

    def _make_image_service(self) -> ImageService:
        """Raises ConfigError when the cache can't be had."""
        config, nets = self.config, self._nets
        model = nets["attributes"]["name"] if "attributes" in nets else ""
        lane = ImageLane(
            StillAnalyzer(self._detector, self._attributes, config.tracking),
            config.images,
            blur=config.privacy == "blur",
            withhold=not config.shows_pictures,
            workers=self._pool.workers,
            is_alone=lambda: self._pool.is_alone(_IMAGES),
            encode_result=lambda result: {"type": "result", **result_object(result, model)},
            metrics=self.metrics,
            wake=self._pool.wake,
        )
        self._pool.add(_IMAGES, lane)
        fingerprint = {
            "version": __version__,
            "nets": {role: [net[key] for key in ("name", "runtime", "precision")] for role, net in nets.items()},
            "inference": config.inference.model_dump(
                exclude={"workers", "queue_size", "max_frame_age", "hang_after", "look_interval", "adapt"}
            ),
            "min_gender_confidence": config.tracking.min_gender_confidence,
            "privacy": config.privacy,
        }
        cache = open_cache(config.cache, self.metrics)
        return ImageService(lane, cache, config.images, fingerprint=fingerprint, metrics=self.metrics)

    def _open_database(self) -> Database | None:
        """Raises ConfigError; one that doesn't answer is no error, as the cameras don't need it."""
        url = self.config.store.url
        return None if url is None else Database(url.get_secret_value())

    def _make_store_writer(self, database: Database) -> StoreWriter:
        return StoreWriter(
            database,
            self.config.store,
            session=self.session,
            cameras=[camera.id for camera in self.config.cameras],
            group_of=AgeGroups(self.config.footfall.age_groups).of,
            heat=self._heat,
            metrics=self.metrics,
            health=self.health,
            on_rules=self._rule_book.recall,
        )

    async def start(self) -> int:
        """Serve, then open the cameras; returns the port. Raises StreamerError if the port can't be had."""
        port = await self._server.start()
        for sink in self._sinks:
            sink.start()
        self._pool.start()
        self._cameras.start()
        self._watches = [asyncio.create_task(self._watch()), asyncio.create_task(_keep_memory_small())]
        if self.config.inference.adapt:
            self._load_control.start()
        return port

    async def stop(self) -> None:
        """End everything, from cameras to viewers; what does not end in its time is left behind, and said."""
        for watch in self._watches:
            watch.cancel()
        late = await in_own_thread(self._stop_threads, "stop")
        await self._server.stop(_STOP_SERVER)
        await self._images.close()
        for what in late:
            log.warning("%s did not end in time and is left behind", what)

    def _stop_threads(self) -> list[str]:
        late = [f"camera {camera}" for camera in self._cameras.stop(_STOP_READERS)]
        if not self._load_control.stop(_STOP_CONTROL):
            late.append("the load control")
        if not self._pool.stop(_STOP_POOL):
            late.append("an inference worker")
        for outcome in self._cameras.close():
            self._tell_all(outcome.events, outcome.minutes)
        # After those who feed them
        return late + [type(sink).__name__ for sink in stop_all(self._sinks, _STOP_SINKS)]

    def set_rules(self, camera: str, rules: Rules) -> None:
        """Count by these at a camera, from its next frame on. Any thread. Raises KeyError: no camera has this id."""
        self._cameras.set_rules(camera, rules)
        if self._mqtt is not None:
            self._mqtt.set_rules(camera, rules)

    def models(self) -> Mapping[str, Any]:
        """Which nets run, on what, in which precision, and where they came from, by role."""
        return self._nets

    def _deliver(self, frame: Frame, result: Result, faces: NDArray[np.float32]) -> None:
        """Called by the pool for each analysed frame of a camera, in order."""
        self._tell_all(result.events, result.minutes)
        self._heat.add(result)
        if self._mqtt is not None:
            self._mqtt.occupancy(result.camera, result.occupancy)
        self.hub.publish(frame, result, faces)

    async def _watch(self) -> None:
        """Tell of what isn't analysed, and of a store that hangs; end visits where no frame comes to end them by."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._store_writer is not None:
                self._store_writer.look(time.monotonic())
            for part, problem in self._cameras.problems(time.monotonic()):
                self.health.report(part, problem)
            for camera, outcome in self._cameras.idle(time.monotonic()):
                self._tell_all(outcome.events, outcome.minutes)
                if self._mqtt is not None:
                    self._mqtt.occupancy(camera, outcome.occupancy)

    def _tell_all(self, events: Sequence[Event], minutes: Sequence[OccupancyMinute]) -> None:
        for event in events:
            self._tell(event)
        for minute in minutes:
            for sink in self._sinks:
                sink.minute(minute)

    def _on_status(self, status: CameraStatus) -> None:
        """Called by a reader's thread at each change of state: a camera that comes or goes is an event."""
        for sink in self._sinks:
            sink.status(status)
        is_live = status.state is CameraState.LIVE
        was_live = status.camera in self._live
        if is_live == was_live:
            return
        if is_live:
            self._live.add(status.camera)
        else:
            self._live.discard(status.camera)
            self.metrics.tracks.labels(status.camera).set(0)
        kind = EventKind.CAMERA_UP if is_live else EventKind.CAMERA_DOWN
        key = f"{self.session}-{status.camera}-{kind.value}-{status.since:.3f}"
        self._tell(Event(kind, status.camera, status.since, data={"reason": status.reason}, key=key))

    def _encode(self, event: Event) -> str:
        """As on the websocket."""
        return encode_event(event, model=self._nets["attributes"]["name"] if "attributes" in self._nets else "")

    def _tell(self, event: Event) -> None:
        self.hub.publish_event(event)
        for sink in self._sinks:
            sink.event(event)


async def _keep_memory_small() -> None:
    while True:
        await asyncio.sleep(TRIM_SECONDS)
        await asyncio.to_thread(give_back_freed_memory)


def _describe(detector: Detector, attributes: AttributeModel | None, store: ModelStore) -> dict[str, Any]:
    nets: dict[str, Any] = {
        "detector": {
            "name": detector.name,
            "runtime": detector.session.runtime,
            "precision": detector.session.precision,
            "origin": store.origin(weights_of(detector.name)),
        }
    }
    if attributes is not None:
        nets["attributes"] = {
            "name": attributes.name,
            "runtime": attributes.sessions[0].runtime,
            "precision": ", ".join(dict.fromkeys(session.precision for session in attributes.sessions)),
            "origin": "; ".join(store.origin(file) for file in attribute_files(attributes.name)),
        }
    return nets
