"""What a face looks like, coarsely: tells apart two who meet for some seconds, and can't name anybody.

An appearance is the mean colours of 4 x 4 cells of a face's box: pale or dark, hair, beard, glasses. It identifies
nobody, and is gone with the track that it belongs to. Cells that a nearer face may cover are left out. How far two
appearances differ is their unlikeness: over the cells that both know, the root mean square difference of brightness
and colours, in percent of each one's mean brightness, so that a lamp or the camera's exposure matters little. Pure.

Measured with faces that walk up to a camera out of doors (school_group_walk_7p_720p, seven people): one and the same
face, and 1.2 s later, differs by 6 in the middle and by less than 13 in 95 of 100 cases; two faces by 13 in the middle,
and in 2 of 100 cases by less than 7.5. Three who stand indoors (three_people_540p) differ by 9 and more, each from
itself by 5 at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["CELLS", "DIFFERENT", "Appearance", "LastingAppearance", "appearances", "unlikeness"]

CELLS = 4  # across and down

DIFFERENT = 20.0  # unlikeness above which two looks hardly are of one face
LEAST_CELLS = 6  # of 16 that must be known of both, to compare them
DARKEST = 16.0  # of 255 levels: what is darker in the mean shows noise rather than colours
FLATTEST = 0.1  # of the mean brightness; where the cells' differ less, there is no face to tell from another
STEP = 0.08  # s between looks that a track takes in: more would only cost more
ROUNDING = 1e-6  # s; timestamps are rounded
LEAST = 1e-6  # of a look that is left of one 14 s ago
SETTLES = 1.0  # s after which an older look counts 1/e


class Appearance(NamedTuple):
    """Of one face. cells: (16, 3), row by row, their mean Y, Cb and Cr, 0-255. known: (16,), which of them are."""

    cells: NDArray[np.float32]
    known: NDArray[np.bool_]

    @property
    def tells(self) -> bool:
        """Whether enough is known to compare it."""
        return int(np.count_nonzero(self.known)) >= LEAST_CELLS


def appearances(cells: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 48), zeros where nothing can be told. cells: (N, 4, 4, 3) of Y, Cb and Cr, 0-255."""
    flat = cells.reshape(len(cells), CELLS * CELLS * 3)
    brightness = flat[:, ::3]
    mean = brightness.mean(axis=1)
    varies = brightness.max(axis=1) - brightness.min(axis=1)
    told: NDArray[np.float32] = flat * ((mean >= DARKEST) & (varies >= FLATTEST * mean))[:, None]
    return told


def unlikeness(ours: Sequence[Appearance], theirs: Sequence[Appearance]) -> NDArray[np.float64]:
    """(ours, theirs): how far each pair differs; nan where too little is known."""
    both = np.array([one.known for one in ours])[:, None] & np.array([one.known for one in theirs])
    count = both.sum(axis=2)
    one = _in_percent(np.array([one.cells for one in ours], np.float64)[:, None], both, count)
    other = _in_percent(np.array([one.cells for one in theirs], np.float64)[None], both, count)
    off = (one - other) ** 2
    differs: NDArray[np.float64] = np.sqrt((off.sum(axis=3) * both).sum(axis=2) / np.maximum(3 * count, 1))
    differs[count < LEAST_CELLS] = math.nan
    return differs


def _in_percent(cells: NDArray[np.float64], both: NDArray[np.bool_], count: NDArray[np.intp]) -> NDArray[np.float64]:
    """Of the mean brightness of the cells that are compared."""
    brightness = (cells[..., 0] * both).sum(axis=2) / np.maximum(count, 1)
    told: NDArray[np.float64] = (cells - (0, 128, 128)) * (100 / np.maximum(brightness, DARKEST))[..., None, None]
    return told


class LastingAppearance:
    """Of one track: each cell's mean over the looks that showed it, the last second's above all."""

    __slots__ = ("_at", "_cells", "_looks", "clear")

    def __init__(self) -> None:
        self.clear = 0  # looks that showed all of the face
        self._cells = np.zeros((CELLS * CELLS, 3), np.float32)
        self._looks = np.zeros(CELLS * CELLS, np.float32)  # at each cell, fading with time
        self._at = -math.inf

    def add(self, look: Appearance, at: float) -> None:
        """Another look. at: camera timeline, s."""
        since = at - self._at
        if 0 <= since < STEP - ROUNDING:
            return
        self._at = at
        self._looks *= math.exp(min(0.0, -since) / SETTLES)
        self._looks += look.known
        gain = look.known / np.maximum(self._looks, LEAST)
        self._cells += (look.cells - self._cells) * gain[:, None]
        self.clear += bool(look.known.all())

    @property
    def mean(self) -> Appearance:
        """As it is now; not to be kept."""
        return Appearance(self._cells, self._looks > LEAST)

    def shift(self, seconds: float) -> None:
        """The timeline has jumped."""
        self._at += seconds
