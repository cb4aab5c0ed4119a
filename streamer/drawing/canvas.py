"""What is drawn on: a picture's pixels, be they BGR or the planes of a JPEG. Three things can be done to it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from streamer.drawing.label_placement import Rect
from streamer.pictures.picture import DecodedPicture, Picture, Pixels
from streamer.pictures.yuv import YuvPlanes, jpeg_planes

__all__ = ["Canvas", "Colour", "Plate"]

Colour = tuple[int, int, int]  # blue, green, red

# How few cells are left of what is hidden: 5 across leave no feature of a face to recover.
_HIDDEN_CELLS = 5


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """Part of a picture. pixels: (h, w) or (h, w, channels) uint8; step: pixels of the picture that one stands for."""

    pixels: NDArray[np.uint8]
    step: int


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """A small picture to be pasted, of even width and height. bgr: (h, w, 3); planes: y, u, v as a JPEG has them."""

    bgr: Pixels
    planes: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]

    @classmethod
    def of(cls, bgr: Pixels) -> Self:
        """Raises ValueError when a side is odd: there would be half a pixel of colour."""
        height, width = bgr.shape[:2]
        if height % 2 or width % 2:
            raise ValueError(f"a plate's sides are even, not {width}x{height}")
        y, v, u = cv2.split(cv2.cvtColor(bgr, cv2.COLOR_BGR2YCrCb))  # full range, BT.601
        half = (width // 2, height // 2)
        parts = (y, *(cv2.resize(part, half, interpolation=cv2.INTER_AREA) for part in (u, v)))
        for part in (bgr, *parts):
            part.setflags(write=False)  # plates are kept and shared
        return cls(bgr, parts)  # type: ignore[arg-type]  # uint8 from uint8

    @property
    def size(self) -> tuple[int, int]:
        """Width, height."""
        return self.bgr.shape[1], self.bgr.shape[0]


class Canvas:
    """A picture that can be drawn on and made a JPEG. All coordinates are pixels; what lies outside is ignored."""

    __slots__ = ("_layers", "height", "width")

    def __init__(self, layers: Sequence[_Layer]) -> None:
        self._layers = tuple(layers)
        self.height, self.width = layers[0].pixels.shape[:2]

    @classmethod
    def of_bgr(cls, bgr: Pixels) -> Self:
        """bgr: (H, W, 3) uint8, drawn on."""
        return cls([_Layer(bgr, 1)])

    @classmethod
    def of_planes(cls, planes: YuvPlanes) -> Self:
        """planes: as `jpeg_planes` gives them, drawn on if anything is."""
        return cls([_Layer(planes.y, 1), _Layer(planes.u, 2), _Layer(planes.v, 2)])

    @classmethod
    def of_picture(cls, picture: Picture, width: int, height: int, *, writable: bool = True) -> Self:
        """A picture in this size. writable: whether it will be drawn on; else it may be the decoder's own memory."""
        if isinstance(picture, DecodedPicture):
            return cls.of_planes(jpeg_planes(picture.planes(width, height), writable=writable))
        return cls.of_bgr(picture.pixels(width, height))

    def fill(self, rects: Iterable[Rect], colour: Colour) -> None:
        """Fill these rectangles."""
        rects = [rect for rect in rects if rect.x0 < rect.x1 and rect.y0 < rect.y1]
        for layer, ink in zip(self._layers, self._inks(colour), strict=True):
            pixels, step = layer.pixels, layer.step
            for x0, y0, x1, y1 in rects:
                # With every pixel of colour that is touched; the last corner is drawn too
                cv2.rectangle(pixels, (x0 // step, y0 // step), ((x1 - 1) // step, (y1 - 1) // step), ink, cv2.FILLED)

    def paste(self, plate: Plate, x: int, y: int) -> None:
        """Put a plate with its left upper corner there, or a pixel further to the left or up: on even coordinates.

        It must lie within the picture.
        """
        x, y = x // 2 * 2, y // 2 * 2
        parts = (plate.bgr,) if len(self._layers) == 1 else plate.planes
        for layer, part in zip(self._layers, parts, strict=True):
            left, top = x // layer.step, y // layer.step
            layer.pixels[top : top + part.shape[0], left : left + part.shape[1]] = part

    def hide(self, centre: tuple[float, float], reach: tuple[float, float]) -> None:
        """Hide an ellipse beyond recovery: of what was there, few coarse cells are left, smoothed.

        reach: half its width and height.
        """
        for layer in self._layers:
            more = layer.step - 1  # so that no half of a pixel of colour stays in view
            _hide(
                layer.pixels,
                (centre[0] / layer.step, centre[1] / layer.step),
                (reach[0] / layer.step + more, reach[1] / layer.step + more),
            )

    def jpeg(self, quality: int) -> bytes:
        """The picture as a JPEG, 4:2:0. quality: 1-100. Raises RuntimeError when it can't be encoded."""
        planes = [layer.pixels for layer in self._layers]
        if len(planes) == 3:
            return bytes(simplejpeg.encode_jpeg_yuv_planes(_with_even_sides(planes[0]), *planes[1:], quality=quality))
        done, encoded = cv2.imencode(".jpg", planes[0], (cv2.IMWRITE_JPEG_QUALITY, quality))
        if not done:
            raise RuntimeError(f"OpenCV could not encode a picture of {self.width}x{self.height}")
        return encoded.tobytes()

    def _inks(self, colour: Colour) -> Sequence[Colour | tuple[int]]:
        return (colour,) if len(self._layers) == 1 else _yuv(colour)


@lru_cache(maxsize=64)
def _yuv(colour: Colour) -> tuple[tuple[int], ...]:
    y, v, u = cv2.cvtColor(np.array([[colour]], np.uint8), cv2.COLOR_BGR2YCrCb)[0, 0]
    return (int(y),), (int(u),), (int(v),)


def _with_even_sides(y: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same picture over memory that holds what follows an odd row or column: libjpeg-turbo reads it."""
    height, width = y.shape
    if height % 2 == 0 and width % 2 == 0:
        return y
    return cv2.copyMakeBorder(y, 0, 1, 0, 1, cv2.BORDER_REPLICATE)[:height, :width]  # type: ignore[return-value]


def _hide(pixels: NDArray[np.uint8], centre: tuple[float, float], reach: tuple[float, float]) -> None:
    height, width = pixels.shape[:2]
    left, right = max(0, math.floor(centre[0] - reach[0])), min(width, math.ceil(centre[0] + reach[0]))
    top, bottom = max(0, math.floor(centre[1] - reach[1])), min(height, math.ceil(centre[1] + reach[1]))
    if right <= left or bottom <= top:
        return
    region = pixels[top:bottom, left:right]
    cells = cv2.resize(region, (_HIDDEN_CELLS, _HIDDEN_CELLS), interpolation=cv2.INTER_AREA)
    hidden = cv2.resize(cells, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    mask = np.zeros((bottom - top, right - left), np.uint8)
    middle = (round(centre[0]) - left, round(centre[1]) - top)
    cv2.ellipse(mask, middle, (math.ceil(reach[0]), math.ceil(reach[1])), 0, 0, 360, 255, cv2.FILLED)
    cv2.copyTo(hidden, mask, region)  # into the picture: `region` is a view of it
