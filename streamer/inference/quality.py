"""How far a look at a face can be trusted, from 0 to 1: large, frontal, sharp and well lit is best."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.pictures.picture import Pixels

__all__ = ["LEAST_DETAIL", "chip_quality", "detail", "look_quality"]

_NOSE_DROP = 0.57  # how far down from the eyes to the mouth a nose tip is: the median of 180 faces
_PROFILE = 0.1
LEAST_DETAIL = 0.07  # below which gender is read right in hardly more than half of all faces
_POOREST = 0.1  # quality of a look that is as blurred as can be
_USUAL_FRONTALITY = 0.83  # the mean of 226 faces in photographs


def look_quality(box: NDArray[np.floating], landmarks: NDArray[np.floating] | None, score: float) -> float:
    """What geometry alone says, before a pixel is read: decides whether the look is worth reading.

    box: x0 y0 x1 y1, landmarks: (5, 2) as in `Detections`, in pixels of the same picture; None where they weren't seen:
    the face then counts as turned as faces are in the mean. score: the detector's, 0–1.
    Product of three: size (0 at 12 pixels, 1 from 72 on), frontality, and the score (0.2 at 0.5, 1 from 0.85 on).
    """
    side = min(float(box[2] - box[0]), float(box[3] - box[1]))
    size = _ramp(side, 12.0, 72.0)
    sure = 0.2 + 0.8 * _ramp(float(score), 0.5, 0.85)
    frontality = _USUAL_FRONTALITY if landmarks is None else _frontality(np.asarray(landmarks, np.float64))
    return size * sure * frontality


def chip_quality(chip: Pixels, sharpness: float | None = None) -> float:
    """What the pixels say: sharpness and light of an aligned chip, (size, size, 3) BGR or RGB uint8.

    sharpness: its `detail`, where that is known already.
    """
    sharpness = detail(chip) if sharpness is None else sharpness
    gray = cv2.cvtColor(chip, cv2.COLOR_BGR2GRAY).astype(np.float32)
    sharp = _POOREST + (1 - _POOREST) * _ramp(sharpness, LEAST_DETAIL, 0.2)
    mean, contrast = float(gray.mean()), float(gray.std())
    light = _ramp(mean, 15, 60) * _ramp(255 - mean, 10, 40) * _ramp(contrast, 4, 20)
    return sharp * light


def detail(chip: Pixels) -> float:
    """How sharp an aligned chip is: 0.26 for the median of clear photographs, below 0.07 where nothing can be told.

    The share of the contrast that lies in details of one to four pixels of a 64 pixel chip: relative, so that a pale
    picture isn't taken for a blurred one, and in a band between the noise of a sensor and the light on a face.
    """
    gray = cv2.cvtColor(chip, cv2.COLOR_BGR2GRAY).astype(np.float32)
    scale = len(chip) / 64
    band = cv2.GaussianBlur(gray, (0, 0), 0.7 * scale) - cv2.GaussianBlur(gray, (0, 0), 2.0 * scale)
    inner = slice(len(chip) // 8, -(len(chip) // 8))  # at the edges a blur doesn't know what comes next
    return float(band[inner, inner].std()) / max(float(gray[inner, inner].std()), 1.0)


def _frontality(points: NDArray[np.float64]) -> float:
    """1 for a face that looks into the camera, 0.1 for a profile, 0 for landmarks that are no face at all.

    Seen in the face's own axes, so a tilted head costs nothing. From the front, the nose tip lies midway between the
    eyes and a little below half way from the eyes down to the mouth; turning moves it sideways, nodding up and down.
    """
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    across = points[1] - points[0] + points[4] - points[3]
    width = float(np.hypot(*across)) / 2
    if not np.isfinite(width) or width < 1e-3:
        return 0.0
    right = across / np.hypot(*across)
    down = np.array([-right[1], right[0]])
    nose, chin = points[2] - eyes, mouth - eyes
    drop = float(chin @ down)
    if drop <= 0.3 * width:  # the mouth is not below the eyes
        return 0.0
    yaw = abs(float(nose @ right) - float(chin @ right) * 0.5) / width
    pitch = abs(float(nose @ down) / drop - _NOSE_DROP)
    # Two signs of turning: the nose leaves the middle, and the eyes come together. On labelled faces, age and gender
    # go wrong more often only from a yaw of 0.55 (or a width of 0.6 drops) on.
    turned = max(_ramp(yaw, 0.25, 0.9), 1 - _ramp(width / drop, 0.35, 0.7))
    return max(_PROFILE, (1 - turned) * (1 - 0.7 * _ramp(pitch, 0.1, 0.4)))


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, a straight line between."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
