"""Detectors and attribute models that see what a test lays out, for tests of everything around the nets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streamer.inference.pipeline import CameraPipeline, Found
from streamer.pictures.picture import Picture, Pixels
from streamer.types import Detections, FaceReading

__all__ = ["ScriptedAttributes", "ScriptedDetector", "go_on"]

Box = tuple[float, float, float, float]

# Landmarks of a face seen from the front, as fractions of its box
FRONTAL = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.33, 0.8), (0.67, 0.8)], np.float32)


class NoSession:
    """No net."""

    runtime = "none"
    precision = "none"

    def run(self, blob: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """See `Session.run`."""
        return {"input": blob}


class ScriptedDetector:
    """Finds the boxes in `boxes`, after whatever `act` does first."""

    name = "scripted"
    confirm_score = 0.8
    session = NoSession()

    def __init__(self, act: Callable[[Picture], None] = lambda _: None) -> None:
        self.boxes: list[Box] = []
        self.widest: list[int | None] = []  # asked for in each look
        self._act = act

    def detect(self, picture: Picture, *, widest: int | None = None) -> Detections:
        """See `Detector.detect`."""
        self.widest.append(widest)
        self._act(picture)
        boxes = np.array(self.boxes, np.float32).reshape(-1, 4)
        size = boxes[:, None, 2:] - boxes[:, None, :2]
        return Detections(boxes, np.full(len(boxes), 0.9, np.float32), boxes[:, None, :2] + FRONTAL * size)


class ScriptedAttributes:
    """Reads the same in every face, and keeps how many it was shown at a time."""

    name = "scripted"
    sessions = (NoSession(),)

    def __init__(self, reading: FaceReading) -> None:
        self.shown: list[int] = []
        self.error: Exception | None = None  # raised instead, where set
        self._reading = reading

    def read(self, pixels: Pixels, faces: Detections) -> list[FaceReading]:
        """See `AttributeModel.read`."""
        assert pixels.ndim == 3
        self.shown.append(len(faces))
        if self.error is not None:
            raise self.error
        return [self._reading for _ in range(len(faces))]


def go_on(pipeline: CameraPipeline, found: Found) -> None:
    """The rest of a frame's way, in this thread and at once."""
    followed = pipeline.follow(found)
    pipeline.report(followed, pipeline.read(followed))
