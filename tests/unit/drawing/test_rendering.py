"""From a decoded frame to a JPEG: the colours are right whatever the camera sends, and nothing of the frame changes."""

from __future__ import annotations

import itertools

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamer.drawing.canvas import Canvas, Plate
from streamer.drawing.label_placement import Rect
from streamer.drawing.rendering import render_jpeg
from streamer.pictures.picture import ArrayPicture, DecodedPicture, Picture
from streamer.pictures.yuv import YuvPlanes, jpeg_planes
from streamer.types import Frame, Track

YUV_FORMATS = ["yuv420p", "yuv422p", "yuv444p", "nv12", "yuyv422", "yuv420p10le"]


def colours(width: int = 320, height: int = 240) -> NDArray[np.uint8]:
    """Every hue from left to right, dark to bright from top to bottom: (H, W, 3) BGR."""
    hsv = np.empty((height, width, 3), np.uint8)
    hsv[..., 0] = np.linspace(0, 179, width)
    hsv[..., 1] = 230
    hsv[..., 2] = np.linspace(40, 250, height)[:, None]
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), np.uint8)


def sent_as(
    bgr: NDArray[np.uint8],
    pixel_format: str,
    matrix: Colorspace = Colorspace.ITU601,
    spans: ColorRange = ColorRange.MPEG,
) -> DecodedPicture:
    """The picture as a decoder would give it, tagged so."""
    frame = av.VideoFrame.from_ndarray(bgr, format="bgr24")
    return DecodedPicture(
        VideoReformatter().reformat(frame, format=pixel_format, dst_colorspace=matrix, dst_color_range=spans)
    )


def frame_of(picture: Picture) -> Frame:
    return Frame("a", 1, 0.0, 10.0, 0.0, picture)


def decoded(jpeg: bytes) -> NDArray[np.int64]:
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.int64)


def assert_colours_of_bgr_path(picture: DecodedPicture, width: int | None) -> None:
    jpeg = decoded(render_jpeg(frame_of(picture), (), width=width, quality=95))
    expected = picture.pixels(jpeg.shape[1], jpeg.shape[0])
    apart = np.abs(jpeg - expected)
    # The JPEG alone costs 1.0 on average and 4 at the 99th percentile; a wrong range or matrix some 8 on average
    assert apart.mean() < 2.2
    assert np.percentile(apart, 99) <= 7


@pytest.mark.parametrize("width", [None, 160])
@pytest.mark.parametrize("spans", [ColorRange.MPEG, ColorRange.JPEG], ids=["tv", "pc"])
@pytest.mark.parametrize("matrix", [Colorspace.ITU601, Colorspace.ITU709, Colorspace.BT2020], ids=lambda m: m.name)
@pytest.mark.parametrize("pixel_format", YUV_FORMATS)
def test_yuv_in_any_matrix_and_range_becomes_the_colours_of_the_bgr_path(
    pixel_format: str, matrix: Colorspace, spans: ColorRange, width: int | None
) -> None:
    assert_colours_of_bgr_path(sent_as(colours(), pixel_format, matrix, spans), width)


@pytest.mark.parametrize("width", [None, 160])
@pytest.mark.parametrize("pixel_format", ["yuvj420p", "yuvj422p", "bgr24", "rgb24", "gray", "gbrp"])
def test_formats_that_are_always_of_full_range_become_the_colours_of_the_bgr_path(
    pixel_format: str, width: int | None
) -> None:
    assert_colours_of_bgr_path(sent_as(colours(), pixel_format, spans=ColorRange.JPEG), width)


@pytest.mark.parametrize("matrix", [Colorspace.ITU601, Colorspace.ITU709], ids=lambda m: m.name)
@pytest.mark.parametrize("spans", [ColorRange.MPEG, ColorRange.JPEG], ids=["tv", "pc"])
@pytest.mark.parametrize("size", [(321, 241), (322, 239), (17, 33), (2, 2), (1, 1)])
def test_odd_sizes_keep_their_last_row_and_column(size: tuple[int, int], matrix: Colorspace, spans: ColorRange) -> None:
    grey = np.full((size[1], size[0], 3), 120, np.uint8)
    jpeg = decoded(render_jpeg(frame_of(sent_as(grey, "yuv420p", matrix, spans)), (), quality=95))
    assert jpeg.shape == (size[1], size[0], 3)
    assert np.abs(jpeg - 120).max() <= 3


@given(st.tuples(st.integers(1, 40), st.integers(1, 40)), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_any_values_of_bt709_become_those_of_the_exact_formula(size: tuple[int, int], seed: int) -> None:
    (height, width), rng = size, np.random.default_rng(seed)
    y = rng.integers(0, 256, (height, width), np.uint8)
    u, v = rng.integers(0, 256, (2, (height + 1) // 2, (width + 1) // 2), np.uint8)
    made = jpeg_planes(YuvPlanes(y, u, v, "bt709", False), writable=False)
    luma = (y - 16.0) / 219
    cb, cr = (np.repeat(np.repeat((c - 128.0) / 224, 2, 0), 2, 1)[:height, :width] for c in (u, v))
    red, blue = luma + 1.5748 * cr, luma + 1.8556 * cb
    green = (luma - 0.2126 * red - 0.0722 * blue) / 0.7152
    exact = np.clip(255 * (0.299 * red + 0.587 * green + 0.114 * blue), 0, 255)
    assert np.abs(made.y - exact).max() <= 1.6  # rounded twice


def test_a_frame_is_the_same_after_it_was_drawn_on() -> None:
    track = Track(1, (40, 40, 120, 140), np.zeros((5, 2), np.float32), 0.9, 0.0, 10.0)
    hidden = np.array([[200, 100, 260, 180]], np.float32)
    for picture in (
        sent_as(colours(), "yuv420p"),
        sent_as(colours(), "yuvj420p", spans=ColorRange.JPEG),
        sent_as(colours(), "yuv420p", Colorspace.ITU709),
        ArrayPicture(colours()),
    ):
        before = picture.pixels()
        clean = render_jpeg(frame_of(picture), ())
        assert render_jpeg(frame_of(picture), [track], hidden=hidden) != clean
        assert (picture.pixels() == before).all()
        assert render_jpeg(frame_of(picture), ()) == clean


def test_a_picture_that_is_in_the_values_of_a_jpeg_already_is_not_copied_unless_drawn_on() -> None:
    picture = sent_as(colours(), "yuvj420p", spans=ColorRange.JPEG)
    planes = picture.planes()
    assert not planes.y.flags.writeable
    assert jpeg_planes(planes, writable=False) is planes
    copy = jpeg_planes(planes, writable=True)
    assert not any(np.shares_memory(a, b) for a, b in itertools.product((planes.y, planes.u), (copy.y, copy.u)))


def test_a_wider_picture_than_the_camera_has_is_not_made() -> None:
    assert decoded(render_jpeg(frame_of(sent_as(colours(), "yuv420p")), (), width=4096)).shape == (240, 320, 3)


def test_a_plate_of_odd_size_is_refused() -> None:
    with pytest.raises(ValueError, match="3x2"):
        Plate.of(np.zeros((2, 3, 3), np.uint8))


def test_what_is_filled_outside_a_canvas_changes_nothing() -> None:
    pixels = np.zeros((10, 10, 3), np.uint8)
    outside = [Rect(-9, 0, 0, 10), Rect(10, 0, 12, 10), Rect(0, -5, 10, 0), Rect(4, 4, 4, 9)]
    Canvas.of_bgr(pixels).fill(outside, (255, 255, 255))
    assert not pixels.any()
