"""What becomes of one camera's decoded frames: counted, timed, limited, numbered, and put into its queue."""

from __future__ import annotations

from typing import Literal, NamedTuple

from streamer.capture.frame_queue import FrameQueue
from streamer.capture.lag import LagEstimator
from streamer.capture.pacing import FrameRate
from streamer.capture.source import DropReason, Sample
from streamer.config import CameraConfig
from streamer.monitoring.metrics import Metrics
from streamer.pacing import RateLimit
from streamer.types import Frame

__all__ = ["Figures", "Intake"]


class Figures(NamedTuple):
    """See `CameraStatus`."""

    fps: float
    lag: float
    size: tuple[int, int] | None
    frames: int
    corrupt: int


class Intake:
    """One for each reader, whose lock guards it, except that `ease` and `drop` may be called from anywhere."""

    def __init__(self, camera: CameraConfig, queue: FrameQueue, metrics: Metrics) -> None:
        self._camera = camera.id
        self._queue = queue
        self._limit = RateLimit(camera.max_fps)
        self._eased = RateLimit(None)
        self._rate = FrameRate()
        self._lag = LagEstimator()
        self._size: tuple[int, int] | None = None
        self._seq = 0
        self._frames = 0
        self._corrupt = 0
        self._captured = metrics.frames_captured.labels(camera.id)
        self._dropped = metrics.frames_dropped
        self._lag_seconds = metrics.camera_lag.labels(camera.id)
        for reason in ("rate", "load", "evicted", "corrupt", "keyframe"):
            self._dropped.labels(camera.id, reason)

    def ease(self, max_fps: float | None) -> None:
        """Let through at most so many frames a second, evenly spread, below the camera's own limit; None: no fewer."""
        self._eased = RateLimit(max_fps)

    def take(self, sample: Sample, now: float, wall_time: float) -> bool:
        """A frame has come; True if its size is another than that of the one before."""
        self._captured.inc()
        self._frames += 1
        self._rate.add(now)
        self._lag.add(sample.pts, now)
        if not self._limit.allows(now):
            self._drop("rate")
        elif not self._eased.allows(now):
            self._drop("load")
        else:
            frame = Frame(self._camera, self._seq, sample.pts, now, wall_time, sample.picture)
            self._seq += 1
            if self._queue.put(frame) is not None:
                self._drop("evicted")
        before, self._size = self._size, (sample.picture.width, sample.picture.height)
        return before != self._size

    def drop(self, reason: DropReason) -> None:
        """A packet or frame was left out before it was one."""
        self._corrupt += reason == "corrupt"
        self._drop(reason)

    def figures(self, now: float) -> Figures:
        """As they stand."""
        lag = self._lag.lag
        self._lag_seconds.set(lag)
        return Figures(self._rate.value(now), lag, self._size, self._frames, self._corrupt)

    def restart(self) -> None:
        """What comes next comes over another connection."""
        self._rate.reset()
        self._lag.reset()

    def _drop(self, reason: Literal["rate", "load", "evicted"] | DropReason) -> None:
        self._dropped.labels(self._camera, reason).inc()
