"""The mean colours of parts of a picture, cell by cell, read from its planes: nothing is converted for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["plane_cells"]

_BEYOND = 0.03  # of a part's width or height that may lie beyond the picture's edge
_POINTS = 4  # of each cell, across and down, whose mean stands for its own: 16 take away most of a camera's noise

_LAST = 1 - 1e-6  # of a picture's width or height: still in its last pixel


def plane_cells(
    planes: Sequence[NDArray[np.uint8]], boxes: NDArray[np.float32], size: tuple[int, int], cells: int
) -> NDArray[np.float32]:
    """(N, cells, cells, channels): the mean of each plane in each cell of each box; zeros for boxes that are cut.

    planes: (h, w) or (h, w, c) uint8, each of the whole picture in a resolution of its own. boxes: (N, 4), x0 y0 x1 y1,
    pixels of a picture of `size`, width and height. A box that the edge of the picture cuts tells nothing.
    """
    low, extent = boxes[:, :2] / size, (boxes[:, 2:] - boxes[:, :2]) / size  # in parts of the picture
    steps = (np.arange(cells * _POINTS, dtype=np.float32) + 0.5) / (cells * _POINTS)
    points = np.minimum(np.maximum(low[:, None] + extent[:, None] * steps[:, None], 0), _LAST)
    across, down = points[:, None, :, 0], points[:, :, None, 1]
    means = []
    for plane in planes:
        rows, columns = plane.shape[:2]
        seen = plane[(down * rows).astype(np.intp), (across * columns).astype(np.intp)]
        parts = seen.reshape(len(boxes), cells, _POINTS, cells, _POINTS, 1 if plane.ndim == 2 else plane.shape[2])
        means.append(parts.mean(axis=(2, 4), dtype=np.float32))
    told = means[0] if len(means) == 1 else np.concatenate(means, axis=3)
    beyond = _BEYOND * extent
    told[((low < -beyond) | (low + extent > 1 + beyond)).any(axis=1)] = 0
    return told
