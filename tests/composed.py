"""Walkers with real faces: cut out of photographs, drawn nearest last on an empty ground, found by a real detector."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.inference.appearing import with_appearances
from streamer.inference.detector import Detector
from streamer.pictures.picture import ArrayPicture, Pixels
from streamer.types import Detections
from tests.walkers import HEIGHT, WIDTH, Walker

__all__ = ["Cutting", "cut_out", "portraits", "real", "thinned"]

Cutting = tuple[Pixels, float]
"""A face in a square, and its size in parts of the square's side."""

_AROUND = 0.35  # of a face's size is kept on each side, so that hair and chin are there
_GROUND = 96  # brightness of the empty picture


def cut_out(photograph: Path, detector: Detector) -> list[Cutting]:
    """Each face that the detector finds in a photograph."""
    picture = _read(photograph)
    return [_cutting(picture, box) for box in detector.detect(ArrayPicture(picture)).boxes.tolist()]


def portraits(folder: Path, detector: Detector) -> list[Cutting]:
    """The face in the middle of each photograph in a folder; none where there is no such folder.

    Only of those in which it would be taken for a face: which faces a detector finds is measured elsewhere.
    """
    cuttings = []
    for photograph in sorted(folder.glob("*.jpg")):
        picture = _read(photograph)
        found = detector.detect(ArrayPicture(picture))
        clear = found.boxes[found.scores >= detector.confirm_score]
        if len(clear):
            off = np.abs(clear[:, :2] + clear[:, 2:] - np.array(picture.shape[1::-1])).sum(axis=1)
            cuttings.append(_cutting(picture, clear[off.argmin()].tolist()))
    return cuttings


def _read(photograph: Path) -> Pixels:
    picture = cv2.imread(str(photograph))
    assert picture is not None, photograph
    return np.asarray(picture, np.uint8)


def _cutting(picture: Pixels, box: Sequence[float]) -> Cutting:
    x0, y0, x1, y1 = box
    size = float(np.sqrt((x1 - x0) * (y1 - y0)))
    side = round((1 + 2 * _AROUND) * size)
    cutting = cv2.getRectSubPix(picture, (side, side), ((x0 + x1) / 2, (y0 + y1) / 2))
    return np.asarray(cutting, np.uint8), size / side


def real(
    walkers: Sequence[Walker], faces: Sequence[Cutting], detector: Detector, *, fps: float
) -> Iterator[tuple[float, Detections]]:
    """What the detector finds of the walkers so many times a second, and what they look like."""
    end = max(walker.way[-1][0] for walker in walkers) + 1.0
    for k in range(int(end * fps)):
        picture = ArrayPicture(_frame(walkers, faces, k / fps))
        yield k / fps, with_appearances(detector.detect(picture), picture)


def thinned(
    looks: Iterable[tuple[float, Detections]], *, removed: float, seed: int
) -> Iterator[tuple[float, Detections]]:
    """The same with a share of what was found taken away."""
    chance = np.random.default_rng(seed)
    for at, found in looks:
        yield at, found.select(chance.random(len(found)) >= removed)


def _frame(walkers: Sequence[Walker], faces: Sequence[Cutting], at: float) -> Pixels:
    canvas = np.full((HEIGHT, WIDTH, 3), _GROUND, np.uint8)
    present = [(place, i) for i, walker in enumerate(walkers) if (place := walker.at(at)) is not None]
    for place, i in sorted(present, key=lambda one: one[0].size):
        cutting, share = faces[i % len(faces)]
        _put(canvas, cutting, place.x, place.y, place.size / share)
    return canvas


def _put(canvas: Pixels, cutting: Pixels, x: float, y: float, side: float) -> None:
    """Draw a cutting as an ellipse around a middle, pixels; what lies beyond the edges is left out."""
    if side < cutting.shape[0]:
        smaller = cv2.resize(cutting, (round(side), round(side)), interpolation=cv2.INTER_AREA)
        cutting = np.asarray(smaller, np.uint8)
    scale = side / cutting.shape[0]
    place: NDArray[np.float64] = np.array([[scale, 0, x - side / 2], [0, scale, y - side / 2]])
    left, right = max(0, int(x - side)), min(WIDTH, int(x + side) + 1)
    top, bottom = max(0, int(y - side)), min(HEIGHT, int(y + side) + 1)
    if left >= right or top >= bottom:
        return
    place[:, 2] -= left, top
    size = (right - left, bottom - top)
    mask = np.zeros(cutting.shape[:2], np.uint8)
    middle = cutting.shape[0] // 2
    cv2.ellipse(mask, (middle, middle), (int(middle * 0.8), middle), 0, 0, 360, 255, -1)
    drawn, shown = cv2.warpAffine(cutting, place, size), cv2.warpAffine(mask, place, size)
    part = canvas[top:bottom, left:right]
    part[shown > 127] = drawn[shown > 127]
