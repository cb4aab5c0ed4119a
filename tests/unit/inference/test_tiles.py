"""Tiles: they cover the picture, and a face is found once wherever it lies."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.inference.session import Session
from streamer.inference.tiles import TiledDetector, tiles_of
from streamer.pictures.picture import ArrayPicture, Picture
from streamer.types import Detections
from tests.benchmarks.machine import box_overlap

sides = st.integers(1, 5000)


@given(sides, sides, st.none() | st.tuples(st.integers(1, 9), st.integers(1, 9)), st.integers(160, 4096))
def test_tiles_cover_the_picture_and_neighbours_overlap(
    width: int, height: int, grid: tuple[int, int] | None, looked_at: int
) -> None:
    tiles = tiles_of(width, height, grid=grid, looked_at=looked_at)
    if not tiles:
        assert grid == (1, 1) or (width <= looked_at and height <= looked_at)
        return
    for low, high, length in ((0, 2, width), (1, 3, height)):
        spans = sorted({(tile[low], tile[high]) for tile in tiles})
        assert spans[0][0] == 0
        assert spans[-1][1] == length
        for (_, end), (begin, _) in pairwise(spans):
            assert end - begin >= min(64, length) - 1
        if grid is None:
            assert max(end - begin for begin, end in spans) <= looked_at + 1


def test_a_grid_of_one_tile_is_the_whole_picture() -> None:
    assert tiles_of(1920, 1080, grid=(1, 1), looked_at=640) == []
    assert tiles_of(640, 360, grid=None, looked_at=640) == []
    assert len(tiles_of(1920, 1080, grid=None, looked_at=640)) == 8
    assert len(tiles_of(1920, 1080, grid=(3, 2), looked_at=640)) == 6


class PaintedFaces:
    """Finds painted rectangles: each face is one colour of the picture's first channel, seen if it is large enough."""

    name = "painted"
    confirm_score = 0.8
    session: Session

    def __init__(self, width: int, least: float = 8.0) -> None:
        self._width, self._least = width, least

    def detect(self, picture: Picture, *, widest: int | None = None) -> Detections:
        pixels = picture.pixels()[:, :, 0]
        shrunk = max(1.0, picture.width / (widest or self._width))
        boxes = []
        for colour in np.unique(pixels[pixels > 0]):
            rows, columns = np.nonzero(pixels == colour)
            box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            if (box[2] - box[0]) / shrunk >= self._least and (box[3] - box[1]) / shrunk >= self._least:
                boxes.append(box)
        n = len(boxes)
        found = np.array(boxes, np.float32).reshape(-1, 4)
        landmarks = np.repeat((found[:, :2] + found[:, 2:])[:, None] * np.float32(0.5), 5, axis=1).astype(np.float32)
        return Detections(found, np.full(n, 0.9, np.float32), landmarks)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5), st.integers(0, 40), st.integers(0, 40)), max_size=12),
    st.sampled_from([(None, 8), ((2, 2), 13), ((3, 2), 9), ((5, 4), 8)]),  # the tiles of (2, 2) are shrunk by a third
    st.integers(0, 50),
)
@settings(max_examples=25, deadline=None)
def test_tiles_find_what_a_single_pass_over_all_pixels_finds(
    places: list[tuple[int, int, int, int]], grid_and_least: tuple[tuple[int, int] | None, int], larger: int
) -> None:
    grid, least = grid_and_least
    size = least + larger
    canvas = np.zeros((700, 1100, 3), np.uint8)
    for i, (column, row, dx, dy) in enumerate(dict.fromkeys(places)):
        x, y = column * 105 + dx, row * 105 + dy  # a face to a cell: none hides another
        if not canvas[row * 105 : row * 105 + 105, column * 105 : column * 105 + 105].any():
            canvas[y : y + size, x : x + size] = i + 1
    every_pixel = PaintedFaces(1100).detect(ArrayPicture(canvas))
    found = TiledDetector(PaintedFaces(400), grid=grid, width=400).detect(ArrayPicture(canvas))
    assert len(found) == len(every_pixel)
    if len(found):
        assert box_overlap(every_pixel.boxes, found.boxes).max(axis=1).min() > 0.99


@pytest.mark.parametrize("size", [20, 200, 600])
def test_a_face_of_any_size_on_a_tiles_border_is_found_once_and_whole(size: int) -> None:
    canvas = np.zeros((720, 1280, 3), np.uint8)
    middle = (640, 360)  # where four tiles meet
    canvas[middle[1] - size // 2 : middle[1] + size // 2, middle[0] - size // 2 : middle[0] + size // 2] = 1
    found = TiledDetector(PaintedFaces(640), grid=(2, 2), width=640).detect(ArrayPicture(canvas))
    assert found.boxes.tolist() == [
        [middle[0] - size // 2, middle[1] - size // 2, middle[0] + size // 2, middle[1] + size // 2]
    ]
