"""Geometry that all detectors share: the small picture that is looked at, and non-maximum suppression."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.pictures.picture import Picture
from streamer.types import Detections

__all__ = ["Letterbox", "nms", "small_picture"]

_STRIDE = 32  # the nets halve their input five times
_MOST = 5000  # candidates that suppression looks at, best first, as in OpenCV's detectors
_BLOBS_KEPT = 8  # shapes; a camera has one, and a few when the width is changed under load
_TALLEST = 2  # times the width: a picture taller than that is shrunk further


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture is made small: shrunk to width × height, then padded at right and bottom to multiples of 32.

    scale_x, scale_y: pixels of the picture per pixel of the small one, at least about 1.
    """

    width: int
    height: int
    scale_x: float
    scale_y: float

    @classmethod
    def of(cls, width: int, height: int, *, widest: int) -> Letterbox:
        """For a picture of this size: at most `widest` pixels wide and twice that high, never enlarged."""
        scale = min(1.0, widest / width, widest * _TALLEST / height)
        small = max(1, round(width * scale)), max(1, round(height * scale))
        return cls(*small, width / small[0], height / small[1])

    @property
    def padded(self) -> tuple[int, int]:
        """Width and height with the padding."""
        return _STRIDE * math.ceil(self.width / _STRIDE), _STRIDE * math.ceil(self.height / _STRIDE)

    def to_picture(self, found: Detections) -> Detections:
        """From pixels of the small picture to pixels of the picture."""
        scale = np.array([self.scale_x, self.scale_y], np.float32)
        return replace(found, boxes=found.boxes * np.tile(scale, 2), landmarks=found.landmarks * scale)

    def to_small(self, found: Detections) -> Detections:
        """From pixels of the picture to pixels of the small picture."""
        scale = np.array([1 / self.scale_x, 1 / self.scale_y], np.float32)
        return replace(found, boxes=found.boxes * np.tile(scale, 2), landmarks=found.landmarks * scale)


def small_picture(
    picture: Picture, *, widest: int, order: Literal["bgr", "rgb"]
) -> tuple[NDArray[np.float32], Letterbox]:
    """The picture as a net takes it: (1, 3, height, width) float32, 0–255, in this order of colours.

    The array is used again by the calling thread's next call.
    """
    box = Letterbox.of(picture.width, picture.height, widest=widest)
    pixels = picture.pixels(box.width, box.height, "bgr24" if order == "bgr" else "rgb24")
    return _planar(pixels, box), box


class _Blobs(threading.local):
    """This thread's inputs of nets, by shape: to clear megabytes for each look costs as much as to fill them."""

    def __init__(self) -> None:
        self.by_box: dict[Letterbox, NDArray[np.float32]] = {}

    def of(self, box: Letterbox) -> NDArray[np.float32]:
        """Zeros, or whatever lay in a picture of this shape before."""
        blob = self.by_box.get(box)
        if blob is None:
            if len(self.by_box) >= _BLOBS_KEPT:
                self.by_box.clear()
            width, height = box.padded
            blob = self.by_box[box] = np.zeros((1, 3, height, width), np.float32)
        return blob


_blobs = _Blobs()


def _planar(pixels: NDArray[np.uint8], box: Letterbox) -> NDArray[np.float32]:
    """Colour by colour, padded."""
    blob = _blobs.of(box)
    for channel, plane in enumerate(cv2.split(pixels)):
        blob[0, channel, : box.height, : box.width] = plane
    return blob


def nms(found: Detections, overlap: float) -> Detections:
    """Keep the best of every heap: drops a face whose intersection over union with a better one exceeds `overlap`.

    The result is sorted, best first.
    """
    order = np.argsort(-found.scores, kind="stable")[:_MOST]
    x0, y0, x1, y1 = found.boxes[order].T
    areas = np.maximum(x1 - x0, 0) * np.maximum(y1 - y0, 0)
    left = np.arange(len(order))
    kept = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(best)
        width = np.minimum(x1[best], x1[left]) - np.maximum(x0[best], x0[left])
        height = np.minimum(y1[best], y1[left]) - np.maximum(y0[best], y0[left])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        left = left[shared <= overlap * (areas[best] + areas[left] - shared)]
    return found.select(order[kept])
