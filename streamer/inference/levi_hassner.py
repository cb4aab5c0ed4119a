"""The classic age and gender nets of Levi and Hassner (2015), Caffe nets that the user brings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.inference.quality import chip_quality, look_quality
from streamer.inference.session import Session
from streamer.pictures.picture import Pixels
from streamer.types import Detections, FaceReading, Vocabulary

__all__ = ["VOCABULARY", "LeviHassnerAttributes"]

VOCABULARY = Vocabulary(
    female="Female",
    male="Male",
    age_groups=("(0-2)", "(4-6)", "(8-12)", "(15-20)", "(25-32)", "(38-43)", "(48-53)", "(60-100)"),
)
_MIDDLES = np.array([1, 5, 10, 17.5, 28.5, 40.5, 50.5, 80])  # years, of the groups
_FEMALE = 1  # the gender net's classes: male, female
_SIDE = 227  # pixels
_MEAN = (78.4263377603, 87.7689143744, 114.895847746)  # blue, green, red
_BATCH = 8  # faces at most in one call: bounds memory; larger batches gain nothing
_QUALITY_SIDE = 64  # pixels, as the chips that the quality of pixels is judged on elsewhere


class LeviHassnerAttributes:
    """See `AttributeModel`. Reads the box of a face as it is, without alignment."""

    name = "levi-hassner"

    def __init__(self, age: Session, gender: Session) -> None:
        self.sessions = (age, gender)
        # On OpenCV a batch costs as much as its faces one by one, and each change of its size sets the net up anew
        self._most = 1 if "opencv" in {age.runtime, gender.runtime} else _BATCH

    def read(self, pixels: Pixels, faces: Detections) -> list[FaceReading]:
        """See `AttributeModel.read`."""
        looks = [_look(pixels, faces, i) for i in range(len(faces))]
        readings: list[FaceReading] = []
        for start in range(0, len(looks), self._most):
            blobs, qualities = zip(*looks[start : start + self._most], strict=True)
            readings += self._readings(np.concatenate(blobs), qualities)
        return readings

    def _readings(self, blob: NDArray[np.float32], qualities: Sequence[float]) -> Iterator[FaceReading]:
        age, gender = self.sessions
        groups = _probabilities(age, blob, len(VOCABULARY.age_groups))
        years = groups @ _MIDDLES
        spreads = np.sqrt((groups * (_MIDDLES - years[:, None]) ** 2).sum(axis=1))
        p_female = _probabilities(gender, blob, 2)[:, _FEMALE]
        for i, quality in enumerate(qualities):
            said = tuple(groups[i].tolist())
            yield FaceReading(float(years[i]), float(spreads[i]), float(p_female[i]), quality, VOCABULARY, said)


def _look(pixels: Pixels, faces: Detections, i: int) -> tuple[NDArray[np.float32], float]:
    """A face as the nets take it, (1, 3, 227, 227), and the quality of the look; black and 0 where there is none."""
    face, quality = _cut_out(pixels, faces.boxes[i]), 0.0
    if face is None:
        face = np.zeros((_SIDE, _SIDE, 3), np.uint8)
    else:
        landmarks = faces.landmarks[i] if faces.landmarks_seen else None
        quality = look_quality(faces.boxes[i], landmarks, float(faces.scores[i]))
        small = cv2.resize(face, (_QUALITY_SIDE, _QUALITY_SIDE), interpolation=cv2.INTER_AREA)
        quality *= chip_quality(small)  # type: ignore[arg-type]
    return cv2.dnn.blobFromImage(face, 1.0, (_SIDE, _SIDE), _MEAN, swapRB=False), quality  # type: ignore[return-value]


def _cut_out(pixels: Pixels, box: NDArray[np.float32]) -> Pixels | None:
    """The part of a box that lies in the picture, in whole pixels; None if nothing does."""
    x0, y0, x1, y1 = (max(0, int(value)) for value in box)
    face = pixels[y0:y1, x0:x1]
    return face if face.size else None


def _probabilities(session: Session, blob: NDArray[np.float32], classes: int) -> NDArray[np.float64]:
    """(N, classes), each row summing to 1. Raises ModelError."""
    (values,) = session.run(blob).values()
    if values.shape != (len(blob), classes):
        raise ModelError(f"the attribute net returned {values.shape} for {len(blob)} faces of {classes} classes each")
    said = values.astype(np.float64)
    totals = said.sum(axis=1, keepdims=True)
    if not (np.isfinite(said).all() and (said >= 0).all() and (np.abs(totals - 1) < 0.05).all()):
        raise ModelError("the attribute net returned values that are no probabilities: its weights are damaged")
    normalised: NDArray[np.float64] = said / totals
    return normalised
