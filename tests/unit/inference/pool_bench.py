"""A pool with cameras whose nets do what a test lays out."""

from __future__ import annotations

import math
import threading
import time

import numpy as np
from numpy.typing import NDArray

from streamer.capture.frame_queue import FrameQueue
from streamer.config import TrackingConfig
from streamer.inference.attributes import AttributeModel
from streamer.inference.camera_lane import CameraLane
from streamer.inference.pipeline import CameraPipeline, Deliver
from streamer.inference.pool import InferencePool
from streamer.monitoring.metrics import Metrics
from streamer.pictures.picture import ArrayPicture
from streamer.types import Frame, Result
from tests.scripted import ScriptedDetector

__all__ = ["Bench", "Collector", "frame"]

PICTURE = ArrayPicture(np.zeros((36, 64, 3), np.uint8))


class Collector:
    """Keeps what the pool delivers, and lets a test wait for a number of results."""

    def __init__(self) -> None:
        self.results: list[Result] = []
        self._changed = threading.Condition()

    def __call__(self, _frame: Frame, result: Result, _faces: NDArray[np.float32]) -> None:
        with self._changed:
            self.results.append(result)
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[Result]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.results) >= count, 5), f"{len(self.results)} of {count}"
        return self.results


class Bench:
    """A pool with as many cameras as a test asks for."""

    def __init__(self, workers: int, max_frame_age: float | None, hang_after: float | None = None) -> None:
        self.metrics = Metrics()
        self.collected = Collector()
        self.max_frame_age = max_frame_age
        self.pool = InferencePool(workers=workers, metrics=self.metrics, hang_after=hang_after)
        self.given_up: list[str] = []
        self.gave_up = threading.Event()
        self.lanes: dict[str, CameraLane] = {}

    def camera(
        self,
        name: str,
        detector: ScriptedDetector,
        *,
        attributes: AttributeModel | None = None,
        size: int = 100,
        long_wait: float = math.inf,
        deliver: Deliver | None = None,
    ) -> FrameQueue:
        pipeline = CameraPipeline(
            name,
            detector=detector,
            attributes=attributes,
            tracking=TrackingConfig(),
            metrics=self.metrics,
            deliver=deliver or self.collected,
        )
        lane = self.lanes[name] = CameraLane(
            pipeline,
            queue_size=size,
            max_frame_age=self.max_frame_age,
            long_wait=long_wait,
            most_under_way=self.pool.workers + 1,
            metrics=self.metrics,
            wake=self.pool.wake,
            on_give_up=lambda: self._give_up(name),
        )
        self.pool.add(name, lane)
        return lane.queue

    def _give_up(self, name: str) -> None:
        self.given_up.append(name)
        self.gave_up.set()

    def dropped(self, camera: str, reason: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "streamer_frames_dropped_total", {"camera": camera, "reason": reason}
        )
        return value or 0.0


def frame(camera: str, seq: int, age: float = 0.0) -> Frame:
    now = time.monotonic() - age
    return Frame(camera, seq, seq / 25, now, time.time() - age, PICTURE)
