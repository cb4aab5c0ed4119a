"""Follows faces from frame to frame: gives each visit an id, carries it over gaps, and ends it.

Two-stage association in the manner of ByteTrack (Zhang et al., 2022): faces found with high confidence are matched to
the predicted boxes first, weaker ones only to tracks that are still without a face, and only the former start a track.
All times are seconds on the camera's timeline; nothing is decided by counting frames alone, so that a camera may run at
any rate, an uneven one too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamer.config import TrackingConfig
from streamer.tracking.association import UNLIKELY, Costs, assign, overlap, pair_costs
from streamer.tracking.leaving import PictureSize, completed, cut, gone, turned_back
from streamer.tracking.lives import FoundFace, Life
from streamer.tracking.look_schedule import Sighting
from streamer.tracking.motion import Box, TimeStep, measure, scaled
from streamer.tracking.pictures import KnownPictures
from streamer.types import Detections

__all__ = ["TrackedFace", "Tracker", "TrackerUpdate"]

SHOWN_UNSEEN = 0.4  # s that a confirmed track is shown on its predicted path after it was last seen
WEAK_AFTER = 0.6  # s unseen after which only a clear face carries on a track: a weak one may be anything
SETTLING = 0.6  # s within which a new face that will ever be confirmed mostly is
SAME_FACE = 0.6  # shared part of the smaller box above which two boxes are taken for one face


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A confirmed face in one frame.

    box: x0 y0 x1 y1, pixels, smoothed by the motion model, predicted while unseen. landmarks: (5, 2) float32, pixels,
    as found, or carried along with the box while unseen. score: of its newest detection. first_seen, last_seen: camera
    timeline; between looks, a face that the last one found counts as seen. detection: which of the detections just
    given it is; None while it coasts. static: a picture of a face. first_box: where it was found first, before it was
    confirmed.
    """

    id: int
    box: Box
    landmarks: NDArray[np.float32]
    score: float
    first_seen: float
    last_seen: float
    detection: int | None
    static: bool = False
    first_box: Box | None = None


class TrackerUpdate(NamedTuple):
    """What one frame changed.

    faces: all confirmed faces in sight, or out of it for a moment only, by id. started: ids confirmed in this frame.
    ended: confirmed faces whose time-out has run out, as they last stood. boxes: (N, 4) float32, x0 y0 x1 y1, every
    face found by the last look, confirmed or not, where it is now. sighting: what a look told; None between looks.
    """

    faces: tuple[TrackedFace, ...]
    started: tuple[int, ...]
    ended: tuple[TrackedFace, ...]
    boxes: NDArray[np.float32]
    sighting: Sighting | None


class Tracker:
    """Tracks the faces of one camera. Not safe to call from two threads at once."""

    def __init__(self, config: TrackingConfig, *, confirm_score: float = 0.8) -> None:
        """confirm_score: of the detector at work; holds where the configuration leaves it open."""
        self._config = config
        self._confirm_score = confirm_score if config.confirm_score is None else config.confirm_score
        self._lives: list[Life] = []
        self._at: float | None = None
        self._ids = 0  # the last id given
        self._others: list[Box] = []  # found by the last look, but of no track
        self._pictures = KnownPictures()

    def __len__(self) -> int:
        """Tracks held, unconfirmed and unseen ones included."""
        return len(self._lives)

    def update(self, detections: Detections, at: float, size: PictureSize | None = None) -> TrackerUpdate:
        """Take in the faces found in the frame of time `at`, in any order.

        A step back in time counts as no time passing; the tracks' own times move along with it. size: the frame's width
        and height, pixels, beyond which nobody is looked for any more; None: not known.
        """
        ended = self._pass_time(at)
        if size is not None:
            ended += self._let_leave(size, at)
        for life in self._lives:
            life.look(at)
        found = _in_canonical_order(detections)
        left = self._associate(found, at, size)
        self._lives = [life for life in self._lives if not life.hopeless]
        self._start(left, at)
        started = self._confirm(at)
        followed = {life.detection for life in self._lives}
        self._others = [face.box for face in found if face.place not in followed]
        return TrackerUpdate(self._shown(at), started, ended, detections.boxes, self._sighting(at))

    def coast(self, at: float) -> TrackerUpdate:
        """Predict the faces for a frame in which nothing was looked for."""
        ended = self._pass_time(at)
        for life in self._lives:
            life.detection = None
        boxes = [life.motion.box for life in self._lives if life.seen_in_last_look] + self._others
        return TrackerUpdate(self._shown(at), (), ended, np.array(boxes, np.float32).reshape(-1, 4), None)

    def _sighting(self, at: float) -> Sighting:
        return Sighting(
            miss=max((life.miss for life in self._lives if life.seen_in_last_look), default=0.0),
            settling=any(life.id is None and at - life.first_seen <= SETTLING for life in self._lives),
            lost=any(self._in_sight(life) and not life.seen_in_last_look for life in self._lives),
        )

    def rescale(self, across: float, down: float) -> None:
        """The camera's pictures have so many times their pixels from now on: all faces stay where they were in them."""
        self._pictures.rescale(across, down)
        self._others = [scaled(box, across, down) for box in self._others]
        for life in self._lives:
            life.rescale(across, down)

    def _pass_time(self, at: float) -> tuple[TrackedFace, ...]:
        """Move all tracks to `at`, and end those unseen for too long."""
        seconds = 0.0 if self._at is None else at - self._at
        self._at = at
        if seconds < 0:
            self._pictures.shift(seconds)
            for life in self._lives:
                life.shift(seconds)
        ended = self._end([life for life in self._lives if at - life.last_seen > self._config.lost_after], at)
        if seconds > 0:
            step = TimeStep(seconds)
            for life in self._lives:
                life.motion.predict(step)
        return ended

    def _let_leave(self, size: PictureSize, at: float) -> tuple[TrackedFace, ...]:
        """End the tracks that have gone on out of the picture: who comes in there next is somebody else."""
        left = [life for life in self._lives if not life.seen_in_last_look and gone(life.motion.box, size)]
        return self._end(left, at)

    def _end(self, lives: list[Life], at: float) -> tuple[TrackedFace, ...]:
        """Let go of these tracks; returns those that were confirmed."""
        self._lives = [life for life in self._lives if life not in lives]
        for life in lives:
            if life.id is not None and life.stillness.static:
                self._pictures.remember(life.motion.box, life.stillness.shape, at)
        return _faces([life for life in lives if life.id is not None], None)

    def _associate(self, found: list[FoundFace], at: float, size: PictureSize | None) -> list[FoundFace]:
        """Match faces to tracks; returns the high-confidence ones that belong to none."""
        strong = [i for i, face in enumerate(found) if face.score >= self._config.high_confidence]
        if not self._lives or not found:
            return [found[i] for i in strong]
        weak = [i for i, face in enumerate(found) if face.score < self._config.high_confidence]
        known = [row for row, life in enumerate(self._lives) if life.id is not None]
        fresh = [row for row in known if at - self._lives[row].last_seen <= WEAK_AFTER]
        new = [row for row, life in enumerate(self._lives) if life.id is None]
        motions = [life.motion for life in self._lives]
        costs = pair_costs(motions, _measured_by(self._lives, found, size))
        if size is not None:
            costs[turned_back(motions, [face.box for face in found], size)] = math.inf
        matched: dict[int, int] = {}  # faces' places to tracks' rows
        # A track without an id stands back for none that has one: it may be the nearer face, which now hides the other.
        for rows, places in ((range(len(motions)), strong), (fresh, weak), (new, weak)):
            _match(costs, rows, places, matched)
        for place, row in matched.items():
            self._lives[row].see(_whole(found[place], self._lives[row], size), at)
        return [found[i] for i in strong if i not in matched]

    def _start(self, left: list[FoundFace], at: float) -> None:
        """Begin a track for each face left over, unless it looks like another box around a face that is known."""
        if not left:
            return
        taken = [life.motion.box for life in self._lives if life.seen_in_last_look or self._in_sight(life)]
        for face in sorted(left, key=lambda face: -face.score):
            if all(overlap(face.box, box) <= SAME_FACE for box in taken):
                taken.append(face.box)
                self._lives.append(Life(face, at))

    def _confirm(self, at: float) -> tuple[int, ...]:
        """Give ids to the tracks that have earned one in this frame."""
        started = []
        for life in self._lives:
            if life.id is not None or not life.ready(self._config, self._confirm_score, at):
                continue
            box = life.motion.box
            if any(overlap(box, other.motion.box) > SAME_FACE for other in self._lives if self._in_sight(other)):
                continue  # a second box around a face that has an id: it may part from it later, or vanish
            self._ids += 1
            life.id = self._ids
            if shape := self._pictures.recognise(box, life.stillness.shape, at):
                life.stillness.known_as(shape)
            started.append(life.id)
        return tuple(started)

    def _in_sight(self, life: Life) -> bool:
        """Confirmed, and seen, or missed for no more than a moment."""
        # a face is hidden only by a look that missed it: between looks it is there for all that is known
        return life.id is not None and (life.seen_in_last_look or (self._at or 0.0) - life.last_seen <= SHOWN_UNSEEN)

    def _shown(self, at: float) -> tuple[TrackedFace, ...]:
        return _faces([life for life in self._lives if self._in_sight(life)], at)


def _match(costs: Costs, rows: Sequence[int], places: Sequence[int], matched: dict[int, int]) -> None:
    """Add the best pairs of these tracks and faces, as far as neither has one yet."""
    taken = set(matched.values())
    rows = [row for row in rows if row not in taken]
    places = [place for place in places if place not in matched]
    if not rows or not places:
        return
    whole = costs.shape == (len(rows), len(places))
    part = costs if whole else costs[np.ix_(rows, places)]
    if part.min() < UNLIKELY:
        for row, column in assign(part):
            matched[places[column]] = rows[row]


def _faces(lives: list[Life], at: float | None) -> tuple[TrackedFace, ...]:
    """What is shown of confirmed tracks, by id. at: of the frame; None: as they last stood."""
    faces = []
    for life in lives:
        box = life.motion.box
        faces.append(
            TrackedFace(
                life.id or 0,
                box,
                life.landmarks_in(box),
                life.score,
                life.first_seen,
                life.last_seen if at is None or not life.seen_in_last_look else at,
                life.detection,
                life.stillness.static,
                life.first_box,
            )
        )
    return tuple(sorted(faces, key=lambda face: face.id))


def _measured_by(lives: Sequence[Life], found: Sequence[FoundFace], size: PictureSize | None) -> NDArray[np.float64]:
    """(lives or 1, found, 4): what was measured, for each track by its own size where the edge cuts a face."""
    measured = np.array([[face.measured for face in found]])
    at_edge = [i for i, face in enumerate(found) if size is not None and cut(face.box, size)]
    if at_edge:
        measured = np.repeat(measured, len(lives), axis=0)
        for row, life in enumerate(lives):
            measured[row, at_edge] = [_whole(found[i], life, size).measured for i in at_edge]
    return measured


def _whole(face: FoundFace, life: Life, size: PictureSize | None) -> FoundFace:
    """The face, with what the edge of the picture cuts off."""
    if size is None or not cut(face.box, size):
        return face
    box = completed(face.box, life.motion, size)
    return face._replace(box=box, measured=measure(box))


def _in_canonical_order(found: Detections) -> list[FoundFace]:
    """The detections sorted by box and score, so that the order they came in has no influence."""
    faces = [
        FoundFace((x0, y0, x1, y1), score, i, measure((x0, y0, x1, y1)), found.landmarks[i], found.landmarks_seen)
        for i, ((x0, y0, x1, y1), score) in enumerate(zip(found.boxes.tolist(), found.scores.tolist(), strict=True))
    ]
    faces.sort(key=lambda face: (face.box, face.score))
    return faces
