"""Which frames of one camera its detector looks at: the schedule, fed with what changes in the picture."""

from __future__ import annotations

import threading

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.pictures.picture import Picture, Pixels
from streamer.tracking.look_schedule import LookSchedule, Sighting

__all__ = ["Glimpse", "Looking"]

Glimpse = Pixels
"""A picture's brightness in few cells: enough to notice that something changed."""

_CELLS = 64, 36  # columns, rows
_CLEARLY = 12  # of 256 levels of brightness: more than noise and coding make of a cell's mean
_MARGIN = 0.5  # of a face's size about its box that belongs to it: hair and shoulders move along


class Looking:
    """Decides in order, frame by frame, and says ahead of that what it will most likely decide.

    Workers run ahead of the frame whose turn it is, and look at it already if `guess` says so. The decision itself
    rests on the frames before alone, not on who was how fast: a wrong guess costs time, and changes no result.
    """

    def __init__(self, interval: float | None) -> None:
        """interval: seconds between looks, 0 for every frame; None: by what is to be seen."""
        self._schedule = LookSchedule(fixed=interval)
        self._last: Glimpse | None = None  # of the frame last looked at
        self._lock = threading.Lock()
        self._guessed_at = float("-inf")

    def glimpse(self, picture: Picture) -> Glimpse | None:
        """What `due` wants to know of a frame. Any thread."""
        return picture.luma(*_CELLS) if self._schedule.watches_change else None

    def guess(self, at: float, *, at_least: float = 0.0) -> bool:
        """Whether the frame of time `at` will most likely be due. Any thread, nearly in order."""
        with self._lock:
            if self._schedule.within(at - self._guessed_at, at_least=at_least):
                return False
            self._guessed_at = max(self._guessed_at, at)
            return True

    def due(
        self, at: float, glimpse: Glimpse | None, faces: NDArray[np.float32], size: tuple[int, int], *, at_least: float
    ) -> bool:
        """Whether the frame of time `at` is to be looked at. In order.

        faces: (N, 4) boxes that are known, of the frame before. size: width and height of the frame, pixels. at_least:
        see `LookSchedule.due`.
        """
        change = 1.0 if self._last is None else 0.0
        if glimpse is not None and self._last is not None:
            change = _change(self._last, glimpse, faces, size)
        return self._schedule.due(at, change, at_least=at_least)

    def looked(self, at: float, glimpse: Glimpse | None, sighting: Sighting) -> None:
        """The frame of time `at` was looked at. In order."""
        self._last = glimpse
        self._schedule.looked(at, sighting)
        with self._lock:
            ahead = self._guessed_at - at
            if ahead < 0 or not self._schedule.within(ahead):  # an unforeseen look, or the clock was set back
                self._guessed_at = at


def _change(before: Glimpse, now: Glimpse, faces: NDArray[np.float32], size: tuple[int, int]) -> float:
    """The share of cells that differ clearly, those of faces left out."""
    difference = cv2.absdiff(before, now)
    columns, rows = _CELLS
    across, down = columns / size[0], rows / size[1]
    for x0, y0, x1, y1 in faces.tolist():
        wide, high = (x1 - x0) * _MARGIN, (y1 - y0) * _MARGIN
        left, right = max(0, int((x0 - wide) * across)), max(0, int((x1 + wide) * across) + 1)
        top, bottom = max(0, int((y0 - high) * down)), max(0, int((y1 + high) * down) + 1)
        difference[top:bottom, left:right] = 0
    return int(np.count_nonzero(difference > _CLEARLY)) / difference.size
