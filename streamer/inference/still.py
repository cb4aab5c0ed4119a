"""Single pictures: every face is read once, none is followed."""

from __future__ import annotations

import time

from streamer.config import TrackingConfig
from streamer.inference.attributes import AttributeModel
from streamer.inference.described import described
from streamer.inference.detectors import Detector
from streamer.picture import Picture
from streamer.tracking.smoothing import AttributeSmoother
from streamer.types import FaceReading, Result, Track

__all__ = ["analyze_still"]


def analyze_still(
    name: str, picture: Picture, *, detector: Detector, attributes: AttributeModel | None, tracking: TrackingConfig
) -> Result:
    """The faces of one picture, numbered from 1 from left to right; `name` stands as the result's camera."""
    begin = time.perf_counter()
    detections = detector.detect(picture)
    detections = detections.select(detections.boxes[:, 0].argsort(kind="stable"))
    found = time.perf_counter()
    readings: list[FaceReading] = []
    if attributes is not None and len(detections):
        readings = attributes.read(picture.pixels(), detections)
    read = time.perf_counter()
    tracks = []
    for i in range(len(detections)):
        reading = readings[i] if readings else None
        x0, y0, x1, y1 = (float(v) for v in detections.boxes[i])
        track = Track(i + 1, (x0, y0, x1, y1), detections.landmarks[i], float(detections.scores[i]), 0.0, 0.0)
        if reading is not None:
            smoother = AttributeSmoother(min_gender_confidence=tracking.min_gender_confidence)
            track = described(track, smoother.add(reading, 0.0), reading)
        tracks.append(track)
    timings = {"detect": round((found - begin) * 1000, 2), "attributes": round((read - found) * 1000, 2)}
    return Result(name, 0, 0.0, 0.0, 0.0, (picture.width, picture.height), tuple(tracks), timings=timings)
