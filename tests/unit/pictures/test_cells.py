"""The mean colours of parts of pictures."""

from __future__ import annotations

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from streamer.pictures.cells import plane_cells
from streamer.pictures.picture import ArrayPicture, DecodedPicture, Pixels

BOXES = np.array([(100, 60, 180, 140), (300, 200, 325, 226), (-40, 50, 60, 150), (560, 300, 660, 380)], np.float32)
CUT = [False, False, True, True]


def coloured(width: int = 643, height: int = 361) -> Pixels:
    """Another colour in each place, in soft steps; odd sizes leave padding in the decoder's lines."""
    y, x = np.mgrid[:height, :width]
    blue, green, red = 120 + 70 * np.sin(x / 60), 120 + 70 * np.sin(y / 50), 120 + 70 * np.cos((x + y) / 70)
    return np.stack([blue, green, red], axis=-1).astype(np.uint8)


def decoded(pixel_format: str, full: bool = False) -> DecodedPicture:
    frame = av.VideoFrame.from_ndarray(coloured(), "bgr24")
    return DecodedPicture(frame.reformat(format=pixel_format, dst_color_range="JPEG" if full else None))


def expected(box: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean Y, Cb and Cr of 4 x 4 cells, by the formulas of JFIF."""
    x0, y0, x1, y1 = box.astype(int)
    part = coloured()[y0:y1, x0:x1].astype(np.float32)
    cells = np.stack(
        [[cell.mean(axis=(0, 1)) for cell in np.array_split(row, 4, axis=1)] for row in np.array_split(part, 4)]
    )
    blue, green, red = np.moveaxis(cells, -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    told: NDArray[np.float32] = np.stack([luma, 128 + (blue - luma) / 1.772, 128 + (red - luma) / 1.402], axis=-1)
    return told


@pytest.mark.parametrize(
    ("pixel_format", "tolerated"),
    [
        ("yuv420p", 3),
        ("yuvj420p", 3),
        ("yuv422p", 3),
        ("yuvj422p", 3),
        ("yuv444p", 3),
        # these go by a smaller picture: a few pixels more or less
        ("nv12", 10),
        ("yuyv422", 10),
        ("bgr24", 10),
        ("yuv420p10le", 10),
    ],
)
def test_the_colours_of_cells_are_the_same_in_every_format(pixel_format: str, tolerated: float) -> None:
    cells = decoded(pixel_format).cells(BOXES, 4)
    assert cells.shape == (4, 4, 4, 3)
    assert cells.dtype == np.float32
    for got, box in zip(cells[:2], BOXES[:2], strict=True):
        assert got == pytest.approx(expected(box), abs=tolerated)


def test_an_array_has_the_colours_of_a_decoded_picture() -> None:
    cells = ArrayPicture(coloured()).cells(BOXES, 4)
    assert cells.shape == (4, 4, 4, 3)
    assert cells.dtype == np.float32
    for got, box in zip(cells[:2], BOXES[:2], strict=True):
        assert got == pytest.approx(expected(box), abs=2)


def test_full_range_is_told_by_the_frame() -> None:
    assert decoded("yuv420p", full=True).cells(BOXES, 4)[0] == pytest.approx(expected(BOXES[0]), abs=3)


@pytest.mark.parametrize("picture", [ArrayPicture(coloured()), decoded("yuv420p"), decoded("bgr24")])
def test_a_box_that_the_edge_cuts_tells_nothing(picture: ArrayPicture | DecodedPicture) -> None:
    cells = picture.cells(BOXES, 4)
    assert [not told.any() for told in cells] == CUT


def test_grey_pictures_have_no_colour() -> None:
    cells = decoded("gray").cells(BOXES[:2], 4)
    assert cells[..., 1:] == pytest.approx(128, abs=1.5)


def test_no_faces_no_cells() -> None:
    none = np.zeros((0, 4), np.float32)
    assert decoded("yuv420p").cells(none, 4).shape == ArrayPicture(coloured()).cells(none, 4).shape == (0, 4, 4, 3)


def test_a_box_without_extent_is_a_pixel() -> None:
    plane = np.arange(100, dtype=np.uint8).reshape(10, 10)
    boxes = np.array([(4, 4, 4, 4), (10, 10, 10, 10)], np.float32)
    cells = plane_cells([plane], boxes, (10, 10), 2)
    assert cells[..., 0].tolist() == [[[44, 44], [44, 44]], [[99, 99], [99, 99]]]
