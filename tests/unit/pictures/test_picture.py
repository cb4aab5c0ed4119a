"""Pixels and brightness of decoded pictures."""

from __future__ import annotations

import av
import numpy as np
import pytest

from streamer.pictures.picture import ArrayPicture, DecodedPicture, Pixels


def gradient(width: int = 643, height: int = 361) -> Pixels:
    """Darker at the left, a bright quarter at bottom right; odd sizes leave padding in the decoder's lines."""
    pixels = np.repeat(np.linspace(20, 120, width, dtype=np.uint8)[None], height, axis=0)
    pixels[height // 2 :, width // 2 :] = 220
    return np.repeat(pixels[:, :, None], 3, axis=2)


@pytest.mark.parametrize(
    "pixel_format", ["yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "nv12", "gray", "bgr24", "yuv420p10le"]
)
def test_brightness_is_where_it_is_in_the_picture_whatever_the_format(pixel_format: str) -> None:
    frame = av.VideoFrame.from_ndarray(gradient(), "bgr24").reformat(format=pixel_format)
    luma = DecodedPicture(frame).luma(16, 9)
    assert luma.shape == (9, 16)
    assert luma.dtype == np.uint8
    expected = ArrayPicture(gradient()).luma(16, 9).astype(float)
    assert np.corrcoef(luma.ravel(), expected.ravel())[0, 1] > 0.99
    assert np.abs(luma - expected).mean() < 16  # limited range has fewer levels


def test_a_picture_of_few_lines_has_a_brightness_too() -> None:
    frame = av.VideoFrame.from_ndarray(gradient(32, 16), "bgr24").reformat(format="yuv420p")
    assert DecodedPicture(frame).luma(64, 36).shape == (36, 64)
