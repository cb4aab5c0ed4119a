"""Caffe nets, on the importer of OpenCV 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.inference.runtimes.opencv_session import OpenCvSession

__all__ = ["CaffeSession", "Weights", "missing_importer", "read_caffe_weights"]

Weights = Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Kernel and bias by the name of the layer."""


class CaffeSession(OpenCvSession):
    """See `Session`. Always float32, whatever the configuration says about ONNX nets."""

    def __init__(self, weights: Path, layers: str) -> None:
        """weights: a .caffemodel file. layers: a prototxt's text. Raises ModelError."""
        super().__init__(weights, lambda: _read(weights, layers))


def read_caffe_weights(weights: Path, layers: str, names: Sequence[str]) -> Weights:
    """The weights of the layers of these names, each with a kernel and a bias, as new arrays. Raises ModelError.

    weights, layers: as for `CaffeSession`.
    """
    try:
        net = _read(weights, layers)
        stored = {name: (_copied(net, name, 0), _copied(net, name, 1).ravel()) for name in names}
    except cv2.error as error:
        raise ModelError(f"{weights}: OpenCV can't load this net: {error.err or error}") from None
    except OSError as error:
        raise ModelError(f"{weights}: can't be read: {error.strerror}") from None
    return stored


def _copied(net: cv2.dnn.Net, layer: str, number: int) -> NDArray[np.float32]:
    return np.array(net.getParam(layer, number), np.float32)


def _read(weights: Path, layers: str) -> cv2.dnn.Net:
    """Raises ModelError for an OpenCV that is too new, cv2.error for what it can't read, and OSError."""
    if problem := missing_importer(cv2.__version__):
        raise ModelError(problem)
    return cv2.dnn.readNetFromCaffe(np.frombuffer(layers.encode(), np.uint8), np.fromfile(weights, np.uint8))


def missing_importer(version: str) -> str | None:
    """What is wrong, and what to install, if OpenCV of this version can't read Caffe nets."""
    if int(version.partition(".")[0]) < 5:
        return None
    return (
        f"OpenCV {version} is installed, which no longer reads Caffe nets; the classic ones (detector: ssd-res10, "
        "attributes: levi-hassner) need OpenCV 4: pip install 'opencv-python-headless>=4.10,<5'"
    )
