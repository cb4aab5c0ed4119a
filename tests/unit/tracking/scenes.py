"""Made-up faces for the tracking tests: where they are, how they move, and what a detector would say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamer.config import TrackingConfig
from streamer.tracking import Tracker, TrackerUpdate
from streamer.tracking.motion import Box
from streamer.types import Detections

__all__ = ["A", "B", "C", "Face", "confirmed_tracker", "found", "ids", "look_of", "update"]


class Face(NamedTuple):
    """A detection: centre and size in pixels, score; who it is, where it is known what they look like."""

    x: float
    y: float = 200.0
    size: float = 60.0
    score: float = 0.9
    who: int | None = None

    @property
    def box(self) -> Box:
        """x0 y0 x1 y1."""
        half = self.size / 2
        return (self.x - half, self.y - half, self.x + half, self.y + half)

    @property
    def landmarks(self) -> list[tuple[float, float]]:
        """The five points of a frontal face."""
        at = ((-0.2, -0.15), (0.2, -0.15), (0.0, 0.05), (-0.15, 0.25), (0.15, 0.25))
        return [(self.x + dx * self.size, self.y + dy * self.size) for dx, dy in at]


# Standing apart from one another
A = Face(100)
B = Face(300)
C = Face(500)


def look_of(who: int) -> NDArray[np.float32]:
    """(48,), Y, Cb and Cr of 16 cells: any two of the first six people differ by more than 20."""
    chance = np.random.default_rng(who)
    brightness = chance.uniform(70, 190) * (1 + chance.uniform(-0.6, 0.6, 16))
    colours = chance.normal((116, 143), 6, 2) + chance.normal(0, 6, (16, 2))
    look: NDArray[np.float32] = np.column_stack([brightness, colours]).astype(np.float32).ravel()
    return look


def found(faces: Iterable[Face]) -> Detections:
    """What the detector reports for these faces, and what they look like, if it is known of any."""
    faces = list(faces)
    looks = [np.zeros(48, np.float32) if face.who is None else look_of(face.who) for face in faces]
    return Detections(
        np.array([face.box for face in faces], np.float32).reshape(-1, 4),
        np.array([face.score for face in faces], np.float32),
        np.array([face.landmarks for face in faces], np.float32).reshape(-1, 5, 2),
        appearances=np.array(looks, np.float32) if any(face.who is not None for face in faces) else None,
    )


def update(tracker: Tracker, at: float, *faces: Face) -> TrackerUpdate:
    """One frame."""
    return tracker.update(found(faces), at)


def ids(result: TrackerUpdate) -> list[int]:
    """Of the faces shown."""
    return [face.id for face in result.faces]


def confirmed_tracker(
    *faces: Face, until: float = 0.4, fps: float = 10.0, config: TrackingConfig | None = None
) -> tuple[Tracker, list[int]]:
    """A tracker that has followed these standing faces from 0 to `until`, and the ids given."""
    tracker, given = Tracker(config or TrackingConfig()), list[int]()
    for k in range(round(until * fps) + 1):
        given += update(tracker, k / fps, *faces).started
    return tracker, given
