"""Pictures of which a test decides how long their encoding lasts."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.pictures.picture import ArrayPicture, Pixels
from streamer.server.hub import Update
from streamer.types import Frame, Result, Track

__all__ = ["NO_FACES", "GatedPicture", "update"]

NO_FACES = np.zeros((0, 4), np.float32)


class GatedPicture(ArrayPicture):
    """Its pixels come only when the gate is open."""

    def __init__(self, gate: threading.Event) -> None:
        super().__init__(np.zeros((8, 8, 3), np.uint8))
        self.gate = gate
        self.converted = 0

    def pixels(self, *args: Any, **kwargs: Any) -> Pixels:
        self.converted += 1
        assert self.gate.wait(10)
        return super().pixels(*args, **kwargs)


def update(seq: int, picture: ArrayPicture, faces: NDArray[np.float32] = NO_FACES, *tracks: Track) -> Update:
    """Of a camera `a`, whose frames have the times of their numbers."""
    size = (picture.width, picture.height)
    frame = Frame("a", seq, 0.0, float(seq), 0.0, picture)
    return Update(frame, Result("a", seq, 0.0, float(seq), 0.0, size, tracks), faces, 0.0)
