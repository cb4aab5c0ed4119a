"""Which faces of one camera's frames are the same person, and which of them are worth a reading: the ordered half."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamer.config import TrackingConfig
from streamer.inference.effort import Effort
from streamer.inference.looking import Glimpse, Looking
from streamer.inference.quality import look_quality
from streamer.tracking.look_schedule import Sighting
from streamer.tracking.schedule import ReadingSchedule
from streamer.tracking.tracker import TrackedFace, Tracker, TrackerUpdate
from streamer.types import Detections, Frame

__all__ = ["Followed", "Following", "Found", "Moment"]


@dataclass(frozen=True, slots=True)
class Found:
    """A frame and the faces in it.

    detections: None where the frame most likely needn't be looked at. glimpse: see `Looking`. timings: ms, by stage;
    each stage adds its own.
    """

    frame: Frame
    detections: Detections | None
    timings: dict[str, float]
    glimpse: Glimpse | None = None


class Moment(NamedTuple):
    """A frame's. at: camera timeline. wall_time: UTC. size: width, height, pixels."""

    at: float
    wall_time: float
    size: tuple[int, int]

    def utc(self, at: float) -> float:
        """A time of the camera's timeline in UTC."""
        return self.wall_time + (at - self.at)


@dataclass(frozen=True, slots=True)
class Followed:
    """A frame whose faces have identities.

    boxes: (N, 4) of every face known to be in it, confirmed or not. ended: faces that are gone for good. due: ids of
    those to be read, and `chosen`, what was detected of them, in the same order; views: where these faces were seen.
    """

    frame: Frame
    timings: dict[str, float]
    faces: Sequence[TrackedFace]
    boxes: NDArray[np.float32]
    ended: Sequence[TrackedFace]
    due: Sequence[TrackedFace] = ()
    chosen: Detections | None = None


class Following:
    """One camera's tracker and schedules. Frames come in the order of capture, by one thread at a time."""

    def __init__(
        self, tracking: TrackingConfig, *, confirm_score: float, look_interval: float | None, reads: bool
    ) -> None:
        """confirm_score: of the detector. look_interval: see `CameraPipeline`. reads: whether faces are read at all."""
        self.looking = Looking(look_interval)
        self._tracker = Tracker(tracking, confirm_score=confirm_score)
        self._schedule = ReadingSchedule()
        self._reads = reads
        self._known: NDArray[np.float32] = np.zeros((0, 4), np.float32)  # boxes of faces in the last frame
        self.last: Moment | None = None  # the newest frame's

    def begin(self, found: Found, *, at_least: float) -> bool:
        """Another frame; whether its faces are to be looked for. at_least: see `LookSchedule.due`."""
        frame = found.frame
        size = (frame.width, frame.height)
        if self.last and size != self.last.size:
            self._rescale(size[0] / self.last.size[0], size[1] / self.last.size[1])
        self.last = Moment(frame.captured_at, frame.wall_time, size)
        return self.looking.due(frame.captured_at, found.glimpse, self._known, size, at_least=at_least)

    def _rescale(self, across: float, down: float) -> None:
        """Faces stay where they are in the picture when the camera changes its resolution."""
        self._tracker.rescale(across, down)
        self._known = self._known * np.array([across, down, across, down], np.float32)

    def look(self, found: Found, detections: Detections, effort: Effort) -> Followed:
        """Take in the faces of the frame begun last."""
        frame = found.frame
        update = self._tracker.update(detections, frame.captured_at, (frame.width, frame.height))
        self.looking.looked(frame.captured_at, found.glimpse, update.sighting or Sighting())
        due = self._due(detections, update.faces, frame.captured_at, effort.most_readings)
        return self._followed(found, update, due, detections)

    def carry_on(self, found: Found) -> Followed:
        """The frame begun last is not looked at: known faces move on."""
        return self._followed(found, self._tracker.coast(found.frame.captured_at), (), None)

    def coast(self, at: float) -> Sequence[TrackedFace]:
        """Time has passed without a frame; returns the faces that are gone for good by it."""
        ended = self._tracker.coast(at).ended
        self._forget(ended)
        return ended

    def close(self) -> Sequence[TrackedFace]:
        """Nothing more will come; returns the faces that were still followed, or held."""
        ended = self._tracker.close()
        self._forget(ended)
        return ended

    def _followed(
        self, found: Found, update: TrackerUpdate, due: Sequence[TrackedFace], detections: Detections | None
    ) -> Followed:
        self._known = update.boxes
        self._forget(update.ended)
        chosen = None
        if due and detections is not None:
            chosen = detections.select(np.array([face.detection for face in due], np.intp))
        return Followed(found.frame, found.timings, update.faces, update.boxes, update.ended, due, chosen)

    def _due(
        self, detections: Detections, faces: Sequence[TrackedFace], at: float, limit: int
    ) -> Sequence[TrackedFace]:
        """The faces whose turn it is to be read."""
        if not self._reads:
            return ()
        seen = {face.id: face for face in faces if face.detection is not None}
        known = detections.landmarks_seen
        looks = {
            i: look_quality(np.asarray(f.box, np.float32), f.landmarks if known else None, f.score)
            for i, f in seen.items()
        }
        due = self._schedule.choose(looks.items(), at, limit=limit)
        for i in due:
            self._schedule.done(i, at, looks[i])
        return [seen[i] for i in due]

    def _forget(self, ended: Sequence[TrackedFace]) -> None:
        for face in ended:
            self._schedule.forget(face.id)
