"""The two attribute nets, dlib's and HSE-FaceRes: how a face is cut out for each, and what each says about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.inference.align import upright_chip
from streamer.inference.calibration import YEARS, Said
from streamer.inference.session import Session
from streamer.pictures.picture import Pixels

__all__ = ["CHIP", "DlibNets", "FaceResNet", "Net", "gender_chip", "probabilities"]

CHIP = 64  # pixels, of the chip that dlib's age net takes; its gender net takes half of it
_DLIB_MEAN = (122.782, 117.001, 104.298)  # RGB, dlib's input_rgb_image
_DLIB_AGES = 81  # classes: 0.25, 1, 2 … 80 years
_SQUARE = 160  # pixels; it was trained on 224, but costs half at 160 and is no less often right: see its card
_FACERES_MEAN = (103.939, 116.779, 123.68)  # BGR


class Net(Protocol):
    """One net, or two that belong together. Safe to use from several threads at once."""

    @property
    def sessions(self) -> tuple[Session, ...]:
        """What runs it."""

    def cut(self, pixels: Pixels, box: NDArray[np.floating], landmarks: NDArray[np.floating], chip: Pixels) -> Pixels:
        """The face as the net wants it, BGR, always of the same size. Raises ValueError where there is none.

        chip: the face's `face_chip` of CHIP pixels, which exists already: looks are judged on it.
        """

    def say(self, faces: NDArray[np.uint8]) -> Said:
        """About (N, side, side, 3) of them. Raises ModelError if the net returns nonsense."""


class DlibNets:
    """Two nets of dlib-models, converted to ONNX: see the cards in models/README.md."""

    def __init__(self, age: Session, gender: Session) -> None:
        self.sessions = (age, gender)

    def cut(self, pixels: Pixels, box: NDArray[np.floating], landmarks: NDArray[np.floating], chip: Pixels) -> Pixels:  # noqa: ARG002
        """See `Net`. The chip as it is."""
        return chip

    def say(self, faces: NDArray[np.uint8]) -> Said:
        """See `Net`."""
        age, gender = self.sessions
        ages = np.zeros((len(faces), len(YEARS)), np.float32)
        ages[:, :_DLIB_AGES] = probabilities(age, faces, _DLIB_AGES)
        return Said(ages, probabilities(gender, np.stack([gender_chip(chip) for chip in faces]), 2)[:, 0])


class FaceResNet:
    """HSE-FaceRes: see its card in models/README.md."""

    def __init__(self, session: Session) -> None:
        self.sessions = (session,)

    def cut(self, pixels: Pixels, box: NDArray[np.floating], landmarks: NDArray[np.floating], chip: Pixels) -> Pixels:  # noqa: ARG002
        """See `Net`. The square about the box, turned upright."""
        return upright_chip(pixels, box, landmarks, _SQUARE)

    def say(self, faces: NDArray[np.uint8]) -> Said:
        """See `Net`."""
        values = self.sessions[0].run(_planes(faces, _FACERES_MEAN, order="bgr"))
        ages = _checked(values["age"], (len(faces), len(YEARS)))
        male = values["gender"]
        if male.shape != (len(faces), 1) or not ((male >= 0) & (male <= 1)).all():
            raise ModelError("the attribute net returned values that are no probabilities: its weights are damaged")
        return Said(ages, 1 - male[:, 0])


def gender_chip(chip: Pixels) -> Pixels:
    """The chip of dlib's gender net, half the size of the age net's.

    Halved with a Gaussian, as in the pyramid that dlib cuts its own chips from: this net reads soft chips best.
    """
    return cv2.pyrDown(chip)  # type: ignore[return-value]


def probabilities(session: Session, chips: NDArray[np.uint8] | Sequence[Pixels], classes: int) -> NDArray[np.float32]:
    """What a net of dlib's says about BGR chips: (N, classes), each row summing to 1. Raises ModelError."""
    blob = _planes(chips, _DLIB_MEAN, order="rgb")
    blob /= np.float32(256)
    (values,) = session.run(blob).values()
    return _checked(values, (len(chips), classes))


def _planes(
    faces: NDArray[np.uint8] | Sequence[Pixels], mean: tuple[float, float, float], *, order: Literal["bgr", "rgb"]
) -> NDArray[np.float32]:
    """(N, 3, height, width) in this order of colours, less their means, of (N, height, width, 3) BGR.

    Colour by colour: along the last axis, a subtraction takes five times as long.
    """
    blob = np.empty((len(faces), 3, *faces[0].shape[:2]), np.float32)
    for face, planes in zip(faces, blob, strict=True):
        colours = cv2.split(face) if order == "bgr" else cv2.split(face)[::-1]
        for pixels, usual, plane in zip(colours, mean, planes, strict=True):
            np.subtract(pixels, np.float32(usual), out=plane)
    return blob


def _checked(values: NDArray[np.float32], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Rows of probabilities, made to sum to 1 exactly. Raises ModelError."""
    if values.shape != shape:
        raise ModelError(f"the attribute net returned {values.shape} for {shape[0]} faces of {shape[1]} classes each")
    sums = values.sum(axis=1, keepdims=True)
    if not (np.isfinite(values).all() and (values >= 0).all() and (np.abs(sums - 1) < 0.05).all()):
        raise ModelError("the attribute net returned values that are no probabilities: its weights are damaged")
    normalised: NDArray[np.float32] = values / sums
    return normalised
