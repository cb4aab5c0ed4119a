"""Follows faces from frame to frame: gives each visit an id, carries it over gaps, and ends it.

Two-stage association in the manner of ByteTrack (Zhang et al., 2022): faces found with high confidence are matched to
the predicted boxes first, weaker ones only to tracks that are still without a face, and only the former start a track.
Where places and sizes leave it open who is who, what faces look like tells, if that is known. All times are seconds on
the camera's timeline; nothing is decided by counting frames alone, so that a camera may run at any rate, an uneven one
too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamer.config import TrackingConfig
from streamer.tracking.appearance import unlikeness
from streamer.tracking.association import UNLIKELY, Costs, assign, left_open, overlap, pair_costs, weigh_appearance
from streamer.tracking.found_faces import FoundFace, in_canonical_order, measured_by, whole
from streamer.tracking.leaving import PictureSize, gone, turned_back
from streamer.tracking.lives import Life
from streamer.tracking.look_schedule import Sighting
from streamer.tracking.motion import Box, TimeStep, scaled
from streamer.tracking.pictures import KnownPictures
from streamer.tracking.reunion import HELD, reunited, waits
from streamer.types import Detections

__all__ = ["TrackedFace", "Tracker", "TrackerUpdate"]

SHOWN_UNSEEN = 0.4  # s that a confirmed track is shown on its predicted path after it was last seen
LOST = 0.4  # s unseen after which a face must look alike to carry on a track
HIDES = 1.0  # s unseen within which it shows whether a face was lost behind another
BEHIND = 0.1  # part of a face's box that another one covers when it is hidden by it
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
        found = in_canonical_order(detections)
        left = self._associate(found, at, size)
        self._lives = [life for life in self._lives if not life.hopeless]
        self._start(left, at)
        started = self._confirm(at, size)
        followed = {life.detection for life in self._lives}
        self._others = [face.box for face in found if face.place not in followed]
        self._note_hidden(found, at)
        return TrackerUpdate(self._shown(at), started, ended, detections.boxes, self._sighting(at))

    def close(self) -> tuple[TrackedFace, ...]:
        """Nothing more will come: end all tracks. Returns those that were confirmed."""
        return self._end(self._lives, self._at or 0.0)

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
        ended = self._end([life for life in self._lives if at - life.last_seen > self._longest_unseen(life)], at)
        if seconds > 0:
            step = TimeStep(seconds)
            for life in self._lives:
                life.motion.predict(step)
        return ended

    def _longest_unseen(self, life: Life) -> float:
        """Seconds unseen after which it is ended."""
        return self._config.lost_after + HELD * (life.hidden and life.id is not None)

    def _note_hidden(self, found: list[FoundFace], at: float) -> None:
        """See which of the faces just missed are behind another, and can be told from it when they come out."""
        for life in self._lives:
            if life.seen_in_last_look or life.hidden or life.id is None or not life.appearance.mean.tells:
                continue
            if at - life.last_seen <= HIDES:
                box = life.motion.box
                life.hidden = any(overlap(box, face.box) > BEHIND for face in found)

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
        lives = self._near_in_time(at)
        if not lives or not found:
            return [found[i] for i in strong]
        weak = [i for i, face in enumerate(found) if face.score < self._config.high_confidence]
        confirmed = [row for row, life in enumerate(lives) if life.id is not None]
        fresh = [row for row in confirmed if at - lives[row].last_seen <= WEAK_AFTER]
        new = [row for row, life in enumerate(lives) if life.id is None]
        motions = [life.motion for life in lives]
        costs = pair_costs(motions, measured_by(motions, found, size))
        if size is not None:
            costs[turned_back(motions, [face.box for face in found], size)] = math.inf
        _weigh_appearance(costs, lives, found, at)
        matched: dict[int, int] = {}  # faces' places to tracks' rows
        # A track without an id stands back for none that has one: it may be the nearer face, which now hides the other.
        for rows, places in ((range(len(motions)), strong), (fresh, weak), (new, weak)):
            _match(costs, rows, places, matched)
        for place, row in matched.items():
            lives[row].see(whole(found[place], lives[row].motion, size), at)
        return [found[i] for i in strong if i not in matched]

    def _near_in_time(self, at: float) -> list[Life]:
        """Those whose place can still be told; where the others are, only what they look like tells."""
        return [life for life in self._lives if at - life.last_seen <= self._config.lost_after]

    def _start(self, left: list[FoundFace], at: float) -> None:
        """Begin a track for each face left over, unless it looks like another box around a face that is known."""
        if not left:
            return
        taken = [life.motion.box for life in self._lives if life.seen_in_last_look or self._in_sight(life)]
        for face in sorted(left, key=lambda face: -face.score):
            if all(overlap(face.box, box) <= SAME_FACE for box in taken):
                taken.append(face.box)
                self._lives.append(Life(face, at))

    def _confirm(self, at: float, size: PictureSize | None) -> tuple[int, ...]:
        """Give ids to the tracks that have earned one in this frame; those of lost ones to their rest."""
        started = []
        for life in list(self._lives):
            if life.id is not None or not life.ready(self._config, self._confirm_score, at):
                continue
            box = life.motion.box
            if any(overlap(box, other.motion.box) > SAME_FACE for other in self._lives if self._in_sight(other)):
                continue  # a second box around a face that has an id: it may part from it later, or vanish
            lost = self._lost_before(life, size)
            if same := reunited(life, lost):
                life.go_on_from(same)
                self._lives.remove(same)
                continue
            if waits(life, lost, at):
                continue
            self._ids += 1
            life.id = self._ids
            if shape := self._pictures.recognise(box, life.stillness.shape, at):
                life.stillness.known_as(shape)
            started.append(life.id)
        return tuple(started)

    def _lost_before(self, new: Life, size: PictureSize | None) -> list[Life]:
        """The tracks whose rest a new one may be; one that was going out of the picture has none."""
        return [
            life
            for life in self._lives
            if life.id is not None
            and not life.seen_in_last_look
            and (size is None or not turned_back([life.motion], [new.first_box], size)[0, 0])
        ]

    def _in_sight(self, life: Life) -> bool:
        """Confirmed, and seen, or missed for no more than a moment."""
        # a face is hidden only by a look that missed it: between looks it is there for all that is known
        return life.id is not None and (life.seen_in_last_look or (self._at or 0.0) - life.last_seen <= SHOWN_UNSEEN)

    def _shown(self, at: float) -> tuple[TrackedFace, ...]:
        return _faces([life for life in self._lives if self._in_sight(life)], at)


def _weigh_appearance(costs: Costs, lives: Sequence[Life], found: Sequence[FoundFace], at: float) -> None:
    """Add what the faces' looks say, where they are known and places leave it open."""
    theirs = [face.appearance for face in found if face.appearance is not None]
    if len(theirs) < len(found):
        return
    lost = np.array([at - life.last_seen > LOST for life in lives])
    if left_open(costs, lost).any():
        unlike = unlikeness([life.appearance.mean for life in lives], theirs)
        weigh_appearance(costs, unlike, lost)


def _match(costs: Costs, rows: Sequence[int], places: Sequence[int], matched: dict[int, int]) -> None:
    """Add the best pairs of these tracks and faces, as far as neither has one yet."""
    taken = set(matched.values())
    rows = [row for row in rows if row not in taken]
    places = [place for place in places if place not in matched]
    if not rows or not places:
        return
    complete = costs.shape == (len(rows), len(places))
    part = costs if complete else costs[np.ix_(rows, places)]
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
