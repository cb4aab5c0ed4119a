"""The classic age and gender nets of Levi and Hassner (2015), Caffe nets that the user brings."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.inference.quality import chip_quality, look_quality
from streamer.inference.runtime import Session
from streamer.picture import Pixels
from streamer.types import Detections, FaceReading, Vocabulary

__all__ = ["VOCABULARY", "LeviHassnerAttributes", "layers"]

VOCABULARY = Vocabulary(
    female="Female",
    male="Male",
    age_groups=("(0-2)", "(4-6)", "(8-12)", "(15-20)", "(25-32)", "(38-43)", "(48-53)", "(60-100)"),
)
_MIDDLES = np.array([1, 5, 10, 17.5, 28.5, 40.5, 50.5, 80])  # years, of the groups
_FEMALE = 1  # the gender net's classes: male, female
_SIDE = 227  # pixels
_MEAN = (78.4263377603, 87.7689143744, 114.895847746)  # blue, green, red
_QUALITY_SIDE = 64  # pixels, as the chips that the quality of pixels is judged on elsewhere


class LeviHassnerAttributes:
    """See `AttributeModel`. Reads the box of a face as it is, without alignment, one face at a time.

    On OpenCV a batch costs as much as its faces one by one, and each change of its size sets the net up anew.
    """

    name = "levi-hassner"

    def __init__(self, age: Session, gender: Session) -> None:
        self.sessions = (age, gender)

    def read(self, pixels: Pixels, faces: Detections) -> list[FaceReading]:
        """See `AttributeModel.read`."""
        return [self._read_one(pixels, faces, i) for i in range(len(faces))]

    def _read_one(self, pixels: Pixels, faces: Detections, i: int) -> FaceReading:
        face, quality = _cut_out(pixels, faces.boxes[i]), 0.0
        if face is None:
            face = np.zeros((_SIDE, _SIDE, 3), np.uint8)
        else:
            landmarks = faces.landmarks[i] if faces.landmarks_seen else None
            quality = look_quality(faces.boxes[i], landmarks, float(faces.scores[i]))
            small = cv2.resize(face, (_QUALITY_SIDE, _QUALITY_SIDE), interpolation=cv2.INTER_AREA)
            quality *= chip_quality(small)  # type: ignore[arg-type]
        blob = cv2.dnn.blobFromImage(face, 1.0, (_SIDE, _SIDE), _MEAN, swapRB=False)
        age, gender = self.sessions
        groups = _probabilities(age, blob, len(VOCABULARY.age_groups))  # type: ignore[arg-type]
        p_female = _probabilities(gender, blob, 2)[_FEMALE]  # type: ignore[arg-type]
        years = float(groups @ _MIDDLES)
        spread = float(np.sqrt(groups @ (_MIDDLES - years) ** 2))
        return FaceReading(years, spread, float(p_female), quality, VOCABULARY, tuple(groups.tolist()))


def _cut_out(pixels: Pixels, box: NDArray[np.float32]) -> Pixels | None:
    """The part of a box that lies in the picture, in whole pixels; None if nothing does."""
    x0, y0, x1, y1 = (max(0, int(value)) for value in box)
    face = pixels[y0:y1, x0:x1]
    return face if face.size else None


def _probabilities(session: Session, blob: NDArray[np.float32], classes: int) -> NDArray[np.float64]:
    """(classes,), summing to 1. Raises ModelError."""
    (values,) = session.run(blob).values()
    if values.shape != (1, classes):
        raise ModelError(f"the attribute net returned {values.shape} for a face of {classes} classes")
    said = values[0].astype(np.float64)
    total = said.sum()
    if not (np.isfinite(said).all() and (said >= 0).all() and abs(total - 1) < 0.05):
        raise ModelError("the attribute net returned values that are no probabilities: its weights are damaged")
    normalised: NDArray[np.float64] = said / total
    return normalised


def layers(classes: int) -> str:
    """The nets' prototxt: the architecture of "Age and Gender Classification Using Convolutional Neural Networks".

    Layers bear the names under which the weights are filed. Dropout is left out: it does nothing outside of training.
    """
    blocks = [
        *_convolution(1, "data", 96, "kernel_size: 7 stride: 4"),
        *_pooling(1, "pool1"),
        *_normalisation(1),
        *_convolution(2, "norm1", 256, "kernel_size: 5 pad: 2"),
        *_pooling(2, "pool2"),
        *_normalisation(2),
        *_convolution(3, "norm2", 384, "kernel_size: 3 pad: 1"),
        *_pooling(3, "pool5"),
        *_fully_connected("fc6", "pool5", 512, relu="relu6"),
        *_fully_connected("fc7", "fc6", 512, relu="relu7"),
        *_fully_connected("fc8", "fc7", classes),
        _layer("prob", "Softmax", "fc8"),
    ]
    shape = " ".join(f"dim: {size}" for size in (1, 3, _SIDE, _SIDE))
    return "\n".join([f'input: "data"\ninput_shape {{ {shape} }}', *blocks, ""])


def _layer(name: str, kind: str, bottom: str, parameters: str = "", *, top: str | None = None) -> str:
    return f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{top or name}" {parameters} }}'


def _convolution(number: int, bottom: str, channels: int, window: str) -> list[str]:
    name = f"conv{number}"
    return [
        _layer(name, "Convolution", bottom, f"convolution_param {{ num_output: {channels} {window} }}"),
        _layer(f"relu{number}", "ReLU", name, top=name),
    ]


def _pooling(number: int, name: str) -> list[str]:
    return [_layer(name, "Pooling", f"conv{number}", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }")]


def _normalisation(number: int) -> list[str]:
    parameters = "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }"
    return [_layer(f"norm{number}", "LRN", f"pool{number}", parameters)]


def _fully_connected(name: str, bottom: str, outputs: int, relu: str | None = None) -> list[str]:
    made = [_layer(name, "InnerProduct", bottom, f"inner_product_param {{ num_output: {outputs} }}")]
    return made if relu is None else [*made, _layer(relu, "ReLU", name, top=name)]
