"""The classic face detector: OpenCV's SSD on a ResNet-10, a Caffe net."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.inference.session import Session
from streamer.pictures.picture import Picture
from streamer.types import Detections

__all__ = ["SsdRes10", "decode_ssd"]

_SIDE = 300  # pixels; the whole picture is squeezed into a square
_MEAN = (104.0, 177.0, 123.0)  # blue, green, red

# This net finds no landmarks. Where an upright face that looks into the camera has them, as fractions of the net's
# box: the median of 226 faces in photographs by YuNet's landmarks, made symmetric.
_TEMPLATE = np.array([(0.274, 0.403), (0.726, 0.403), (0.5, 0.599), (0.307, 0.751), (0.693, 0.751)], np.float32)


class SsdRes10:
    """See `Detector`. Looks at 300 × 300 pixels whatever the picture's shape, so that small faces are lost to it."""

    name = "ssd-res10"
    confirm_score = 0.85
    width = _SIDE

    def __init__(self, session: Session, *, threshold: float) -> None:
        """threshold: lowest score that counts, 0–1."""
        self.session = session
        self._threshold = threshold

    def detect(self, picture: Picture, *, widest: int | None = None) -> Detections:  # noqa: ARG002
        """See `Detector.detect`. The landmarks are those of an upright frontal face: `landmarks_seen` is False."""
        # A plain bilinear squeeze of the whole picture, as in every program that used this net
        small = cv2.resize(picture.pixels(), (_SIDE, _SIDE))
        (rows,) = self.session.run(cv2.dnn.blobFromImage(small, 1.0, (_SIDE, _SIDE), _MEAN)).values()  # type: ignore[arg-type]
        return decode_ssd(rows, picture.width, picture.height, self._threshold)


def decode_ssd(rows: NDArray[np.float32], width: int, height: int, threshold: float) -> Detections:
    """The faces in a picture of this size, best first.

    rows: (1, 1, N, 7): image, class, score, x0 y0 x1 y1 in fractions of the picture; suppression has been done by the
    net's last layer. Boxes without any area inside the picture are left out. Raises ModelError.
    """
    if rows.ndim != 4 or rows.shape[3] != 7:
        raise ModelError(f"not an SSD: the net returned {rows.shape}")
    if np.isnan(rows[..., 2]).any():
        raise ModelError("the SSD returned scores that are not numbers: the weights are damaged")
    found = rows[0, 0]
    found = found[found[:, 2] >= threshold]
    boxes = (found[:, 3:7].astype(np.float64) * (width, height, width, height)).astype(np.float32)
    inside = np.minimum(boxes[:, 2:], (width, height)) - np.maximum(boxes[:, :2], 0)
    keep = np.isfinite(boxes).all(axis=1) & (inside > 0).all(axis=1)
    order = np.flatnonzero(keep)[np.argsort(-found[keep, 2], kind="stable")]
    boxes = boxes[order]
    landmarks = boxes[:, None, :2] + _TEMPLATE * (boxes[:, None, 2:] - boxes[:, None, :2])
    return Detections(boxes, np.clip(found[order, 2], 0, 1), landmarks, landmarks_seen=False)
