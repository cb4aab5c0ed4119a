"""What happens to the frames of one camera between capture and viewers: detect, follow, read, report."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamer.analytics.camera_analytics import CameraAnalytics, Outcome
from streamer.analytics.rules import Rules
from streamer.config import TrackingConfig
from streamer.inference.attributes import AttributeModel
from streamer.inference.described import described
from streamer.inference.detectors import Detector
from streamer.inference.effort import Effort
from streamer.inference.looking import Glimpse, Looking
from streamer.inference.quality import look_quality
from streamer.inference.turn import Dismissed, Turn
from streamer.metrics import Metrics
from streamer.pacing import Throttle
from streamer.tracking.look_schedule import Sighting
from streamer.tracking.schedule import ReadingSchedule
from streamer.tracking.smoothing import AttributeEstimate, AttributeSmoother, View
from streamer.tracking.tracker import TrackedFace, Tracker, TrackerUpdate
from streamer.types import Detections, EventKind, FaceReading, Frame, Result, Track

__all__ = ["CameraPipeline", "Deliver", "Found"]

log = logging.getLogger(__name__)

# s beyond `lost_after` without a frame, after which none is on its way any more
_IDLE_AFTER = 1.0

Deliver = Callable[[Frame, Result, NDArray[np.float32]], None]
"""Takes a frame, its result, and the (N, 4) boxes of every face known to be in it, confirmed or not."""


@dataclass(frozen=True, slots=True)
class Found:
    """The outcome of the first half of the way, which runs in parallel: a frame and the faces in it.

    detections: None where the frame most likely needn't be looked at. glimpse: see `Looking`.
    """

    frame: Frame
    detections: Detections | None
    timings: dict[str, float]
    glimpse: Glimpse | None = None


@dataclass(slots=True)
class _Person:
    """What is known about one followed face."""

    smoother: AttributeSmoother
    estimate: AttributeEstimate = field(default_factory=AttributeEstimate)
    reading: FaceReading | None = None


class _Moment(NamedTuple):
    """The newest frame's. at: camera timeline. wall_time: UTC. size: width, height, pixels."""

    at: float
    wall_time: float
    size: tuple[int, int]

    def utc(self, at: float) -> float:
        """A time of the camera's timeline in UTC."""
        return self.wall_time + (at - self.at)


class CameraPipeline:
    """One camera's tracker, attribute schedule and smoothing, around nets that all cameras share.

    `detect` may run on several threads at once; `follow` must be called by one thread at a time, in the order of
    capture. The sequencer of the pool sees to both.
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
        self._tracker = Tracker(tracking, confirm_score=detector.confirm_score)
        self._schedule = ReadingSchedule()
        self._people: dict[int, _Person] = {}
        self._rules = rules or Rules()
        self._analytics = CameraAnalytics(camera, session=session, rules=self._rules)
        self._failures = Throttle()
        self._turn = Turn()  # had while the faces of a frame are followed, or time passes without one
        self._untold: tuple[TrackedFace, ...] = ()  # ended in a frame that was given up before it was counted
        self._last: _Moment | None = None
        self._looking = Looking(look_interval)
        self._effort = Effort()
        self._known: NDArray[np.float32] = np.zeros((0, 4), np.float32)  # boxes of faces in the last frame

    def set_effort(self, effort: Effort) -> None:
        """Spend so much from the next frame on. Any thread."""
        self._effort = effort

    def set_rules(self, rules: Rules) -> None:
        """Count by these from the next frame on. Any thread."""
        self._rules = rules

    def idle(self, now: float) -> Outcome | None:
        """No frame has come for so long that visits end by it; None while frames do come.

        now: camera timeline. Any thread; never blocks.
        """
        with self._turn.taken(timeout=0) as had:
            last = self._last
            if not had or last is None or now - last.at <= self._tracking.lost_after + _IDLE_AFTER:
                return None
            return self._pass_time(now, last.utc(now))

    def take_away(self, thread: threading.Thread) -> bool:
        """Give up the frame that this thread follows, if it is in a net: `follow` raises Dismissed there. Any thread.

        False if it isn't. What was known before the frame stays, and what ended with it is told with the next.
        """
        return self._turn.take_away(thread)

    def close(self, timeout: float = -1) -> Outcome:
        """Nothing more will come: what is under way ends here. Waits so many seconds for a frame (-1: for ever)."""
        with self._turn.taken(timeout) as had:
            if not had or self._last is None:
                return Outcome((), {}, ())
            at = self._last.at + self._tracking.lost_after + _IDLE_AFTER
            outcome = self._pass_time(at, self._last.utc(at))
            return outcome._replace(minutes=outcome.minutes + self._analytics.close())

    def _pass_time(self, at: float, wall_time: float) -> Outcome:
        self._take_rules()
        ended = (*self._untold, *self._tracker.coast(at).ended)
        self._untold = ()
        last_known = [self._track(face) for face in ended]
        outcome = self._analytics.idle(last_known, at=at, wall_time=wall_time)
        self._forget(ended)
        return outcome

    def detect(self, frame: Frame) -> Found:
        """Find the faces of one frame, if it is one that is likely to be looked at."""
        glimpse = self._looking.glimpse(frame.picture)
        watch = _StopWatch(self._metrics)
        if not self._looking.guess(frame.captured_at, at_least=self._effort.look_interval):
            return Found(frame, None, watch.timings, glimpse)
        return Found(frame, self._detect(frame, watch), watch.timings, glimpse)

    def _detect(self, frame: Frame, watch: _StopWatch) -> Detections:
        with self._turn.in_net():
            detections = self._detector.detect(frame.picture, widest=self._effort.detect_width)
        watch.lap("detect")
        return detections

    def follow(self, found: Found) -> None:
        """Give the faces their identities, read those that are due, and deliver the result.

        Raises Dismissed in a thread from which the frame was taken away.
        """
        with self._turn.taken():
            result, faces = self._follow(found)
            self._deliver(found.frame, result, faces)

    def _follow(self, found: Found) -> tuple[Result, NDArray[np.float32]]:
        """The result, and the boxes of every face known to be in the frame."""
        frame, watch = found.frame, _StopWatch(self._metrics, found.timings)
        self._begin_frame(frame)
        if self._is_due(found):
            update = self._look(found, watch)
        else:
            found.timings.pop("detect", None)  # of a look that came too early: it counts for nothing
            update = self._tracker.coast(frame.captured_at)
            self._untold += tuple(update.ended)
            watch.lap("track")
        self._known = update.boxes
        tracks = tuple(self._track(face) for face in update.faces)
        ended, self._untold = self._untold, ()
        outcome = self._count(frame, tracks, ended)
        self._forget(ended)
        result = Result(
            camera=frame.camera,
            seq=frame.seq,
            pts=frame.pts,
            captured_at=frame.captured_at,
            wall_time=frame.wall_time,
            size=(frame.width, frame.height),
            tracks=tracks,
            events=outcome.events,
            timings=MappingProxyType(watch.timings),
            occupancy=outcome.occupancy,
            minutes=outcome.minutes,
        )
        self._metrics.frames_analyzed.labels(self.camera).inc()
        self._metrics.tracks.labels(self.camera).set(sum(track.counted for track in tracks))
        return result, update.boxes

    def _begin_frame(self, frame: Frame) -> None:
        """Faces stay where they are in the picture when the camera changes its resolution."""
        if self._last and (frame.width, frame.height) != self._last.size:
            width, height = self._last.size
            across, down = frame.width / width, frame.height / height
            self._tracker.rescale(across, down)
            self._known = self._known * np.array([across, down, across, down], np.float32)
        self._last = _Moment(frame.captured_at, frame.wall_time, (frame.width, frame.height))

    def _is_due(self, found: Found) -> bool:
        frame = found.frame
        size, at_least = (frame.width, frame.height), self._effort.look_interval
        return self._looking.due(frame.captured_at, found.glimpse, self._known, size, at_least=at_least)

    def _look(self, found: Found, watch: _StopWatch) -> TrackerUpdate:
        """Take in the faces of a frame, and read those that are due."""
        frame, detections = found.frame, found.detections
        if detections is None:
            detections = self._detect(frame, watch)
        update = self._tracker.update(detections, frame.captured_at, (frame.width, frame.height))
        self._untold += tuple(update.ended)
        self._looking.looked(frame.captured_at, found.glimpse, update.sighting or Sighting())
        watch.lap("track")
        self._read_what_is_due(frame, detections, update.faces)
        watch.lap("attributes")
        return update

    def _read_what_is_due(self, frame: Frame, detections: Detections, faces: Sequence[TrackedFace]) -> None:
        """Read, and do without where that fails: the tracker has gone on, so the frame's visits must be told."""
        try:
            self._read(frame, detections, faces)
        except Dismissed:
            raise
        except Exception as error:
            self._metrics.reading_failures.labels(self.camera).inc()
            if count := self._failures.count(frame.captured_at):
                log.error(
                    "camera %s: reading faces failed in %d frame(s); the last error", self.camera, count, exc_info=error
                )

    def _read(self, frame: Frame, detections: Detections, faces: Sequence[TrackedFace]) -> None:
        """Have the nets look at the faces whose turn it is."""
        if self._attributes is None:
            return
        at, seen = frame.captured_at, {face.id: face for face in faces if face.detection is not None}
        known = detections.landmarks_seen
        looks = {
            i: look_quality(np.asarray(f.box, np.float32), f.landmarks if known else None, f.score)
            for i, f in seen.items()
        }
        due = self._schedule.choose(looks.items(), at, limit=self._effort.most_readings)
        if not due:
            return
        chosen = detections.select(np.array([seen[i].detection for i in due], np.intp))
        with self._turn.in_net():
            readings = self._attributes.read(frame.picture.pixels(), chosen)
        for i, reading in zip(due, readings, strict=True):
            person = self._people.setdefault(i, _Person(self._new_smoother()))
            view = View.of(seen[i].box, seen[i].landmarks) if known else None
            person.estimate = person.smoother.add(reading, at, view)
            person.reading = reading
            self._schedule.done(i, at, looks[i])
        self._metrics.readings.labels(self.camera).inc(len(due))

    def _new_smoother(self) -> AttributeSmoother:
        return AttributeSmoother(min_gender_confidence=self._tracking.min_gender_confidence)

    def _track(self, face: TrackedFace) -> Track:
        """The face with all that is known about it."""
        track = Track(
            face.id,
            face.box,
            face.landmarks,
            face.score,
            face.first_seen,
            face.last_seen,
            static=face.static,
            counted=self._tracking.count_static or not face.static,
            first_box=face.first_box,
        )
        person = self._people.get(face.id)
        return described(track, person.estimate, person.reading) if person else track

    def _count(self, frame: Frame, tracks: Sequence[Track], ended: Sequence[TrackedFace]) -> Outcome:
        """What the faces of a frame mean for visits, lines and zones."""
        self._take_rules()
        last_known = [self._track(face) for face in ended]
        outcome = self._analytics.update(
            tracks, last_known, at=frame.captured_at, wall_time=frame.wall_time, size=(frame.width, frame.height)
        )
        for event in outcome.events:
            if event.kind is EventKind.VISIT_STARTED:
                self._metrics.visits.labels(self.camera).inc()
            elif event.kind is EventKind.VISIT_ENDED and event.data.get("static"):
                self._metrics.visits_static.labels(self.camera).inc()
            elif event.kind is EventKind.LINE_CROSSED:
                self._metrics.crossings.labels(self.camera, event.rule, event.direction).inc()
        return outcome

    def _take_rules(self) -> None:
        if (rules := self._rules) is not self._analytics.rules:
            self._analytics.set_rules(rules)

    def _forget(self, ended: Sequence[TrackedFace]) -> None:
        for face in ended:
            self._people.pop(face.id, None)
            self._schedule.forget(face.id)


class _StopWatch:
    """Takes the time of each stage, in ms for the result and in seconds for the metrics."""

    def __init__(self, metrics: Metrics, timings: dict[str, float] | None = None) -> None:
        self._metrics = metrics
        self.timings = timings if timings is not None else {}
        self._last = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._metrics.stage_seconds.labels(stage).observe(now - self._last)
        self.timings[stage] = round((now - self._last) * 1000, 2)
        self._last = now
