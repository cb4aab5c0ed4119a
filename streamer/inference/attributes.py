"""Attribute models: what each can do, which one is opened; and dlib's nets, on aligned chips."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.config import ModelsConfig
from streamer.errors import ModelError
from streamer.inference.align import face_chip
from streamer.inference.levi_hassner import VOCABULARY, LeviHassnerAttributes, layers
from streamer.inference.model_store import ModelStore
from streamer.inference.quality import chip_quality, look_quality
from streamer.inference.runtime import Session, open_caffe_session, open_session
from streamer.picture import Pixels
from streamer.types import Detections, FaceReading

__all__ = [
    "AttributeModel",
    "BatchReader",
    "DlibAttributes",
    "gender_chip",
    "middle_mean",
    "open_attribute_model",
    "probabilities",
    "read_pictures",
]

_CHIP = 64  # pixels; the gender net takes half of it
_MEAN = np.array([122.782, 117.001, 104.298], np.float32)  # RGB, dlib's input_rgb_image
_AGES = np.array([0.25, *range(1, 81)], np.float32)  # years, of the age net's 81 classes
_TAIL = 0.1  # of the probability on either side: the net spreads a little over all ages, which says nothing
_BATCH = 16  # faces at most in one call: bounds memory; larger batches gain nothing


class AttributeModel(Protocol):
    """Reads age and gender. Safe to call from several threads at once."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""

    @property
    def sessions(self) -> tuple[Session, ...]:
        """What runs its nets."""

    def read(self, pixels: Pixels, faces: Detections) -> list[FaceReading]:
        """One reading for each face, in their order.

        pixels: the whole picture at full size, (height, width, 3) BGR uint8. faces: in pixels of it; they may lie
        partly outside. A face that can't be cut out (wholly outside, or landmarks that are no face) is read from
        nothing and gets quality 0. Raises ModelError if a net returns nonsense.
        """


@runtime_checkable
class BatchReader(Protocol):
    """An attribute model that reads the faces of several pictures in one go, because its nets gain from it."""

    def read_batch(self, pictures: Sequence[tuple[Pixels, Detections]]) -> list[list[FaceReading]]:
        """As `AttributeModel.read` for each picture, in their order."""


def read_pictures(model: AttributeModel, pictures: Sequence[tuple[Pixels, Detections]]) -> list[list[FaceReading]]:
    """The readings of each picture's faces, in one call where the model can do that. Raises ModelError."""
    if isinstance(model, BatchReader):
        return model.read_batch(pictures)
    return [model.read(pixels, faces) for pixels, faces in pictures]


class DlibAttributes:
    """See `AttributeModel`. The nets of dlib-models, converted to ONNX: see the cards in models/README.md."""

    name = "dlib"

    def __init__(self, age: Session, gender: Session) -> None:
        self.sessions = (age, gender)

    def read(self, pixels: Pixels, faces: Detections) -> list[FaceReading]:
        """See `AttributeModel.read`."""
        return self.read_batch([(pixels, faces)])[0]

    def read_batch(self, pictures: Sequence[tuple[Pixels, Detections]]) -> list[list[FaceReading]]:
        """See `BatchReader`."""
        looks = [(pixels, faces, i) for pixels, faces in pictures for i in range(len(faces))]
        readings: list[FaceReading] = []
        for start in range(0, len(looks), _BATCH):
            readings += self._read_looks(looks[start : start + _BATCH])
        left = iter(readings)
        return [list(islice(left, len(faces))) for _, faces in pictures]

    def _read_looks(self, looks: Sequence[tuple[Pixels, Detections, int]]) -> list[FaceReading]:
        quality = np.zeros(len(looks))
        chips = np.zeros((len(looks), _CHIP, _CHIP, 3), np.uint8)
        for n, (pixels, faces, i) in enumerate(looks):
            landmarks = faces.landmarks[i]
            try:
                chips[n] = face_chip(pixels, landmarks, _CHIP)
            except ValueError:
                continue
            seen = landmarks if faces.landmarks_seen else None
            quality[n] = look_quality(faces.boxes[i], seen, float(faces.scores[i])) * chip_quality(chips[n])
        age, gender = self.sessions
        years, spread = middle_mean(probabilities(age, chips, len(_AGES)))
        genders = probabilities(gender, np.stack([gender_chip(chip) for chip in chips]), 2)
        return [
            FaceReading(float(y), float(s), float(f), float(q))
            for y, s, f, q in zip(years, spread, genders[:, 0], quality, strict=True)
        ]


def open_attribute_model(
    config: ModelsConfig, store: ModelStore, *, threads: int | None = None
) -> AttributeModel | None:
    """The attribute nets that the configuration asks for, fetched if need be; None for `none`. Raises ModelError.

    threads: how many will read at the same time; one per core unless given.
    """
    if config.attributes == "none":
        return None
    if config.attributes == "levi-hassner":
        paths = [store.path(f"levi-hassner-{what}") for what in ("age", "gender")]
        classes = (len(VOCABULARY.age_groups), 2)
        return LeviHassnerAttributes(*map(open_caffe_session, paths, map(layers, classes)))
    age, gender = (
        open_session(store.path(name), runtime=config.runtime, precision=config.precision, threads=threads)
        for name in ("dlib-age", "dlib-gender")
    )
    return DlibAttributes(age, gender)


def gender_chip(chip: Pixels) -> Pixels:
    """The chip of the gender net, half the size of the age net's.

    Halved with a Gaussian, as in the pyramid that dlib cuts its own chips from: this net reads soft chips best.
    """
    return cv2.pyrDown(chip)  # type: ignore[return-value]


def middle_mean(said: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Age and spread in years, (N,) each, of (N, 81): the mean of the distribution without its tails.

    On labelled faces the plain mean lies within 5 years of the truth 3 to 4 percentage points less often, as the tails
    pull it towards middle age. The spread is the standard deviation about it, tails included.
    """
    above = np.cumsum(said, axis=1)
    middle = np.clip(above, _TAIL, 1 - _TAIL) - np.clip(above - said, _TAIL, 1 - _TAIL)
    years = (middle @ _AGES) / middle.sum(axis=1)
    variance = (said * (_AGES - years[:, None]) ** 2).sum(axis=1)
    return years, np.sqrt(variance)


def probabilities(session: Session, chips: NDArray[np.uint8], classes: int) -> NDArray[np.float32]:
    """What a net says about BGR chips: (N, classes), each row summing to 1. Raises ModelError."""
    blob = (chips[..., ::-1].astype(np.float32) - _MEAN) / np.float32(256)
    (values,) = session.run(np.ascontiguousarray(blob.transpose(0, 3, 1, 2))).values()
    if values.shape != (len(chips), classes):
        raise ModelError(f"the attribute net returned {values.shape} for {len(chips)} faces of {classes} classes each")
    sums = values.sum(axis=1, keepdims=True)
    if not (np.isfinite(values).all() and (values >= 0).all() and (np.abs(sums - 1) < 0.05).all()):
        raise ModelError("the attribute net returned values that are no probabilities: its weights are damaged")
    normalised: NDArray[np.float32] = values / sums
    return normalised
