"""Caffe nets, on the importer of OpenCV 4."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from streamer.errors import ModelError
from streamer.inference.runtimes.opencv_session import OpenCvSession

__all__ = ["CaffeSession", "missing_importer"]


class CaffeSession(OpenCvSession):
    """See `Session`. Always float32, whatever the configuration says about ONNX nets."""

    def __init__(self, weights: Path, layers: str) -> None:
        """weights: a .caffemodel file. layers: a prototxt's text. Raises ModelError."""
        if problem := missing_importer(cv2.__version__):
            raise ModelError(problem)
        prototxt = np.frombuffer(layers.encode(), np.uint8)
        super().__init__(weights, lambda: cv2.dnn.readNetFromCaffe(prototxt, np.fromfile(weights, np.uint8)))


def missing_importer(version: str) -> str | None:
    """What is wrong, and what to install, if OpenCV of this version can't read Caffe nets."""
    if int(version.partition(".")[0]) < 5:
        return None
    return (
        f"OpenCV {version} is installed, which no longer reads Caffe nets; the classic ones (detector: ssd-res10, "
        "attributes: levi-hassner) need OpenCV 4: pip install 'opencv-python-headless>=4.10,<5'"
    )
