"""What is known about the people one camera sees, and what it means for visits, lines and zones: the result's half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from streamer.analytics.camera_analytics import CameraAnalytics, Outcome
from streamer.analytics.rules import Rules
from streamer.config import TrackingConfig
from streamer.inference.described import described
from streamer.inference.following import Followed
from streamer.monitoring.metrics import Metrics
from streamer.tracking.smoothing import AttributeEstimate, AttributeSmoother, View
from streamer.tracking.tracker import TrackedFace
from streamer.types import EventKind, FaceReading, Result, Track

__all__ = ["Reporting"]


@dataclass(slots=True)
class _Person:
    """What is known about one followed face."""

    smoother: AttributeSmoother
    estimate: AttributeEstimate = field(default_factory=AttributeEstimate)
    reading: FaceReading | None = None


class Reporting:
    """One camera's people and figures. Frames come in the order of capture, by one thread at a time."""

    def __init__(self, camera: str, tracking: TrackingConfig, metrics: Metrics, *, session: str, rules: Rules) -> None:
        """See `CameraPipeline`."""
        self._camera = camera
        self._tracking = tracking
        self._metrics = metrics
        self._people: dict[int, _Person] = {}
        self._rules = rules
        self._analytics = CameraAnalytics(camera, session=session, rules=rules)

    def __len__(self) -> int:
        """Faces that were read and have not ended."""
        return len(self._people)

    def set_rules(self, rules: Rules) -> None:
        """Count by these from the next frame on. Any thread."""
        self._rules = rules

    def report(self, followed: Followed, readings: Sequence[FaceReading] | None) -> Result:
        """What the frame tells. readings: of the faces that were due, in their order; None: they were not read."""
        frame = followed.frame
        if readings is not None:
            self._learn(followed, readings)
        tracks = tuple(self._track(face) for face in followed.faces)
        outcome = self._count(followed, tracks)
        self._forget(followed.ended)
        self._metrics.frames_analyzed.labels(self._camera).inc()
        self._metrics.tracks.labels(self._camera).set(sum(track.counted for track in tracks))
        return Result(
            camera=frame.camera,
            seq=frame.seq,
            pts=frame.pts,
            captured_at=frame.captured_at,
            wall_time=frame.wall_time,
            size=(frame.width, frame.height),
            tracks=tracks,
            events=outcome.events,
            timings=MappingProxyType(dict(followed.timings)),  # a reading that was given up may still note its own
            occupancy=outcome.occupancy,
            minutes=outcome.minutes,
        )

    def idle(self, ended: Sequence[TrackedFace], *, at: float, wall_time: float) -> Outcome:
        """Time has passed without a frame, by which these faces are gone for good."""
        self._take_rules()
        outcome = self._analytics.idle([self._track(face) for face in ended], at=at, wall_time=wall_time)
        self._forget(ended)
        return outcome

    def close(self, ended: Sequence[TrackedFace], *, at: float, wall_time: float) -> Outcome:
        """As `idle`, and nothing more will come."""
        outcome = self.idle(ended, at=at, wall_time=wall_time)
        return outcome._replace(minutes=outcome.minutes + self._analytics.close())

    def _learn(self, followed: Followed, readings: Sequence[FaceReading]) -> None:
        at, chosen = followed.frame.captured_at, followed.chosen
        known = chosen is not None and chosen.landmarks_seen
        for face, reading in zip(followed.due, readings, strict=True):
            person = self._people.get(face.id)
            if person is None:
                smoother = AttributeSmoother(min_gender_confidence=self._tracking.min_gender_confidence)
                person = self._people[face.id] = _Person(smoother)
            person.estimate = person.smoother.add(reading, at, View.of(face.box, face.landmarks) if known else None)
            person.reading = reading

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

    def _count(self, followed: Followed, tracks: Sequence[Track]) -> Outcome:
        """What the faces of a frame mean for visits, lines and zones."""
        self._take_rules()
        frame = followed.frame
        outcome = self._analytics.update(
            tracks,
            [self._track(face) for face in followed.ended],
            at=frame.captured_at,
            wall_time=frame.wall_time,
            size=(frame.width, frame.height),
        )
        for event in outcome.events:
            if event.kind is EventKind.VISIT_STARTED:
                self._metrics.visits.labels(self._camera).inc()
            elif event.kind is EventKind.VISIT_ENDED and event.data.get("static"):
                self._metrics.visits_static.labels(self._camera).inc()
            elif event.kind is EventKind.LINE_CROSSED:
                self._metrics.crossings.labels(self._camera, event.rule, event.direction).inc()
        return outcome

    def _take_rules(self) -> None:
        if (rules := self._rules) is not self._analytics.rules:
            self._analytics.set_rules(rules)

    def _forget(self, ended: Sequence[TrackedFace]) -> None:
        for face in ended:
            self._people.pop(face.id, None)
