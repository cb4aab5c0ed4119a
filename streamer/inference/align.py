"""Cuts aligned chips out of a picture: faces turned upright and scaled to what the attribute nets were trained on."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.pictures.picture import Pixels

__all__ = ["face_chip", "similarity", "upright_chip"]

# Where dlib's face chips have the eyes, nose tip and mouth corners, as fractions of the face without its padding; in
# the order of `Detections`. Stands in for dlib's own landmarks, which lie at the corners of the eyes.
_TEMPLATE = np.array(
    [(0.2255, 0.2160), (0.7548, 0.2160), (0.4901, 0.5156), (0.2541, 0.7802), (0.7261, 0.7802)], np.float64
)
_PADDING = 0.2
# The template with its padding, on a chip of one pixel, as complex numbers: its middle, and how its points lie about it
_TARGET = ((_PADDING + _TEMPLATE) / (1 + 2 * _PADDING)) @ (1, 1j)
_TARGET_MIDDLE = complex(_TARGET.mean())
_TARGET_OUT = _TARGET - _TARGET_MIDDLE
_VERY_LARGE = 4.0  # pixels of the picture per pixel of the chip
_FARTHEST = 1e6  # pixels; landmarks farther out than this are not of a face


def similarity(points: NDArray[np.floating], size: int) -> NDArray[np.float64]:
    """The (2, 3) transform (turn, scale, shift; no reflection) from pixels of the picture to those of the chip.

    points: (5, 2) as in `Detections`. Least squares over the five points. Raises ValueError where they coincide.
    """
    x, y = np.asarray(points, np.float64).T
    source = x + 1j * y
    middle = source.mean()
    out = source - middle
    spread = float(np.vdot(out, out).real)
    if not np.isfinite(spread) or spread < 1e-6 or max(np.abs(x).max(), np.abs(y).max()) > _FARTHEST:
        raise ValueError(f"not the landmarks of a face: {np.asarray(points).tolist()}")
    # With points as complex numbers the transform is one factor: sum(conj(a) b) / sum(|a|²).
    turn = complex(np.vdot(out, _TARGET_OUT)) * size / spread
    shift = _TARGET_MIDDLE * size - turn * complex(middle)
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def face_chip(pixels: Pixels, landmarks: NDArray[np.floating], size: int) -> Pixels:
    """The face as a (size, size, 3) uint8 chip in the colour order of `pixels`, aligned on its landmarks.

    pixels: (height, width, 3). landmarks: (5, 2), pixels. What lies outside of the picture is filled with its border.
    Raises ValueError where the landmarks coincide or the face lies wholly outside.
    """
    return _cut(pixels, similarity(landmarks, size), size)


def upright_chip(
    pixels: Pixels, box: NDArray[np.floating], landmarks: NDArray[np.floating], size: int, *, margin: float = 0.0
) -> Pixels:
    """The square about a box as a (size, size, 3) uint8 chip, turned so that the eyes lie level.

    box: x0 y0 x1 y1, landmarks: (5, 2), pixels. The square is centred on the box and as long as its longer side, and
    longer by `margin` of that. Otherwise as `face_chip`.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    side = max(x1 - x0, y1 - y0) * (1 + margin)
    across, down = (float(value) for value in np.asarray(landmarks[1], np.float64) - landmarks[0])
    distance = math.hypot(across, down)
    if not (math.isfinite(side) and math.isfinite(distance)) or side < 1 or distance < 1e-3:
        raise ValueError(f"not the box or the eyes of a face: {np.asarray(box).tolist()}, {landmarks[:2].tolist()}")
    if max(abs(x0), abs(y0), abs(x1), abs(y1)) > _FARTHEST:
        raise ValueError(f"not the box of a face: {np.asarray(box).tolist()}")
    scale = size / side / distance
    turn = np.array([[across, down], [-down, across]]) * scale
    centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    return _cut(pixels, np.hstack([turn, ((size - 1) / 2 - turn @ centre)[:, None]]), size)


def _cut(pixels: Pixels, transform: NDArray[np.float64], size: int) -> Pixels:
    """What a (2, 3) transform maps to a chip. Raises ValueError if that lies wholly outside of the picture.

    Every pixel of a large face counts: it is sampled as finely as the picture is, then averaged by area; age is read
    from fine texture, and a plain bilinear warp would skip most of it.
    """
    shrink = 1 / math.hypot(transform[0, 0], transform[1, 0])  # picture pixels per chip pixel
    region, x0, y0 = _region(pixels, transform, size, margin=2 + 2 * shrink)
    # A very large face is shrunk by whole factors first, which is cheap, to two to three times the chip.
    factor = max(1, int(shrink // 2)) if shrink >= _VERY_LARGE else 1
    if factor > 1:
        rows, columns = (max(1, length // factor) for length in region.shape[:2])
        region = region[: rows * factor, : columns * factor]
        region = cv2.resize(region, (columns, rows), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    # the centre of the first pixel of a shrunk picture is the middle of those that it averages
    from_region = np.array([[factor, 0, x0 + (factor - 1) / 2], [0, factor, y0 + (factor - 1) / 2], [0, 0, 1]])
    fine = max(1, math.ceil(shrink / factor - 0.25))
    to_fine = np.array([[fine, 0, (fine - 1) / 2], [0, fine, (fine - 1) / 2]])
    whole = to_fine @ np.vstack([transform, (0, 0, 1)]) @ from_region
    side = fine * size
    chip = cv2.warpAffine(region, whole, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return chip if fine == 1 else cv2.resize(chip, (size, size), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _region(pixels: Pixels, transform: NDArray[np.float64], size: int, *, margin: float) -> tuple[Pixels, int, int]:
    """The part of the picture that a chip shows, and where in the picture it begins (x, y). Raises ValueError."""
    corners = (
        np.array([(0, 0, 1), (size, 0, 1), (0, size, 1), (size, size, 1)]) @ cv2.invertAffineTransform(transform).T
    )
    height, width = pixels.shape[:2]
    x0, y0 = np.maximum(np.floor(corners.min(axis=0) - margin), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0) + margin), (width, height)).astype(int)
    if x1 <= x0 or y1 <= y0:
        raise ValueError("the face lies outside of the picture")
    return pixels[y0:y1, x0:x1], int(x0), int(y0)
