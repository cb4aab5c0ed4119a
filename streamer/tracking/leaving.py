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

__all__ = ["gone", "turned_back"]

WALKS = 0.5  # face sizes a second towards the edge, above which somebody goes out; who stands there sways less
BEYOND = 0.1  # of a face's size that must be out of the picture; one that fills it moves out a little, and back

PictureSize = tuple[int, int]
"""Width and height, pixels."""


def gone(box: Box, picture: PictureSize) -> bool:
    """Whether nothing of the box is in the picture any more."""
    x0, y0, x1, y1 = box
    return x1 < 0 or y1 < 0 or x0 > picture[0] or y0 > picture[1]


def turned_back(tracks: Sequence[BoxMotion], found: Sequence[Box], picture: PictureSize) -> NDArray[np.bool_]:
    """Which tracks (rows) would have to have turned back at the edge to be which of the found faces (columns).

    A track does that if it is on its way out, in part already, and the face is whole in the picture. It is somebody
    else who comes in then; who really turns round on the edge counts anew, like one who comes back from outside.
    """
    going = np.array([_goes_out(track, picture) for track in tracks], np.bool_)
    return going[:, None] & np.array([_whole(box, picture) for box in found], np.bool_)


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
