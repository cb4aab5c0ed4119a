"""Small faces: a detector that looks at the whole picture and, closer, at overlapping tiles of it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamer.inference.boxes import nms
from streamer.inference.detector import Detector
from streamer.inference.session import Session
from streamer.pictures.picture import ArrayPicture, Picture
from streamer.types import Detections

__all__ = ["Tile", "TiledDetector", "tiles_of"]

_SHARED = 0.15  # of a tile's side that its neighbour shows too
_LEAST_SHARED = 64  # pixels
_CUT = 2.0  # pixels from a tile's inner border: a face that reaches so near goes on beyond it
_OVERLAP = 0.3  # intersection over union of boxes from two tiles that are one face


class Tile(NamedTuple):
    """A part of a picture: x0 y0 x1 y1, pixels."""

    x0: int
    y0: int
    x1: int
    y1: int


def tiles_of(width: int, height: int, *, grid: tuple[int, int] | None, looked_at: int) -> list[Tile]:
    """The tiles of a picture, row by row; none where the whole picture is looked at as closely.

    grid: columns and rows; None: as many as it takes to look at every pixel as it is, with tiles at most `looked_at`
    pixels wide and high. Neighbours share 15 % of a tile's side, and at least 64 pixels.
    """
    columns, rows = grid or (_count(width, looked_at), _count(height, looked_at))
    if (columns, rows) == (1, 1):
        return []
    across, down = _spans(width, columns), _spans(height, rows)
    return [Tile(x0, y0, x1, y1) for y0, y1 in down for x0, x1 in across]


def _count(length: int, most: int) -> int:
    """How many tiles of at most this length cover a side."""
    if length <= most:
        return 1
    step = most - max(_LEAST_SHARED, math.ceil(_SHARED * most))
    return 1 + math.ceil((length - most) / step)


def _spans(length: int, count: int) -> list[tuple[int, int]]:
    """Equal parts of a side that overlap."""
    # count · tile - (count - 1) · shared = length, shared = 15 % of the tile
    tile = length / (count - (count - 1) * _SHARED)
    if count > 1 and tile * _SHARED < _LEAST_SHARED:
        tile = (length + (count - 1) * _LEAST_SHARED) / count
    tile = min(length, math.ceil(tile))
    step = (length - tile) / max(1, count - 1)
    return [(round(i * step), round(i * step) + tile) for i in range(count)]


class TiledDetector:
    """See `Detector`. Every face is found once, wherever it lies.

    The whole picture is looked at too: it shows the faces that no tile holds. A face cut by a tile's border is left to
    the neighbour that holds all of it, or to the whole picture.
    """

    def __init__(self, detector: Detector, *, grid: tuple[int, int] | None, width: int) -> None:
        """grid: columns and rows, or None for as many as it takes. width: that the detector looks at, pixels."""
        self._detector = detector
        self._grid = grid
        self._width = width

    @property
    def name(self) -> str:
        """See `Detector.name`."""
        return self._detector.name

    @property
    def session(self) -> Session:
        """See `Detector.session`."""
        return self._detector.session

    @property
    def confirm_score(self) -> float:
        """See `Detector.confirm_score`."""
        return self._detector.confirm_score

    def detect(self, picture: Picture, *, widest: int | None = None) -> Detections:
        """See `Detector.detect`."""
        whole = self._detector.detect(picture, widest=widest)
        tiles = tiles_of(picture.width, picture.height, grid=self._grid, looked_at=self._width)
        if not tiles:
            return whole
        pixels = picture.pixels()
        found = [whole]
        for tile in tiles:
            part = ArrayPicture(np.ascontiguousarray(pixels[tile.y0 : tile.y1, tile.x0 : tile.x1]))
            faces = _moved(self._detector.detect(part, widest=widest), tile)
            found.append(faces.select(_uncut(faces, tile, picture.width, picture.height)))
        together = Detections(
            np.concatenate([faces.boxes for faces in found]),
            np.concatenate([faces.scores for faces in found]),
            np.concatenate([faces.landmarks for faces in found]),
            whole.landmarks_seen,
        )
        return nms(together, _OVERLAP)


def _moved(faces: Detections, tile: Tile) -> Detections:
    """From pixels of the tile to pixels of the picture."""
    corner = np.array([tile.x0, tile.y0], np.float32)
    return Detections(faces.boxes + np.tile(corner, 2), faces.scores, faces.landmarks + corner, faces.landmarks_seen)


def _uncut(faces: Detections, tile: Tile, width: int, height: int) -> NDArray[np.bool_]:
    """Which faces lie wholly inside the tile, or reach beyond the picture itself."""
    x0, y0, x1, y1 = faces.boxes.T
    inside: NDArray[np.bool_] = (
        ((x0 >= tile.x0 + _CUT) | (tile.x0 == 0))
        & ((y0 >= tile.y0 + _CUT) | (tile.y0 == 0))
        & ((x1 <= tile.x1 - _CUT) | (tile.x1 == width))
        & ((y1 <= tile.y1 - _CUT) | (tile.y1 == height))
    )
    return inside
