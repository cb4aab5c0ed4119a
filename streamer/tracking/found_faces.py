"""What one look found, as the tracker takes it: each face with what it measures and how much of its look is its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamer.tracking.appearance import CELLS, Appearance
from streamer.tracking.association import overlap
from streamer.tracking.leaving import PictureSize, completed, cut
from streamer.tracking.motion import Box, BoxMotion, Measured, measure
from streamer.types import Detections

__all__ = ["FoundFace", "in_canonical_order", "measured_by", "whole"]

AROUND = 0.35  # of a face's size on each side that its hair and chin reach beyond its box


class FoundFace(NamedTuple):
    """One detection. place: where it stands in the `Detections`. landmarks: (5, 2) float32, pixels.

    appearance: as far as no other face covers it; None where no face's is known.
    """

    box: Box
    score: float
    place: int
    measured: Measured
    landmarks: NDArray[np.float32]
    landmarks_seen: bool
    appearance: Appearance | None = None


def in_canonical_order(found: Detections) -> list[FoundFace]:
    """The detections sorted by box and score, so that the order they came in has no influence."""
    looks = _appearances(found)
    faces = [
        FoundFace(
            (x0, y0, x1, y1),
            score,
            i,
            measure((x0, y0, x1, y1)),
            found.landmarks[i],
            found.landmarks_seen,
            looks[i],
        )
        for i, ((x0, y0, x1, y1), score) in enumerate(zip(found.boxes.tolist(), found.scores.tolist(), strict=True))
    ]
    faces.sort(key=lambda face: (face.box, face.score))
    return faces


def _appearances(found: Detections) -> Sequence[Appearance | None]:
    """Of each face the cells that no other face reaches, hair and chin included: which one is nearer isn't known."""
    if found.appearances is None:
        return [None] * len(found)
    cells = found.appearances.reshape(len(found), CELLS**2, 3)
    known = np.repeat((cells[:, :, 0] != 0).any(axis=1), CELLS**2).reshape(len(found), CELLS, CELLS)
    boxes = found.boxes.tolist()
    for i, (x0, y0, x1, y1) in enumerate(boxes):
        across, down = AROUND * (x1 - x0), AROUND * (y1 - y0)
        around = x0 - across, y0 - down, x1 + across, y1 + down
        for j, box in enumerate(boxes):
            if i != j and overlap(around, box) > 0:
                known[j, _cells_between(around[1], around[3], box[1], box[3])][
                    :, _cells_between(around[0], around[2], box[0], box[2])
                ] = False
    return [Appearance(*look) for look in zip(cells, known.reshape(len(found), CELLS**2), strict=True)]


def _cells_between(low: float, high: float, begin: float, end: float) -> slice:
    """Which cells of a box from `begin` to `end` have their middles between low and high."""
    of_cell = CELLS / max(end - begin, 0.01)
    return slice(max(0, math.ceil((low - begin) * of_cell - 0.5)), max(0, math.ceil((high - begin) * of_cell - 0.5)))


def measured_by(
    tracks: Sequence[BoxMotion], found: Sequence[FoundFace], size: PictureSize | None
) -> NDArray[np.float64]:
    """(tracks or 1, found, 4): what was measured, for each track by its own size where the edge cuts a face."""
    measured = np.array([[face.measured for face in found]])
    at_edge = [i for i, face in enumerate(found) if size is not None and cut(face.box, size)]
    if at_edge:
        measured = np.repeat(measured, len(tracks), axis=0)
        for row, track in enumerate(tracks):
            measured[row, at_edge] = [whole(found[i], track, size).measured for i in at_edge]
    return measured


def whole(face: FoundFace, track: BoxMotion, size: PictureSize | None) -> FoundFace:
    """The face, with what the edge of the picture cuts off."""
    if size is None or not cut(face.box, size):
        return face
    box = completed(face.box, track, size)
    return face._replace(box=box, measured=measure(box))
