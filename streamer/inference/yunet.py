"""The face detector YuNet (opencv_zoo, 2026may): decodes what the net says."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.inference.boxes import nms, small_picture
from streamer.inference.session import Outputs, Session
from streamer.pictures.picture import Picture
from streamer.types import Detections

__all__ = ["YuNet", "decode_yunet"]

_STRIDES = (8, 16, 32)
_OVERLAP = 0.3

_Values = NDArray[np.float32]


class YuNet:
    """See `Detector`."""

    name = "yunet"
    confirm_score = 0.8

    def __init__(self, session: Session, *, width: int, threshold: float) -> None:
        """width: of the small picture that is looked at, pixels. threshold: lowest score that counts, 0–1."""
        self.session = session
        self._width = width
        self._threshold = threshold

    def detect(self, picture: Picture, *, widest: int | None = None) -> Detections:
        """See `Detector.detect`."""
        blob, box = small_picture(picture, widest=widest or self._width, order="bgr")
        outputs = self.session.run(blob)
        return box.to_picture(nms(decode_yunet(outputs, blob.shape[3], self._threshold), _OVERLAP))


def decode_yunet(outputs: Outputs, width: int, threshold: float) -> Detections:
    """The faces before suppression, in pixels of the net's input.

    outputs: for each stride s, cells row by row: cls_s and obj_s (1, cells, 1), bbox_s (1, cells, 4), kps_s
    (1, cells, 10). width: of the net's input, a multiple of 32. Follows OpenCV's FaceDetectorYN. Raises ModelError.
    """
    found = [Detections.none()]
    for stride in _STRIDES:
        try:
            cls, obj, bbox, kps = (outputs[f"{name}_{stride}"][0] for name in ("cls", "obj", "bbox", "kps"))
        except KeyError as error:
            raise ModelError(f"not YuNet: the net has no output {error.args[0]}") from None
        likely = cls[:, 0] * obj[:, 0]
        if np.isnan(likely.sum()):
            raise ModelError("YuNet returned scores that are not numbers: the weights don't fit the runtime")
        # few: everything else is worked out for them alone
        hits = np.flatnonzero(likely >= threshold * threshold - 1e-6)
        if hits.size:
            corner = _cells(width // stride, len(likely))[hits]
            faces = _decode_cells(corner, stride, cls=cls[hits, 0], obj=obj[hits, 0], bbox=bbox[hits], kps=kps[hits])
            found.append(faces.select(faces.scores >= threshold))
    return Detections(
        np.concatenate([faces.boxes for faces in found]),
        np.concatenate([faces.scores for faces in found]),
        np.concatenate([faces.landmarks for faces in found]),
    )


def _decode_cells(
    corner: _Values, stride: int, *, cls: _Values, obj: _Values, bbox: _Values, kps: _Values
) -> Detections:
    """The faces of some cells of one stride. corner: their columns and rows, (N, 2)."""
    centre = (corner + bbox[:, :2]) * stride
    half = np.exp(np.minimum(bbox[:, 2:], 10)) * (stride / 2)
    return Detections(
        np.concatenate([centre - half, centre + half], axis=1),
        np.sqrt(np.clip(cls, 0, 1) * np.clip(obj, 0, 1)),
        (corner[:, None] + kps.reshape(-1, 5, 2)) * stride,
    )


@functools.lru_cache(maxsize=64)
def _cells(columns: int, cells: int) -> NDArray[np.float32]:
    """Column and row of each cell, (cells, 2)."""
    index = np.arange(cells)
    return np.stack([index % columns, index // columns], axis=1).astype(np.float32)
