"""What happens to the frames of one camera between capture and viewers: detect, follow, read, report."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from streamer.analytics.camera_analytics import Outcome
from streamer.analytics.rules import Rules
from streamer.config import TrackingConfig
from streamer.inference.appearing import with_appearances
from streamer.inference.attributes import AttributeModel
from streamer.inference.detector import Detector
from streamer.inference.effort import Effort
from streamer.inference.following import Followed, Following, Found
from streamer.inference.reporting import Reporting
from streamer.inference.turn import Turn
from streamer.monitoring.metrics import Metrics
from streamer.pacing import Throttle
from streamer.types import Detections, FaceReading, Frame, Result

__all__ = ["CameraPipeline", "Deliver", "Followed", "Found"]

log = logging.getLogger(__name__)

# s beyond `lost_after` without a frame, after which none is on its way any more
_IDLE_AFTER = 1.0

Deliver = Callable[[Frame, Result, NDArray[np.float32]], None]
"""Takes a frame, its result, and the (N, 4) boxes of every face known to be in it, confirmed or not."""


class CameraPipeline:
    """One camera's way from frame to result, around nets that all cameras share, in four steps.

    `detect` and `read`, where the nets work, may run on several threads at once, each on another frame. `follow` and
    `report` must be called in the order of capture, each by one thread at a time; neither needs what a later step of an
    earlier frame has found, so that faces of one frame are read while those of the next are followed. Every frame that
    was followed must be reported. The sequencers of the camera's lane see to all that.
    """

    def __init__(
        self,
        camera: str,
        *,
        detector: Detector,
        attributes: AttributeModel | None,
        tracking: TrackingConfig,
        metrics: Metrics,
        deliver: Deliver,
        look_interval: float | None = 0.0,
        session: str = "offline",
        rules: Rules | None = None,
    ) -> None:
        """look_interval: seconds from one look for faces to the next, 0 for every frame; None: by what is to be seen.

        session: tells this run from all others in the keys of events. rules: what is counted at the beginning.
        """
        self.camera = camera
        self._detector = detector
        self._attributes = attributes
        self._tracking = tracking
        self._metrics = metrics
        self._deliver = deliver
        self._following = Following(
            tracking,
            confirm_score=detector.confirm_score,
            look_interval=look_interval,
            reads=attributes is not None,
        )
        self._reporting = Reporting(camera, tracking, metrics, session=session, rules=rules or Rules())
        self._failures = Throttle()
        self._turn = Turn()  # had while a frame is followed, or time passes without one
        self._reports = threading.Lock()  # held while a frame is reported, or time passes without one
        self._followed = self._reported = 0  # frames; each belongs to the holder of the one or the other
        self._closed = False
        self._effort = Effort()

    def set_effort(self, effort: Effort) -> None:
        """Spend so much from the next frame on. Any thread."""
        self._effort = effort

    def set_rules(self, rules: Rules) -> None:
        """Count by these from the next frame on. Any thread."""
        self._reporting.set_rules(rules)

    def detect(self, frame: Frame) -> Found:
        """Find the faces of one frame, if it is one that is likely to be looked at."""
        looking = self._following.looking
        glimpse = looking.glimpse(frame.picture)
        timings: dict[str, float] = {}
        if not looking.guess(frame.captured_at, at_least=self._effort.look_interval):
            return Found(frame, None, timings, glimpse)
        return Found(frame, self._detect(frame, timings), timings, glimpse)

    def _detect(self, frame: Frame, timings: dict[str, float]) -> Detections:
        watch = _StopWatch(self._metrics, timings)
        with self._turn.in_net():
            detections = self._detector.detect(frame.picture, widest=self._effort.detect_width)
        detections = with_appearances(detections, frame.picture)
        watch.stop("detect")
        return detections

    def follow(self, found: Found) -> Followed:
        """Give the faces their identities, and choose those that are to be read.

        Raises Dismissed in a thread from which the frame was taken away.
        """
        with self._turn.taken():
            followed = self._follow(found)
            self._followed += 1
            return followed

    def _follow(self, found: Found) -> Followed:
        effort = self._effort
        is_due = self._following.begin(found, at_least=effort.look_interval)
        detections = found.detections
        if is_due and detections is None:  # nobody foresaw it
            detections = self._detect(found.frame, found.timings)
        watch = _StopWatch(self._metrics, found.timings)
        if is_due and detections is not None:
            followed = self._following.look(found, detections, effort)
        else:
            found.timings.pop("detect", None)  # of a look that came too early: it counts for nothing
            followed = self._following.carry_on(found)
        watch.stop("track")
        return followed

    def read(self, followed: Followed) -> Sequence[FaceReading] | None:
        """Have the nets look at the faces whose turn it is; None where that fails, and the frame does without."""
        if self._attributes is None or followed.chosen is None:
            return None
        watch = _StopWatch(self._metrics, followed.timings)
        try:
            readings = self._attributes.read(followed.frame.picture.pixels(), followed.chosen)
        except Exception as error:  # the tracker has gone on, so the frame's visits must be told
            self._metrics.reading_failures.labels(self.camera).inc()
            if count := self._failures.count(followed.frame.captured_at):
                log.error(
                    "camera %s: reading faces failed in %d frame(s); the last error", self.camera, count, exc_info=error
                )
            return None
        watch.stop("attributes")
        self._metrics.readings.labels(self.camera).inc(len(readings))
        return readings

    def report(self, followed: Followed, readings: Sequence[FaceReading] | None) -> None:
        """Take in what was read, count, and deliver the result. readings: None where nothing was read."""
        with self._reports:
            if self._closed:  # its end is told already
                return
            try:
                result = self._reporting.report(followed, readings)
                self._deliver(followed.frame, result, followed.boxes)
            finally:
                self._reported += 1

    def take_away(self, thread: threading.Thread) -> bool:
        """Give up the frame that this thread follows, if it is in a net: `follow` raises Dismissed there. Any thread.

        False if it isn't. What was known before the frame stays.
        """
        return self._turn.take_away(thread)

    def idle(self, now: float) -> Outcome | None:
        """No frame has come for so long that visits end by it; None while frames do come, or are under way.

        now: camera timeline. Any thread; never blocks.
        """
        with self._turn.taken(timeout=0) as had:
            last = self._following.last
            if not had or last is None or now - last.at <= self._tracking.lost_after + _IDLE_AFTER:
                return None
            if self._reported < self._followed or not self._reports.acquire(blocking=False):
                return None
            try:
                return self._reporting.idle(self._following.coast(now), at=now, wall_time=last.utc(now))
            finally:
                self._reports.release()

    def close(self, timeout: float = -1) -> Outcome:
        """Nothing more will come: what is under way ends here. Waits so many seconds for a frame (-1: for ever)."""
        with self._turn.taken(timeout) as had:
            last = self._following.last
            if not had or last is None or not self._reports.acquire(timeout=timeout):
                return Outcome((), {}, ())
            try:
                self._closed = True
                at = last.at + self._tracking.lost_after + _IDLE_AFTER
                return self._reporting.close(self._following.close(), at=at, wall_time=last.utc(at))
            finally:
                self._reports.release()


class _StopWatch:
    """Takes the time of a stage, in ms for the result and in seconds for the metrics."""

    def __init__(self, metrics: Metrics, timings: dict[str, float]) -> None:
        self._metrics = metrics
        self._timings = timings
        self._begin = time.perf_counter()

    def stop(self, stage: str) -> None:
        seconds = time.perf_counter() - self._begin
        self._metrics.stage_seconds.labels(stage).observe(seconds)
        self._timings[stage] = round(seconds * 1000, 2)
