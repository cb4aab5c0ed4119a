"""Pixels on demand: a picture is kept as the decoder left it, and converted only to the sizes that someone takes."""

from __future__ import annotations

import threading
from typing import Literal, Protocol

import av
import cv2
import numpy as np
from av.video.plane import VideoPlane
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from streamer.pictures.cells import plane_cells
from streamer.pictures.yuv import Matrix, Plane, YuvPlanes

__all__ = ["ArrayPicture", "DecodedPicture", "Picture", "Pixels"]

Pixels = NDArray[np.uint8]
PixelFormat = Literal["bgr24", "rgb24", "gray"]

# Converters kept by a thread; a camera needs two or three (analysis, viewers), and one that changes size a few more.
_CONVERTERS_KEPT = 32
# Formats whose first plane is the brightness, a byte for each pixel (10 bit ones have another name: yuv420p10le)
_LUMA_FIRST = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "nv21", "gray"})
_LINES = 4  # of each cell that are read for its brightness
# Formats of three planes of a byte each, brightness and two colour differences
_PLANAR = frozenset({"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p"})
# Of the limited range (BT.601-7 2.5.3): values of black and of no colour; how many times as far full range spreads them
_LEAST = np.array([16, 128, 128], np.float32)
_LEAST_FULL = np.array([0, 128, 128], np.float32)
_GAIN = np.array([255 / 219, 255 / 224, 255 / 224], np.float32)
_COARSE = 320  # pixels across, of the planes that are made of other formats for their cells

# By AVColorSpace. Untagged pictures are taken for BT.601, as libswscale takes them.
_MATRICES: dict[int, Matrix] = {1: "bt709", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}


class Picture(Protocol):
    """A picture whose pixels can be had in any size, from any thread."""

    @property
    def width(self) -> int:
        """Pixels."""

    @property
    def height(self) -> int:
        """Pixels."""

    def pixels(
        self, width: int | None = None, height: int | None = None, pixel_format: PixelFormat = "bgr24"
    ) -> Pixels:
        """A new array, (height, width, 3) or for gray (height, width), uint8, which the caller may draw on."""

    def luma(self, columns: int, rows: int) -> Pixels:
        """The brightness in so many cells, (rows, columns) uint8: a cheap and coarse look."""

    def cells(self, boxes: NDArray[np.float32], cells: int) -> NDArray[np.float32]:
        """The mean Y, Cb and Cr of so many cells across and down each box, (N, cells, cells, 3), 0-255, full range.

        boxes: (N, 4), x0 y0 x1 y1, pixels. Zeros for those that the edge of the picture cuts. Coarse: the mean of
        sixteen points in each cell.
        """


class DecodedPicture:
    """A picture as the video decoder left it, usually YUV planes; libswscale converts and scales in one step."""

    __slots__ = ("_frame",)
    _local = threading.local()

    def __init__(self, frame: av.VideoFrame) -> None:
        self._frame = frame

    @property
    def width(self) -> int:
        """Pixels."""
        return self._frame.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self._frame.height

    def pixels(
        self, width: int | None = None, height: int | None = None, pixel_format: PixelFormat = "bgr24"
    ) -> Pixels:
        """See `Picture.pixels`. Fast bilinear scaling, on the calling thread."""
        width, height = width or self.width, height or self.height
        converter = self._converter((self.width, self.height, self._frame.format.name, width, height, pixel_format))
        converted = converter.reformat(
            self._frame, width, height, pixel_format, interpolation=Interpolation.FAST_BILINEAR, threads=1
        )
        return converted.to_ndarray()  # type: ignore[return-value]  # uint8 for these formats

    def planes(self, width: int | None = None, height: int | None = None) -> YuvPlanes:
        """The picture in 4:2:0, in its own matrix and range: the decoder's memory, where size and format are these.

        Scaled as `pixels` scales. RGB becomes what a JPEG holds.
        """
        frame = self._frame
        name, is_rgb = frame.format.name, frame.format.is_rgb
        size = width or self.width, height or self.height
        if size != (self.width, self.height) or name not in ("yuv420p", "yuvj420p"):
            full = is_rgb or name.startswith(("yuvj", "gray"))
            target = "yuvj420p" if full else "yuv420p"
            converter = self._converter((self.width, self.height, name, *size, target))
            frame = converter.reformat(
                frame,
                *size,
                target,
                dst_colorspace=Colorspace.ITU601 if is_rgb else None,
                dst_color_range=ColorRange.JPEG if full else None,
                interpolation=Interpolation.FAST_BILINEAR,
                threads=1,
            )
        y, u, v = (_rows(plane) for plane in frame.planes)
        return YuvPlanes(y, u, v, _MATRICES.get(int(frame.colorspace), "bt601"), self._is_full_range(frame))

    def luma(self, columns: int, rows: int) -> Pixels:
        """See `Picture.luma`. The mean of a few lines through each cell, read from the decoder's own picture."""
        if self._frame.format.name not in _LUMA_FIRST:
            fine = self.pixels(columns * _LINES, rows * _LINES, "gray")
            return cv2.resize(fine, (columns, rows), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
        lines = _rows(self._frame.planes[0])
        step = max(1, len(lines) // (rows * _LINES))
        return cv2.resize(lines[step // 2 :: step], (columns, rows), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]

    def cells(self, boxes: NDArray[np.float32], cells: int) -> NDArray[np.float32]:
        """See `Picture.cells`. Read from the decoder's own picture where it has planes of a byte."""
        size = self.width, self.height
        if self._frame.format.name in _PLANAR:
            own = [_rows(plane) for plane in self._frame.planes]
            return _full_range(plane_cells(own, boxes, size, cells), self._is_full_range(self._frame))
        width = min(self.width, _COARSE)
        made = self.planes(width, max(1, round(self.height * width / self.width)))
        return _full_range(plane_cells((made.y, made.u, made.v), boxes, size, cells), made.full_range)

    @staticmethod
    def _is_full_range(frame: av.VideoFrame) -> bool:
        return frame.format.name.startswith("yuvj") or frame.color_range == ColorRange.JPEG

    @classmethod
    def _converter(cls, key: tuple[int, int, str, int, int, str]) -> VideoReformatter:
        """This thread's converter for one pair of shapes: one made per frame would set libswscale up each time."""
        converters: dict[tuple[int, int, str, int, int, str], VideoReformatter]
        converters = cls._local.__dict__.setdefault("converters", {})
        converter = converters.pop(key, None) or VideoReformatter()
        converters[key] = converter  # at the end: the first is the one unused for longest
        if len(converters) > _CONVERTERS_KEPT:
            del converters[next(iter(converters))]
        return converter


def _rows(plane: VideoPlane) -> Plane:
    memory: NDArray[np.uint8] = np.frombuffer(plane, np.uint8)  # type: ignore[call-overload]  # a buffer, untold by its stub
    rows = memory.reshape(-1, plane.line_size)[: plane.height, : plane.width]
    rows.setflags(write=False)
    return rows


def _full_range(cells: NDArray[np.float32], full: bool) -> NDArray[np.float32]:
    """Cells of Y, Cb, Cr with brightness from 0 to 255; those that aren't known stay zeros."""
    if full:
        return cells
    spread: NDArray[np.float32] = np.clip((cells - _LEAST) * _GAIN + _LEAST_FULL, 0, 255).astype(np.float32)
    spread[(cells == 0).all(axis=(1, 2, 3))] = 0
    return spread


class ArrayPicture:
    """A picture held as a (height, width, 3) BGR uint8 array, such as a decoded photograph."""

    __slots__ = ("_bgr",)

    def __init__(self, bgr: Pixels) -> None:
        if bgr.ndim != 3 or bgr.shape[2] != 3 or bgr.dtype != np.uint8 or not bgr.size:
            raise ValueError(f"a picture is a (height, width, 3) uint8 array, not {bgr.shape} {bgr.dtype}")
        self._bgr = bgr

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self._bgr.shape[1])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self._bgr.shape[0])

    def pixels(
        self, width: int | None = None, height: int | None = None, pixel_format: PixelFormat = "bgr24"
    ) -> Pixels:
        """See `Picture.pixels`. Shrinks with area averaging, enlarges bilinearly."""
        size = (width or self.width, height or self.height)
        out = self._bgr
        if size != (self.width, self.height):
            shrinks = size[0] < self.width
            out = cv2.resize(out, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)  # type: ignore[assignment]
        if pixel_format != "bgr24":
            code = cv2.COLOR_BGR2RGB if pixel_format == "rgb24" else cv2.COLOR_BGR2GRAY
            return cv2.cvtColor(out, code)  # type: ignore[return-value]
        return out.copy() if out is self._bgr else out

    def luma(self, columns: int, rows: int) -> Pixels:
        """See `Picture.luma`."""
        return self.pixels(columns, rows, "gray")

    def cells(self, boxes: NDArray[np.float32], cells: int) -> NDArray[np.float32]:
        """See `Picture.cells`."""
        means = plane_cells([self._bgr], boxes, (self.width, self.height), cells)
        blue, green, red = np.moveaxis(means, -1, 0)
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        told = np.stack([luma, 128 + (blue - luma) / 1.772, 128 + (red - luma) / 1.402], axis=-1).astype(np.float32)
        told[(means == 0).all(axis=(1, 2, 3))] = 0
        return told
