"""Where pictures of faces hang: one that is lost for a while isn't taken for a visitor when it is found again."""

from __future__ import annotations

from typing import NamedTuple

from streamer.tracking.association import overlap
from streamer.tracking.motion import Box, scaled
from streamer.tracking.stillness import Shape, shape_change

__all__ = ["KnownPictures"]

MOST = 32  # remembered at a time; the one not seen for longest makes room
FORGOTTEN = 3600.0  # s
SAME_PLACE = 0.6  # shared part of the smaller box
SAME_SIZE = 1.5  # times as large
SAME_FACE = 0.02  # difference of shapes, in parts of the face's size


class _Picture(NamedTuple):
    box: Box
    shape: Shape
    at: float


class KnownPictures:
    """The static faces of one camera that are out of sight."""

    def __init__(self) -> None:
        self._pictures: list[_Picture] = []

    def __len__(self) -> int:
        return len(self._pictures)

    def remember(self, box: Box, shape: Shape, at: float) -> None:
        """A static face is lost. box: pixels. at: camera timeline, s."""
        self._pictures = [*self._pictures, _Picture(box, shape, at)][-MOST:]

    def recognise(self, box: Box, shape: Shape, at: float) -> Shape | None:
        """The shape of the picture that this face is; it is forgotten with that. None: it is none of them."""
        self._pictures = [known for known in self._pictures if at - known.at <= FORGOTTEN]
        for known in self._pictures:
            if _same_place(known.box, box) and shape and shape_change(shape, known.shape) <= SAME_FACE:
                self._pictures.remove(known)
                return known.shape
        return None

    def rescale(self, across: float, down: float) -> None:
        """The camera's picture has so many times its pixels now."""
        self._pictures = [known._replace(box=scaled(known.box, across, down)) for known in self._pictures]

    def shift(self, seconds: float) -> None:
        """The timeline has jumped."""
        self._pictures = [known._replace(at=known.at + seconds) for known in self._pictures]


def _same_place(one: Box, other: Box) -> bool:
    wide, wide_other = one[2] - one[0], other[2] - other[0]
    return overlap(one, other) >= SAME_PLACE and wide <= SAME_SIZE * wide_other and wide_other <= SAME_SIZE * wide
