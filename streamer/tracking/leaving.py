"""The edge of the picture: who goes out there, and who can't be the same as somebody who has just come in.

There one face vanishes in the very place where another may appear a moment later, so that the distance between the two
tells nothing. What tells them apart is the way they go. Pure; pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from streamer.tracking.motion import Box, BoxMotion

__all__ = ["PictureSize", "completed", "cut", "gone", "turned_back"]

WALKS = 0.5  # face sizes a second towards the edge, above which somebody goes out; who stands there sways less
BEYOND = 0.1  # of a face's size that must be out of the picture; one that fills it moves out a little, and back

INWARD = 0.3  # face sizes further in than expected, by which a face is another than the one that goes out
AT_EDGE = 0.06  # of a box's size from the edge, within which it may be cut; detectors leave some pixels there

PictureSize = tuple[int, int]
"""Width and height, pixels."""


def gone(box: Box, picture: PictureSize) -> bool:
    """Whether nothing of the box is in the picture any more."""
    x0, y0, x1, y1 = box
    return x1 < 0 or y1 < 0 or x0 > picture[0] or y0 > picture[1]


def cut(box: Box, picture: PictureSize) -> bool:
    """Whether the box may lack what lies beyond an edge, as a detector sees the picture only."""
    return _cut_sides(box, picture) != (0, 0)


def completed(box: Box, whole: BoxMotion, picture: PictureSize) -> Box:
    """A box with as much beyond the edge as it lacks of the track's size.

    Without that a face that goes out seems to slow down and to grow narrow, and stays at the edge for another to take
    its place.
    """
    x0, y0, x1, y1 = box
    across, down = _cut_sides(box, picture)
    left, top, right, bottom = whole.box
    width, height = max(x1 - x0, right - left), max(y1 - y0, bottom - top)
    if across:
        x0, x1 = (x1 - width, x1) if across < 0 else (x0, x0 + width)
    if down:
        y0, y1 = (y1 - height, y1) if down < 0 else (y0, y0 + height)
    return x0, y0, x1, y1


def turned_back(tracks: Sequence[BoxMotion], found: Sequence[Box], picture: PictureSize) -> NDArray[np.bool_]:
    """Which tracks (rows) would have to have turned back at the edge to be which of the found faces (columns).

    A track does that if it is on its way out, in part already, and the face is whole in the picture, or further in than
    the track should be, or if nothing of the track should be left in the picture. It is somebody else who comes in
    then; who really turns round on the edge counts anew, like one who comes back from outside.
    """
    others = np.zeros((len(tracks), len(found)), np.bool_)
    for row, track in enumerate(tracks):
        if _goes_out(track, picture):
            out = gone(track.box, picture)
            others[row] = [out or _whole(box, picture) or _further_in(box, track) for box in found]
    return others


def _further_in(found: Box, track: BoxMotion) -> bool:
    """By the side that the edge doesn't cut, of one who goes out."""
    x0, y0, x1, y1 = track.box
    to_right, down = track.velocity
    size = math.sqrt((x1 - x0) * (y1 - y0))
    if abs(to_right) > abs(down):
        inward = x0 - found[0] if to_right > 0 else found[2] - x1
    else:
        inward = y0 - found[1] if down > 0 else found[3] - y1
    return inward > INWARD * size


def _goes_out(track: BoxMotion, picture: PictureSize) -> bool:
    x0, y0, x1, y1 = track.box
    size = math.sqrt((x1 - x0) * (y1 - y0))
    out, walks = BEYOND * size, WALKS * size
    to_right, down = track.velocity
    return (
        (x0 < -out and to_right < -walks)
        or (y0 < -out and down < -walks)
        or (x1 > picture[0] + out and to_right > walks)
        or (y1 > picture[1] + out and down > walks)
    )


def _whole(box: Box, picture: PictureSize) -> bool:
    x0, y0, x1, y1 = box
    return x0 > 0 and y0 > 0 and x1 < picture[0] and y1 < picture[1]


def _cut_sides(box: Box, picture: PictureSize) -> tuple[int, int]:
    """Across and down: -1 where the edge at 0 may cut the box, 1 where the other may; 0 for none, or for both."""
    x0, y0, x1, y1 = box
    margin = AT_EDGE * math.sqrt(max(x1 - x0, 0.0) * max(y1 - y0, 0.0))
    across = int(x1 > picture[0] - margin) - int(x0 < margin)
    down = int(y1 > picture[1] - margin) - int(y0 < margin)
    return across, down
