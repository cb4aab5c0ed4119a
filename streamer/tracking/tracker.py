"""Follows faces from frame to frame: gives each visit an id, carries it over gaps, and ends it.

Two-stage association in the manner of ByteTrack (Zhang et al., 2022): faces found with high confidence are matched to
the predicted boxes first, weaker ones only to tracks that are still without a face, and only the former start a track.
All times are seconds on the camera's timeline; nothing is decided by counting frames alone, so that a camera may run at
any rate, an uneven one too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamer.config import TrackingConfig
from streamer.tracking.association import UNLIKELY, assign, overlap, pair_costs
from streamer.tracking.lives import Life
from streamer.tracking.motion import MotionModel, measure
from streamer.types import Detections

__all__ = ["TrackedFace", "Tracker", "TrackerUpdate"]

Boxes = NDArray[np.float64]

SHOWN_UNSEEN = 0.4  # s that a confirmed track is shown on its predicted path after it was last seen
CANDIDATE_PATIENCE = 0.6  # s unseen after which an unconfirmed track is given up
SAME_FACE = 0.6  # shared part of the smaller box above which two boxes are taken for one face


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A confirmed face in one frame.

    box: x0 y0 x1 y1, pixels, smoothed by the motion model, predicted while unseen. landmarks: (5, 2) float32, pixels,
    as found, or carried along with the box while unseen. score: of its newest detection. first_seen, last_seen: camera
    timeline. detection: which of the detections just given it is; None while it coasts.
    """

    id: int
    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float32]
    score: float
    first_seen: float
    last_seen: float
    detection: int | None


class TrackerUpdate(NamedTuple):
    """What one frame changed.

    faces: all confirmed faces in sight, or out of it for a moment only, by id. started: ids confirmed in this frame.
    ended: confirmed faces whose time-out has run out, as they last stood.
    """

    faces: tuple[TrackedFace, ...]
    started: tuple[int, ...]
    ended: tuple[TrackedFace, ...]


class Tracker:
    """Tracks the faces of one camera. Not safe to call from two threads at once."""

    def __init__(self, config: TrackingConfig) -> None:
        self._config = config
        self._motion = MotionModel()
        self._lives: list[Life] = []  # one per row of the motion model
        self._boxes: Boxes = np.zeros((0, 4))  # of the rows, after the newest step
        self._at: float | None = None
        self._ids = 0  # the last id given

    def __len__(self) -> int:
        """Tracks held, unconfirmed and unseen ones included."""
        return len(self._lives)

    def update(self, detections: Detections, at: float) -> TrackerUpdate:
        """Take in the faces found in the frame of time `at`, in any order.

        A step back in time counts as no time passing; the tracks' own times move along with it.
        """
        ended = self._pass_time(at)
        for life in self._lives:
            life.look(at)
        order = _canonical_order(detections)
        measured = measure(detections.boxes[order])
        scores = detections.scores[order]
        left = self._associate(measured, scores >= self._config.high_confidence, order, detections, at)
        self._give_up()
        self._start(left, measured, order, detections, at)
        self._boxes = self._motion.boxes()
        started = self._confirm(at)
        return TrackerUpdate(self._shown(), started, ended)

    def coast(self, at: float) -> TrackerUpdate:
        """Predict the faces for a frame in which nothing was looked for."""
        ended = self._pass_time(at)
        for life in self._lives:
            life.detection = None
        self._boxes = self._motion.boxes()
        return TrackerUpdate(self._shown(), (), ended)

    def _pass_time(self, at: float) -> tuple[TrackedFace, ...]:
        """Move all tracks to `at`, and end those unseen for too long."""
        seconds = 0.0 if self._at is None else at - self._at
        self._at = at
        if seconds < 0:
            for life in self._lives:
                life.shift(seconds)
        overdue = [row for row, life in enumerate(self._lives) if at - life.last_seen > self._config.lost_after]
        ended = tuple(self._face(row) for row in overdue if self._lives[row].id is not None)
        if overdue:
            gone = set(overdue)
            self._keep([row for row in range(len(self._lives)) if row not in gone])
        self._motion.predict(seconds)
        return tuple(sorted(ended, key=lambda face: face.id))

    def _associate(
        self, measured: NDArray[np.float64], high: NDArray[np.bool_], order: list[int], found: Detections, at: float
    ) -> list[int]:
        """Match faces to tracks; returns the high-confidence ones that belong to none, as places in `order`."""
        strong = [i for i, is_high in enumerate(high.tolist()) if is_high]
        if not self._lives or not order:
            return strong
        weak = [i for i in range(len(order)) if not high[i]]
        costs = pair_costs(self._motion.mean, self._motion.variance(), measured)
        known = [row for row, life in enumerate(self._lives) if life.id is not None]
        pairs = self._match(costs, known, strong)
        if weak:
            fresh = [row for row in known if at - self._lives[row].last_seen <= CANDIDATE_PATIENCE]
            pairs |= self._match(costs, [row for row in fresh if row not in pairs], weak)
        if len(known) < len(self._lives):
            taken = set(pairs.values())
            new = [row for row, life in enumerate(self._lives) if life.id is None]
            pairs |= self._match(costs, new, [i for i in strong if i not in taken])
            if weak:
                taken = set(pairs.values())
                pairs |= self._match(
                    costs, [row for row in new if row not in pairs], [i for i in weak if i not in taken]
                )
        self._take(pairs, measured, order, found, at)
        taken = set(pairs.values())
        return [i for i in strong if i not in taken]

    @staticmethod
    def _match(costs: NDArray[np.float64], rows: list[int], columns: list[int]) -> dict[int, int]:
        """The best pairs of these tracks and faces."""
        if not rows or not columns:
            return {}
        whole = len(rows) == costs.shape[0] and len(columns) == costs.shape[1]
        part = costs if whole else costs[np.ix_(rows, columns)]
        if part.min() >= UNLIKELY:
            return {}
        best_rows, best_columns = assign(part)
        return {rows[r]: columns[c] for r, c in zip(best_rows.tolist(), best_columns.tolist(), strict=True)}

    def _take(
        self, pairs: dict[int, int], measured: NDArray[np.float64], order: list[int], found: Detections, at: float
    ) -> None:
        if not pairs:
            return
        rows = np.fromiter(pairs, np.intp, len(pairs))
        self._motion.correct(rows, measured[list(pairs.values())])
        for row, place in pairs.items():
            index = order[place]
            self._lives[row].see(at, float(found.scores[index]), found.landmarks[index], found.boxes[index], index)

    def _give_up(self) -> None:
        """Forget the unconfirmed tracks that were more often missed than seen, or not seen for a while."""
        keep = [
            row
            for row, life in enumerate(self._lives)
            if life.id is not None
            or life.detection is not None
            or (life.steady and life.looked_at - life.last_seen <= CANDIDATE_PATIENCE)
        ]
        if len(keep) < len(self._lives):
            self._keep(keep)

    def _start(
        self, left: list[int], measured: NDArray[np.float64], order: list[int], found: Detections, at: float
    ) -> None:
        """Begin a track for each face left over, unless it looks like another box around a face that is known."""
        if not left:
            return
        boxes = found.boxes[order].astype(np.float64)
        known = np.concatenate([self._motion.boxes()[self._rows_in_sight()], boxes[left]])
        n = len(known) - len(left)
        same = overlap(boxes[left], known) > SAME_FACE
        new: list[int] = []
        begun: list[int] = []
        for k in sorted(range(len(left)), key=lambda k: -found.scores[order[left[k]]]):
            if not same[k, :n].any() and not any(same[k, n + other] for other in begun):
                begun.append(k)
        for k in sorted(begun):
            index = order[left[k]]
            life = Life(at)
            life.see(at, float(found.scores[index]), found.landmarks[index], found.boxes[index], index)
            self._lives.append(life)
            new.append(left[k])
        if new:
            self._motion.add(measured[new])

    def _confirm(self, at: float) -> tuple[int, ...]:
        """Give ids to the tracks that have earned one in this frame."""
        ready = [row for row, life in enumerate(self._lives) if life.id is None and life.ready(self._config, at)]
        started = []
        for row in ready:
            shown = self._rows_in_sight()
            if shown and overlap(self._boxes[[row]], self._boxes[shown]).max() > SAME_FACE:
                continue  # a second box around a face that has an id: it may part from it later, or vanish
            self._ids += 1
            self._lives[row].id = self._ids
            started.append(self._ids)
        return tuple(started)

    def _rows_in_sight(self) -> list[int]:
        return [row for row, life in enumerate(self._lives) if life.id is not None and self._in_sight(life)]

    def _in_sight(self, life: Life) -> bool:
        # a face is hidden only after a look that missed it: between looks it is there for all that is known
        return life.seen_in_last_look or (self._at or 0.0) - life.last_seen <= SHOWN_UNSEEN

    def _shown(self) -> tuple[TrackedFace, ...]:
        faces = [self._face(row) for row in self._rows_in_sight()]
        return tuple(sorted(faces, key=lambda face: face.id))

    def _face(self, row: int) -> TrackedFace:
        life = self._lives[row]
        x0, y0, x1, y1 = self._boxes[row].tolist()
        box = (x0, y0, x1, y1)
        return TrackedFace(
            life.id or 0, box, life.landmarks_in(box), life.score, life.first_seen, life.last_seen, life.detection
        )

    def _keep(self, rows: list[int]) -> None:
        self._lives = [self._lives[row] for row in rows]
        self._motion.keep(rows)
        self._boxes = self._boxes[rows]


def _canonical_order(found: Detections) -> list[int]:
    """The places of the detections sorted by box and score, so that the order they came in has no influence."""
    if len(found) < 2:
        return list(range(len(found)))
    keys = np.concatenate([found.boxes, found.scores[:, None]], axis=1).tolist()
    return sorted(range(len(keys)), key=keys.__getitem__)
