"""The load of a real lane in a real pool, and what the cameras are told because of it. The clock is made up."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from streamer.config import TrackingConfig
from streamer.inference.camera_lane import CameraLane
from streamer.inference.load_control import ControlledCamera, LoadControl
from streamer.inference.pipeline import CameraPipeline
from streamer.inference.pool import InferencePool
from streamer.monitoring.metrics import Metrics
from streamer.pictures.picture import ArrayPicture
from streamer.types import CameraState, CameraStatus, Frame
from tests.scripted import ScriptedDetector

PICTURE = ArrayPicture(np.zeros((36, 64, 3), np.uint8))


class Rig:
    """One camera of 25 frames a second, asked for 10, before one worker that a test can hold up."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.entered, self.gate = threading.Event(), threading.Event()
        self.detector = ScriptedDetector(lambda _: self._hold())
        self.pool = InferencePool(workers=1, metrics=self.metrics)
        pipeline = CameraPipeline(
            "door",
            detector=self.detector,
            attributes=None,
            tracking=TrackingConfig(),
            metrics=self.metrics,
            deliver=lambda *_: None,
        )
        self.lane = CameraLane(
            pipeline, queue_size=2, max_frame_age=60, most_under_way=2, metrics=self.metrics, wake=self.pool.wake
        )
        self.pool.add("door", self.lane)
        self.status = CameraStatus("door", "Door", "rtsp://door", CameraState.LIVE, since=0, fps=25, codec="h264")
        self.eased: list[tuple[float | None, bool]] = []
        self.control = LoadControl([self.camera()], self.pool, detect_width=640, max_frame_age=60, metrics=self.metrics)
        self.now = 1000.0
        self.seq = 0
        self.pool.start()

        self.rest(11)

    def camera(self) -> ControlledCamera:
        return ControlledCamera("door", 0, 10, True, self.lane, lambda: self.status, self._ease)

    def _ease(self, max_fps: float | None, *, deblock: bool) -> None:
        self.eased.append((max_fps, deblock))

    def _hold(self) -> None:
        self.entered.set()
        assert self.gate.wait(10)

    def put(self) -> None:
        now = time.monotonic()
        self.lane.queue.put(Frame("door", self.seq, now, now, time.time(), PICTURE))
        self.seq += 1

    def overload(self) -> None:
        """The worker is busy nine tenths of the time, and most frames find no room."""
        self.rest(5)
        for _ in range(4):  # so that all it goes by is what comes now
            self.control.tick(self.now)
        self.entered.clear()
        self.gate.clear()
        before = self.pool.busy_seconds
        self.put()
        assert self.entered.wait(10)
        for _ in range(9):
            self.put()
        self.gate.set()
        assert self.pool.wait_until(lambda: self.lane.counts.taken == self.seq - self.lane.counts.evicted, 10)
        assert self.pool.wait_until(lambda: self.pool.busy_seconds > before, 10)
        self.now += (self.pool.busy_seconds - before) / 0.9
        self.control.tick(self.now)

    def rest(self, seconds: int) -> None:
        """Nothing to do."""
        for _ in range(seconds):
            self.now += 1
            self.control.tick(self.now)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.gate.set()
    assert made.pool.stop()


def test_an_overload_eases_the_camera_step_by_step_and_then_narrows_its_looks(rig: Rig) -> None:
    for _ in range(6):
        rig.overload()
    assert rig.eased == [(None, False), (8.0, False), (6.4, False), (5.0, False)]
    assert rig.detector.widest[-1] is None
    rig.gate.set()
    looks = len(rig.detector.widest)
    rig.put()
    assert rig.pool.wait_until(lambda: len(rig.detector.widest) > looks, 10)
    assert rig.detector.widest[-1] == 480


def test_what_was_decided_is_told(rig: Rig) -> None:
    rig.overload()
    rig.overload()
    assert rig.control.reductions["door"].level == 2
    assert rig.metric("streamer_camera_reduction_level", camera="door") == 2
    assert rig.metric("streamer_reductions_total", direction="lower") == 2
    assert rig.metric("streamer_workers_use_ratio") == pytest.approx(0.9, abs=0.02)
    assert rig.metric("streamer_frames_lost_ratio") == pytest.approx(0.7)


def test_after_a_calm_while_all_is_as_configured_again(rig: Rig) -> None:
    for _ in range(3):
        rig.overload()
    rig.rest(60)
    assert rig.eased[:2] == [(None, False), (8.0, False)]
    assert rig.eased[-1] == (None, True)
    assert rig.control.reductions["door"].level == 0
    assert rig.metric("streamer_reductions_total", direction="raise") == 3


def test_the_first_seconds_of_a_camera_are_not_judged(rig: Rig) -> None:
    rig.control = LoadControl([rig.camera()], rig.pool, detect_width=640, max_frame_age=60, metrics=rig.metrics)
    rig.overload()
    assert rig.control.reductions["door"].level == 0
    rig.rest(5)
    rig.overload()
    assert rig.control.reductions["door"].level == 1


def test_a_camera_that_is_away_is_left_as_it_is(rig: Rig) -> None:
    rig.status = CameraStatus("door", "Door", "rtsp://door", CameraState.RECONNECTING, since=0)
    rig.overload()
    assert not rig.eased
