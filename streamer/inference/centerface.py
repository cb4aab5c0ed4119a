"""The face detector CenterFace: decodes what the net says."""

from __future__ import annotations

import numpy as np

from streamer.errors import ModelError
from streamer.inference.boxes import nms, small_picture
from streamer.inference.session import Outputs, Session
from streamer.pictures.picture import Picture
from streamer.types import Detections

__all__ = ["CenterFace", "decode_centerface"]

_STRIDE = 4
_OVERLAP = 0.3
# Outputs by the names that the published file gives them.
_HEAT, _SIZE, _OFFSET, _LANDMARKS = "537", "538", "539", "540"


class CenterFace:
    """See `Detector`."""

    name = "centerface"
    confirm_score = 0.7

    def __init__(self, session: Session, *, width: int, threshold: float) -> None:
        """width: of the small picture that is looked at, pixels. threshold: lowest score that counts, 0–1."""
        self.session = session
        self._width = width
        self._threshold = threshold

    def detect(self, picture: Picture, *, widest: int | None = None) -> Detections:
        """See `Detector.detect`."""
        blob, box = small_picture(picture, widest=widest or self._width, order="rgb")
        outputs = self.session.run(blob)
        return box.to_picture(nms(decode_centerface(outputs, self._threshold), _OVERLAP))


def decode_centerface(outputs: Outputs, threshold: float) -> Detections:
    """The faces before suppression, in pixels of the net's input.

    outputs, maps at a quarter of the input: heat (1, 1, h, w), the score; size (1, 2, h, w), logarithms of height and
    width in cells; offset (1, 2, h, w), y and x within the cell; landmarks (1, 10, h, w), y and x of each in heights
    and widths of the box from its corner. Follows the authors' centerface.py, but doesn't clip to the picture.
    Raises ModelError.
    """
    try:
        heat, size, offset, marks = (outputs[name][0] for name in (_HEAT, _SIZE, _OFFSET, _LANDMARKS))
    except KeyError as error:
        raise ModelError(f"not CenterFace: the net has no output {error.args[0]}") from None
    if np.isnan(heat).any():
        raise ModelError("CenterFace returned scores that are not numbers: the weights don't fit the runtime")
    rows, columns = np.nonzero(heat[0] >= threshold)
    extent = np.exp(np.minimum(size[::-1, rows, columns].T, 8)) * _STRIDE  # (N, 2), x y from here on
    cell = np.stack([columns, rows], axis=1).astype(np.float32)
    centre = (cell + offset[::-1, rows, columns].T + np.float32(0.5)) * _STRIDE
    corner = centre - extent / 2
    landmarks = marks[:, rows, columns].T.reshape(-1, 5, 2)[:, :, ::-1] * extent[:, None] + corner[:, None]
    return Detections(
        np.concatenate([corner, corner + extent], axis=1).astype(np.float32),
        np.minimum(heat[0, rows, columns], 1),
        np.ascontiguousarray(landmarks, np.float32),
    )
