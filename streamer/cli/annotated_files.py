"""Annotated clips and pictures as files."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.drawing.annotate import annotate, blur_faces
from streamer.errors import ConfigError
from streamer.pictures.picture import Picture, Pixels
from streamer.types import Result

__all__ = ["AnnotatedClip", "write_annotated_picture"]


def _drawn(picture: Picture, result: Result, faces: NDArray[np.float32], privacy: str) -> Pixels:
    pixels = picture.pixels()
    if privacy == "blur":
        # a followed face that was not found in this very frame is hidden where it is expected
        followed = np.array([track.box for track in result.tracks], np.float32).reshape(-1, 4)
        blur_faces(pixels, np.concatenate([faces, followed]))
    annotate(pixels, result.tracks, at=result.captured_at)
    return pixels


def write_annotated_picture(path: Path, picture: Picture, result: Result, privacy: str) -> None:
    """Write a picture with its faces marked; the name's ending chooses the format. Raises ConfigError."""
    faces = np.zeros((0, 4), np.float32)  # in a still, all that was found is a track
    path = path if path.suffix else path.with_suffix(".jpg")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(path.suffix, _drawn(picture, result, faces, privacy))[1].tobytes())
    except cv2.error:
        raise ConfigError(f"--out {path}: pictures end in .jpg, .png or .webp") from None
    except OSError as error:
        raise ConfigError(f"--out {path}: {error.strerror}") from None


class AnnotatedClip:
    """An H.264 file that grows frame by frame. A later frame of another size is scaled to that of the first."""

    def __init__(self, path: Path, fps: float, privacy: str) -> None:
        """Raises ConfigError if the file can't be made."""
        self._privacy = privacy
        self._rate = Fraction(fps).limit_denominator(1001)
        self._stream: av.VideoStream | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(
                str(path), "w", options={"movflags": "+faststart"} if path.suffix == ".mp4" else {}
            )
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"--out {path}: can't be written (name a file that ends in .mp4 or .mkv): {error}"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._stream is not None:
            self._container.mux(self._stream.encode())
        self._container.close()

    def add(self, picture: Picture, result: Result, faces: NDArray[np.float32]) -> None:
        """Draw a result on its picture, and append it. faces: (N, 4), what blurring has to hide besides the tracks."""
        if self._stream is None:
            self._stream = self._container.add_stream(
                "libx264", rate=self._rate, options={"preset": "veryfast", "crf": "20"}
            )
            self._stream.width, self._stream.height = picture.width // 2 * 2, picture.height // 2 * 2
            self._stream.pix_fmt = "yuv420p"
        drawn = av.VideoFrame.from_ndarray(_drawn(picture, result, faces, self._privacy), "bgr24")
        drawn = drawn.reformat(self._stream.width, self._stream.height, "yuv420p")
        self._container.mux(self._stream.encode(drawn))
