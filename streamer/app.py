"""The whole program: builds every part from the configuration, starts from viewers to cameras, stops in reverse."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer import __version__
from streamer.analytics.rules import Rules
from streamer.cache import open_cache
from streamer.capture.reader import CameraReader
from streamer.config import CameraConfig, Config
from streamer.health import Health
from streamer.inference.attributes import AttributeModel, attribute_files, open_attribute_model
from streamer.inference.camera_lane import CameraLane
from streamer.inference.detectors import Detector, open_detector, weights_of
from streamer.inference.image_lane import ImageLane
from streamer.inference.model_store import ModelStore
from streamer.inference.pipeline import CameraPipeline
from streamer.inference.pool import InferencePool
from streamer.inference.runtime import cores
from streamer.inference.still import StillAnalyzer
from streamer.metrics import Metrics
from streamer.server.app import Server, Services
from streamer.server.encoding import result_object
from streamer.server.hub import Hub
from streamer.server.image_service import ImageService
from streamer.sinks import Sink
from streamer.types import CameraState, CameraStatus, Event, EventKind, Frame, Result

__all__ = ["App"]

log = logging.getLogger(__name__)

# What each part may take of the 5 s in which a stop must be done.
_STOP_READERS, _STOP_POOL, _STOP_SINKS, _STOP_SERVER = 1.5, 1.0, 1.0, 1.0


class App:
    """One running streamer: make it (which loads the nets), `start` it in a loop, `stop` it in at most 5 s."""

    def __init__(self, config: Config, store: ModelStore) -> None:
        """Loads the nets, fetching their weights if need be. Raises ModelError."""
        self.config = config
        self.metrics = Metrics()
        self.health = Health(self.metrics)
        self.hub = Hub(self.metrics)
        self.session = secrets.token_hex(6)  # of this run, in the keys of its events
        self._sinks: list[Sink] = []
        self._pipelines: dict[str, CameraPipeline] = {}
        self._detector: Detector = open_detector(config.models, config.inference, store)
        self._attributes: AttributeModel | None = open_attribute_model(config.models, store)
        self._nets = _describe(self._detector, self._attributes, store)
        workers = config.inference.workers
        self._pool = InferencePool(
            workers=cores() if workers == "auto" else workers,
            metrics=self.metrics,
        )
        self._readers = {camera.id: self._make_reader(camera, store) for camera in config.cameras}
        self._live: set[str] = set()
        self._images = self._make_image_service()
        services = Services(
            config=config,
            hub=self.hub,
            metrics=self.metrics,
            statuses=self.statuses,
            models=self.models,
            health=self.health,
            started_at=time.time(),
            images=self._images,
        )
        self._server = Server(services)

    def _make_reader(self, camera: CameraConfig, store: ModelStore) -> CameraReader:
        pipeline = CameraPipeline(
            camera.id,
            detector=self._detector,
            attributes=self._attributes,
            tracking=self.config.tracking,
            metrics=self.metrics,
            deliver=self._deliver,
            session=self.session,
            rules=camera.rules,
        )
        self._pipelines[camera.id] = pipeline
        lane = CameraLane(
            pipeline,
            queue_size=self.config.inference.queue_size,
            max_frame_age=self.config.inference.max_frame_age,
            most_under_way=self._pool.workers + 1,
            metrics=self.metrics,
            wake=self._pool.wake,
        )
        self._pool.add(camera.id, lane)
        return CameraReader(camera, lane.queue, self.metrics, store=store, on_status=self._on_status)

    def _make_image_service(self) -> ImageService:
        """Raises ConfigError when the cache can't be had."""
        config, nets = self.config, self._nets
        model = nets["attributes"]["name"] if "attributes" in nets else ""
        lane = ImageLane(
            StillAnalyzer(self._detector, self._attributes, config.tracking),
            config.images,
            blur=config.privacy == "blur",
            workers=self._pool.workers,
            encode_result=lambda result: {"type": "result", **result_object(result, model)},
            metrics=self.metrics,
            wake=self._pool.wake,
        )
        self._pool.add("/analyze", lane)  # no camera can have this id
        fingerprint = {
            "version": __version__,
            "nets": {role: [net[key] for key in ("name", "runtime", "precision")] for role, net in nets.items()},
            "inference": config.inference.model_dump(exclude={"workers", "queue_size", "max_frame_age"}),
            "min_gender_confidence": config.tracking.min_gender_confidence,
            "privacy": config.privacy,
        }
        cache = open_cache(config.cache, self.metrics)
        return ImageService(lane, cache, config.images, fingerprint=fingerprint, metrics=self.metrics)

    async def start(self) -> int:
        """Serve, then open the cameras; returns the port. Raises StreamerError if the port can't be had."""
        port = await self._server.start()
        for sink in self._sinks:
            sink.start()
        self._pool.start()
        for reader in self._readers.values():
            reader.start()
        return port

    async def stop(self) -> None:
        """End everything, from cameras to viewers; what does not end in its time is left behind, and said."""
        late = await asyncio.to_thread(self._stop_threads)
        await self._server.stop(_STOP_SERVER)
        await self._images.close()
        for what in late:
            log.warning("%s did not end in time and is left behind", what)

    def _stop_threads(self) -> list[str]:
        deadline = time.monotonic() + _STOP_READERS
        for reader in self._readers.values():
            reader.stop(0)  # asks all of them first
        late = [
            f"camera {camera}"
            for camera, reader in self._readers.items()
            if not reader.stop(max(0.0, deadline - time.monotonic()))
        ]
        if not self._pool.stop(_STOP_POOL):
            late.append("an inference worker")
        deadline = time.monotonic() + _STOP_SINKS  # after those who feed them
        late += [type(sink).__name__ for sink in self._sinks if not sink.stop(max(0.1, deadline - time.monotonic()))]
        return late

    def statuses(self) -> list[CameraStatus]:
        """The cameras as they stand, in the order of the configuration."""
        return [reader.status for reader in self._readers.values()]

    def set_rules(self, camera: str, rules: Rules) -> None:
        """Count by these at a camera, from its next frame on. Any thread. Raises KeyError: no camera has this id."""
        self._pipelines[camera].set_rules(rules)

    def models(self) -> Mapping[str, Any]:
        """Which nets run, on what, in which precision, and where they came from, by role."""
        return self._nets

    def _deliver(self, frame: Frame, result: Result, faces: NDArray[np.float32]) -> None:
        """Called by the pool for each analysed frame of a camera, in order."""
        for event in result.events:
            self._tell(event)
        for minute in result.minutes:
            for sink in self._sinks:
                sink.minute(minute)
        self.hub.publish(frame, result, faces)

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

    def _tell(self, event: Event) -> None:
        self.hub.publish_event(event)
        for sink in self._sinks:
            sink.event(event)


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
        session = attributes.sessions[0]
        nets["attributes"] = {
            "name": attributes.name,
            "runtime": session.runtime,
            "precision": session.precision,
            "origin": "; ".join(store.origin(file) for file in attribute_files(attributes.name)),
        }
    return nets
