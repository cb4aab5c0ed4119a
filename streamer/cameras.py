"""The cameras of a configuration: what reads each one, takes its frames to the pool, and makes results of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from streamer.analytics.camera_analytics import Outcome
from streamer.analytics.rules import Rules
from streamer.capture.addresses import is_live
from streamer.capture.reader import CameraReader
from streamer.config import CameraConfig, Config
from streamer.inference.attributes import AttributeModel
from streamer.inference.camera_lane import CameraLane
from streamer.inference.detector import Detector
from streamer.inference.load_control import ControlledCamera
from streamer.inference.model_store import ModelStore
from streamer.inference.pipeline import CameraPipeline, Deliver
from streamer.inference.pool import InferencePool
from streamer.inference.watchdog import Watchdog
from streamer.monitoring.metrics import Metrics
from streamer.monitoring.parts import camera_part, faces_part, lack_of
from streamer.types import CameraState, CameraStatus

__all__ = ["Cameras"]

_LONG_WAIT = 0.15  # s; above what two frames that come together wait, at 10 a second and more
_LEAST_UNREAD = 3  # frames in which faces were to be read and were not


class Cameras:
    """Each camera's reader, lane and pipeline, around nets and a pool that they share."""

    def __init__(
        self,
        config: Config,
        *,
        store: ModelStore,
        detector: Detector,
        attributes: AttributeModel | None,
        pool: InferencePool,
        metrics: Metrics,
        session: str,
        deliver: Deliver,
        on_status: Callable[[CameraStatus], None],
    ) -> None:
        """store: has the demo's material. session: see `CameraPipeline`. on_status: see `CameraReader`."""
        self._config = config
        self._store = store
        self._detector = detector
        self._attributes = attributes
        self._pool = pool
        self._metrics = metrics
        self._session = session
        self._deliver = deliver
        self._on_status = on_status
        self._pipelines: dict[str, CameraPipeline] = {}
        self._lanes: dict[str, CameraLane] = {}
        self._watchdogs = {camera.id: (Watchdog(), Watchdog(_LEAST_UNREAD)) for camera in config.cameras}
        self.controlled: list[ControlledCamera] = []  # for the load control
        self._readers = {camera.id: self._make_reader(camera) for camera in config.cameras}

    def _make_reader(self, camera: CameraConfig) -> CameraReader:
        pipeline = CameraPipeline(
            camera.id,
            detector=self._detector,
            attributes=self._attributes,
            tracking=self._config.tracking,
            look_interval=self._config.inference.seconds_between_looks,
            metrics=self._metrics,
            deliver=self._deliver,
            session=self._session,
            rules=camera.rules,
        )
        self._pipelines[camera.id] = pipeline
        lane = CameraLane(
            pipeline,
            queue_size=self._config.inference.queue_size,
            max_frame_age=self._config.inference.max_frame_age,
            long_wait=_LONG_WAIT,
            most_under_way=self._pool.workers + 1,
            metrics=self._metrics,
            wake=self._pool.wake,
            on_give_up=lambda: reader.fail(
                "the analysis of its pictures hung too often: the log says when; restart streamer to try again"
            ),
        )
        self._lanes[camera.id] = lane
        self._pool.add(camera.id, lane)
        reader = CameraReader(camera, lane.queue, self._metrics, store=self._store, on_status=self._on_status)
        self.controlled.append(
            ControlledCamera(
                camera.id,
                camera.priority,
                camera.max_fps,
                camera.deblock and is_live(camera),
                lane,
                lambda: reader.status,
                reader.ease,
            )
        )
        return reader

    def start(self) -> None:
        """Open them."""
        for reader in self._readers.values():
            reader.start()

    def stop(self, timeout: float) -> list[str]:
        """Close them; returns which did not end within so many seconds, all together."""
        deadline = time.monotonic() + timeout
        for reader in self._readers.values():
            reader.stop(0)  # asks all of them first
        return [
            camera for camera, reader in self._readers.items() if not reader.stop(max(0.0, deadline - time.monotonic()))
        ]

    def close(self) -> Iterator[Outcome]:
        """What was under way at each of them ends. After the pool's stop: nobody follows, but a worker that is late."""
        for pipeline in self._pipelines.values():
            yield pipeline.close(0)

    def idle(self, now: float) -> Iterator[tuple[str, Outcome]]:
        """What time has brought at cameras that deliver no frames. now: monotonic."""
        for camera, pipeline in self._pipelines.items():
            if outcome := pipeline.idle(now):
                yield camera, outcome

    def problems(self, now: float) -> Iterator[tuple[str, str | None]]:
        """Of the parts of each camera's analysis, why nothing comes of it though frames come; None where all is well.

        To be asked every second or so. now: monotonic.
        """
        for camera, reader in self._readers.items():
            lane, live = self._lanes[camera], reader.status.state is CameraState.LIVE
            frames, faces = self._watchdogs[camera]
            lost = frames.look(now, offered=lane.queue.offered, told=lane.analyzed, live=live)
            why = lane.failure or "the nets don't return, or have no time for them"
            yield _problem(camera_part(camera), why if lost else None)
            lost = faces.look(now, offered=lane.to_be_read, told=lane.were_read, live=live)
            yield _problem(faces_part(camera), "the log says why" if lost else None)

    def statuses(self) -> list[CameraStatus]:
        """As they stand, in the order of the configuration."""
        return [reader.status for reader in self._readers.values()]

    def set_rules(self, camera: str, rules: Rules) -> None:
        """Count by these from its next frame on. Any thread. Raises KeyError: no camera has this id."""
        self._pipelines[camera].set_rules(rules)


def _problem(part: str, why: str | None) -> tuple[str, str | None]:
    return part, why and f"{lack_of(part)}: {why}"
