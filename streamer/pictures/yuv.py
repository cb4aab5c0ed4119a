"""Pictures as three planes, and how their values become those of a JPEG: full range, matrix of BT.601.

Cameras send luma and colour differences (Y, Cb, Cr; here u and v), mostly in the limited range 16-235 and, at 720p and
above, mostly with the matrix of BT.709. A JPEG (JFIF) holds the same three planes in full range with the matrix of
BT.601. Both steps are one affine map of three values, so neither needs a way through red, green and blue pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Matrix", "Plane", "YuvPlanes", "jpeg_planes"]

Plane = NDArray[np.uint8]
Matrix = Literal["bt601", "bt709", "bt2020", "smpte240m"]

# Shares of red and blue in luma: ITU-R BT.601-7 2.5.1, BT.709-6 item 3.2, BT.2020-2 table 4, SMPTE 240M.
_LUMA_SHARES: dict[Matrix, tuple[float, float]] = {
    "bt601": (0.299, 0.114),
    "bt709": (0.2126, 0.0722),
    "bt2020": (0.2627, 0.0593),
    "smpte240m": (0.212, 0.087),
}
_LUMA_SHIFT = 128.0  # keeps what colour adds to luma within a byte; it is ±41 at most


@dataclass(frozen=True, slots=True, eq=False)
class YuvPlanes:
    """A picture in 4:2:0. y: (H, W); u, v: (H/2, W/2), rounded up; uint8, each row contiguous.

    matrix: which colours the values stand for. full_range: whether luma spans 0-255 and not 16-235. The planes can be
    the decoder's own: then they are read-only.
    """

    y: Plane
    u: Plane
    v: Plane
    matrix: Matrix
    full_range: bool


def jpeg_planes(planes: YuvPlanes, *, writable: bool) -> YuvPlanes:
    """The same picture as a JPEG holds it. writable: whether planes that fit already are copied all the same."""
    y, u, v = planes.y, planes.u, planes.v
    if planes.matrix == "bt601" and planes.full_range:
        return YuvPlanes(y.copy(), u.copy(), v.copy(), "bt601", True) if writable else planes
    gain, offset = _to_jpeg(planes.matrix, planes.full_range)
    if planes.matrix == "bt601":
        luma = _combined(y, gain[0][0], y, 0.0, offset[0])
    else:
        added = _combined(u, gain[0][1], v, gain[0][2], _LUMA_SHIFT - 128 * (gain[0][1] + gain[0][2]))
        luma = _with_colour_added(y, gain[0][0], added, offset[0] + 128 * (gain[0][1] + gain[0][2]) - _LUMA_SHIFT)
    return YuvPlanes(
        luma,
        _combined(u, gain[1][1], v, gain[1][2], offset[1]),
        _combined(u, gain[2][1], v, gain[2][2], offset[2]),
        "bt601",
        True,
    )


def _combined(first: Plane, gain: float, second: Plane, second_gain: float, offset: float) -> Plane:
    return cv2.addWeighted(first, gain, second, second_gain, offset)  # type: ignore[return-value]  # uint8 from uint8


def _with_colour_added(y: Plane, gain: float, added: Plane, offset: float) -> Plane:
    """gain · y + added + offset, where `added` has half the width and height.

    Doubled to the full width only, by interleaving it with itself: even and odd rows take the same row of it.
    """
    height, width = y.shape
    doubled = cv2.merge((added, added)).reshape(added.shape[0], -1)[:, :width]
    out = np.empty_like(y, order="C", shape=(height, width))
    for first in (0, 1):
        rows = out[first::2]
        if len(rows):
            cv2.addWeighted(y[first::2], gain, doubled[: len(rows)], 1.0, offset, dst=rows)
    return out


@lru_cache(maxsize=8)
def _to_jpeg(matrix: Matrix, full_range: bool) -> tuple[list[list[float]], list[float]]:
    """Gains (3, 3) and offsets (3,) by which (y, u, v) become those of a JPEG."""
    luma, colour = (1.0, 1.0) if full_range else (255 / 219, 255 / 224)
    widen = np.diag([luma, colour, colour])
    gain = _from_rgb("bt601") @ np.linalg.inv(_from_rgb(matrix)) @ widen
    black = np.array([0.0 if full_range else 16.0, 128.0, 128.0])
    offset = np.array([0.0, 128.0, 128.0]) - gain @ black
    return gain.tolist(), offset.tolist()


def _from_rgb(matrix: Matrix) -> NDArray[np.float64]:
    red, blue = _LUMA_SHARES[matrix]
    luma = np.array([red, 1 - red - blue, blue])
    return np.stack([luma, ([0, 0, 1] - luma) / (2 * (1 - blue)), ([1, 0, 0] - luma) / (2 * (1 - red))])
