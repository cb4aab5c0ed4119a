"""Walkers with real faces: cut out of a photograph, drawn nearest last on an empty ground, found by a real detector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.inference.detector import Detector
from streamer.pictures.picture import ArrayPicture, Pixels
from streamer.types import Detections
from tests.walkers import HEIGHT, WIDTH, Walker

__all__ = ["cut_out", "real"]

_AROUND = 0.35  # of a face's size is kept on each side, so that hair and chin are there
_GROUND = 96  # brightness of the empty picture


def cut_out(photograph: Path, detector: Detector) -> list[tuple[Pixels, float]]:
    """Each face that the detector finds in a photograph, square, with its size in parts of the cutting's side."""
    picture = cv2.imread(str(photograph))
    assert picture is not None, photograph
    cuttings = []
    for x0, y0, x1, y1 in detector.detect(ArrayPicture(np.asarray(picture, np.uint8))).boxes.tolist():
        size = float(np.sqrt((x1 - x0) * (y1 - y0)))
        reach, x, y = (0.5 + _AROUND) * size, (x0 + x1) / 2, (y0 + y1) / 2
        cutting = picture[max(0, round(y - reach)) : round(y + reach), max(0, round(x - reach)) : round(x + reach)]
        side = max(cutting.shape[:2])
        cuttings.append((np.asarray(cv2.resize(cutting, (side, side)), np.uint8), size / side))
    return cuttings


def real(
    walkers: Sequence[Walker],
    faces: Sequence[tuple[Pixels, float]],
    detector: Detector,
    *,
    fps: float,
    removed: float,
    seed: int,
) -> Iterator[tuple[float, Detections]]:
    """What the detector finds of the walkers so many times a second, with a share of it taken away."""
    chance = np.random.default_rng(seed)
    end = max(walker.way[-1][0] for walker in walkers) + 1.0
    for k in range(int(end * fps)):
        found = detector.detect(ArrayPicture(_frame(walkers, faces, k / fps)))
        yield k / fps, found.select(chance.random(len(found)) >= removed)


def _frame(walkers: Sequence[Walker], faces: Sequence[tuple[Pixels, float]], at: float) -> Pixels:
    canvas = np.full((HEIGHT, WIDTH, 3), _GROUND, np.uint8)
    present = [(place, i) for i, walker in enumerate(walkers) if (place := walker.at(at)) is not None]
    for place, i in sorted(present, key=lambda one: one[0].size):
        cutting, share = faces[i % len(faces)]
        _put(canvas, cutting, place.x, place.y, place.size / share)
    return canvas


def _put(canvas: Pixels, cutting: Pixels, x: float, y: float, side: float) -> None:
    """Draw a cutting as an ellipse around a middle, pixels; what lies beyond the edges is left out."""
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
