"""Single pictures: every face is read once, none is followed; large ones are shrunk for work."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from streamer.config import TrackingConfig
from streamer.inference.attributes import AttributeModel, read_pictures
from streamer.inference.described import described
from streamer.inference.detector import Detector
from streamer.pictures.picture import ArrayPicture, Pixels
from streamer.tracking.smoothing import AttributeSmoother
from streamer.types import Detections, FaceReading, Result, Track

__all__ = ["WORK_PIXELS", "FoundFaces", "StillAnalyzer", "work_scale"]

# A larger picture costs more and shows the detector nothing more: it looks at a small one either way.
WORK_PIXELS = 1920 * 1080


def work_scale(width: int, height: int) -> float:
    """By what the sides of a picture are multiplied for work, at most 1."""
    return min(1.0, math.sqrt(WORK_PIXELS / (width * height)))


@dataclass(frozen=True, slots=True)
class FoundFaces:
    """The outcome of the first half of the way. pixels: what was looked at; detections: in pixels of that.

    size: of the picture itself, width and height.
    """

    pixels: Pixels
    detections: Detections
    size: tuple[int, int]
    timings: dict[str, float] = field(default_factory=dict)


class StillAnalyzer:
    """The nets of a configuration, applied to single pictures. Safe to use from several threads at once."""

    def __init__(self, detector: Detector, attributes: AttributeModel | None, tracking: TrackingConfig) -> None:
        self._detector = detector
        self._attributes = attributes
        self._min_gender_confidence = tracking.min_gender_confidence

    def find(self, pixels: Pixels, size: tuple[int, int] | None = None) -> FoundFaces:
        """Find the faces, from left to right. Raises ModelError.

        pixels: (height, width, 3) BGR, not changed; more than 1080p is shrunk. size: width and height of the picture
        that these pixels show, if they were shrunk before.
        """
        begin = time.perf_counter()
        work = _shrunk(pixels)
        detections = self._detector.detect(ArrayPicture(work))
        detections = detections.select(detections.boxes[:, 0].argsort(kind="stable"))
        full = size or (pixels.shape[1], pixels.shape[0])
        return FoundFaces(work, detections, full, {"detect": _milliseconds_since(begin)})

    def read(self, found: Sequence[FoundFaces]) -> list[list[FaceReading]]:
        """A reading of each face of each picture, in one call of the nets; of none without nets. Raises ModelError."""
        if self._attributes is None:
            return [[] for _ in found]
        begin = time.perf_counter()
        readings = read_pictures(self._attributes, [(each.pixels, each.detections) for each in found])
        for each in found:
            each.timings["attributes"] = _milliseconds_since(begin)
        return readings

    def result(
        self, name: str, found: FoundFaces, readings: Sequence[FaceReading], *, wall_time: float = 0.0
    ) -> Result:
        """In pixels of the picture itself. Faces are numbered from 1; `name` stands as the camera."""
        scale_x, scale_y = (full / work for full, work in zip(found.size, found.pixels.shape[1::-1], strict=True))
        scale = np.array([scale_x, scale_y], np.float32)
        boxes = found.detections.boxes * np.tile(scale, 2)
        tracks = []
        for i in range(len(found.detections)):
            x0, y0, x1, y1 = (float(v) for v in boxes[i])
            landmarks = found.detections.landmarks[i] * scale
            track = Track(i + 1, (x0, y0, x1, y1), landmarks, float(found.detections.scores[i]), 0.0, 0.0)
            if readings:
                smoother = AttributeSmoother(min_gender_confidence=self._min_gender_confidence)
                track = described(track, smoother.add(readings[i], 0.0), readings[i])
            tracks.append(track)
        return Result(name, 0, 0.0, 0.0, wall_time, found.size, tuple(tracks), timings=found.timings)

    def analyze(self, name: str, pixels: Pixels) -> Result:
        """One picture, from beginning to end. Raises ModelError."""
        found = self.find(pixels)
        (readings,) = self.read([found])
        return self.result(name, found, readings)


def _shrunk(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    scale = work_scale(width, height)
    if scale == 1.0:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _milliseconds_since(begin: float) -> float:
    return round((time.perf_counter() - begin) * 1000, 2)
