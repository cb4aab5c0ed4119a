"""Tiny videos for tests, made with PyAV: a moving pattern, so that every frame differs from the one before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

__all__ = ["encode_jpeg", "frame_number", "make_image", "make_video", "pattern"]

_BITS = 16


def pattern(number: int, width: int = 320, height: int = 240) -> NDArray[np.uint8]:
    """A (height, width, 3) BGR picture: a gradient, a square that moves, and `number` as black and white blocks."""
    rows, columns = np.mgrid[0:height, 0:width]
    picture = np.empty((height, width, 3), np.uint8)
    picture[..., 0] = 40 + rows * 150 // height
    picture[..., 1] = 40 + columns * 150 // width
    picture[..., 2] = 90
    side = height // 4
    left, top = number * 7 % (width - side), height // 3
    picture[top : top + side, left : left + side] = (30, 60, 220)
    block = width // _BITS
    for bit in range(_BITS):
        picture[: height // 8, bit * block : (bit + 1) * block] = 255 if number >> bit & 1 else 0
    return picture


def frame_number(picture: NDArray[np.uint8]) -> int:
    """The number drawn into a picture by `pattern`, readable after lossy compression and scaling."""
    height, width = picture.shape[:2]
    block = width // _BITS
    centres = [picture[height // 16, bit * block + block // 2].mean() > 127 for bit in range(_BITS)]
    return sum(1 << bit for bit, lit in enumerate(centres) if lit)


def make_video(
    path: Path,
    *,
    seconds: float = 1.0,
    fps: int = 25,
    size: tuple[int, int] = (320, 240),
    codec: str = "libx264",
    b_frames: int = 0,
    keyframe_every: int | None = None,
    pts: Sequence[int] | None = None,
    preset: str = "ultrafast",
) -> Path:
    """A video of the moving pattern, in the container of the suffix; `pts` overrides the frames' times, in 1/fps s.

    preset: of x264; its fastest one has no deblocking.
    """
    count = len(pts) if pts is not None else round(seconds * fps)
    options = {"bf": str(b_frames), "g": str(keyframe_every or fps)}
    if codec == "libx264":
        options |= {"preset": preset, "crf": "20", "sc_threshold": "0"}
    elif codec == "libx265":
        options |= {
            "preset": "ultrafast",
            "x265-params": f"log-level=none:bframes={b_frames}:keyint={keyframe_every or fps}",
        }
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = Fraction(1, fps)
        for frame in _frames(count, size, stream.pix_fmt, fps, pts):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _frames(
    count: int, size: tuple[int, int], pixel_format: str, fps: int, pts: Sequence[int] | None
) -> Iterator[av.VideoFrame]:
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(pattern(number, *size), format="bgr24").reformat(format=pixel_format)
        frame.pts = pts[number] if pts is not None else number
        frame.time_base = Fraction(1, fps)
        yield frame


def encode_jpeg(picture: NDArray[np.uint8], quality: int = 90) -> bytes:
    """A (height, width, 3) BGR picture as a JPEG file."""
    import cv2

    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    return data.tobytes()


def make_image(path: Path, number: int = 0, size: tuple[int, int] = (320, 240)) -> Path:
    """The pattern as a JPEG file."""
    path.write_bytes(encode_jpeg(pattern(number, *size)))
    return path
