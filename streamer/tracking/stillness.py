"""Whether a face is a picture of one: printed faces move, but never within themselves.

A living face turns, nods, talks: its landmarks move against each other. Those of a poster or of a still on a screen
keep their shape, however the camera shakes. So the five landmarks of each look are laid on a running reference by the
best similarity transform (shift, turn and scale are gone thereby) and averaged over TAU, which takes away most of the
detector's and the encoder's noise. How far this average lies from its own mean since the face stands still is its
deviation, the root mean square in parts of the face's size.

A face is static once its deviation has stayed below some level p for SECONDS · p: what keeps its shape exactly is told
soon, what is noisy, because it is small or badly encoded, has to be watched for longer. People who sit or stand as
still as they can exceed any level p well before that (measured: in 0.6 of that time at most). A deviation above MOVED
is no noise, and ends the stillness; from then on it takes AFTER_MOVING at least, so that somebody who came, and then
keeps still, is not taken for a picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["Shape", "Stillness", "shape_change", "shape_of"]

Shape = list[complex]
"""Landmarks, x + y·1j, about their middle, in parts of the face's size. Empty: not known."""

TAU = 2.0  # s over which looks are averaged
SECONDS = 14_000.0  # of stillness for a deviation of one face size: 28 s for 0.2 %
LEAST = 0.0014  # deviation that is as good as none
MOVED = 0.012  # deviation that is no noise
AFTER_MOVING = 180.0  # s
STEP = 0.08  # s between looks that are taken in: more would only cost more
LONGEST_STEP = 1.0  # s; a gap between looks is no time in which a face kept still
FREEDOM = 6  # of ten coordinates, less the four of the transform


def shape_of(landmarks: Sequence[Sequence[float]], size: float) -> Shape:
    """landmarks: (5, 2), size: of the face; pixels."""
    points = [complex(x, y) for x, y in landmarks]
    middle, size = sum(points) / len(points), max(size, 1e-3)
    return [(point - middle) / size for point in points]


def shape_change(one: Shape, other: Shape) -> float:
    """How far two shapes differ when one is laid on the other: root mean square, in parts of the face's size."""
    return _distance(_laid_on(one, other), other)


class Stillness:
    """What is known of one face's own motion. Times are seconds of the camera's timeline."""

    __slots__ = ("_at", "_mean", "_moved", "_peak", "_seen", "_smooth", "_still", "static")

    def __init__(self) -> None:
        self.static = False
        self._at = -math.inf
        self._seen = 0.0  # s looked at
        self._still = 0.0  # s without motion
        self._peak = LEAST  # the largest deviation in them
        self._moved = False
        self._smooth: Shape = []  # the average of the last looks
        self._mean: Shape = []  # and of all since it stands still

    @property
    def shape(self) -> Shape:
        """As it stands on average."""
        return self._mean

    def known_as(self, shape: Shape) -> None:
        """It is the picture with this shape that was here before."""
        self.static, self._mean, self._smooth = True, list(shape), list(shape)
        self._seen = self._still = SECONDS * LEAST

    def shift(self, seconds: float) -> None:
        """The timeline has jumped."""
        self._at += seconds

    def due(self, at: float) -> bool:
        """Whether a look of time `at` would be taken in."""
        return not 0 <= at - self._at < STEP

    def add(self, shape: Shape, at: float) -> None:
        """Take in a look, unless it comes too soon after the last."""
        if not self.due(at):
            return
        step = min(max(at - self._at, 0.0), LONGEST_STEP)
        self._at = at
        if not self._smooth:
            self._smooth, self._mean = list(shape), list(shape)
            return
        self._seen += step
        # a plain mean while there is less to average over than TAU
        gain = max(-math.expm1(-step / TAU), step / (self._seen + step))
        _approach(self._smooth, _laid_on(shape, self._mean), gain)
        if self._seen < TAU:
            self._mean = list(self._smooth)
            return
        deviation = _distance(self._smooth, self._mean)
        if deviation > MOVED:
            self._moved, self.static = True, False
            self._still, self._peak, self._mean = 0.0, LEAST, list(self._smooth)
            return
        self._still += step
        self._peak = max(self._peak, deviation)
        _approach(self._mean, self._smooth, step / (self._still + step))
        if self._still >= max(SECONDS * self._peak, AFTER_MOVING if self._moved else 0.0):
            self.static = True


def _approach(values: Shape, target: Shape, gain: float) -> None:
    for i, value in enumerate(target):
        values[i] += gain * (value - values[i])


def _laid_on(shape: Shape, reference: Shape) -> Shape:
    """Turned and scaled so that it lies on the reference as well as can be (least squares)."""
    across, norm = 0j, 0.0
    for point, target in zip(shape, reference, strict=True):
        across += point.conjugate() * target
        norm += point.real * point.real + point.imag * point.imag
    if norm < 1e-12:  # all landmarks in one place: no face
        return shape
    turn = across / norm
    return [turn * point for point in shape]


def _distance(one: Shape, other: Shape) -> float:
    total = 0.0
    for a, b in zip(one, other, strict=True):
        off = a - b
        total += off.real * off.real + off.imag * off.imag
    return math.sqrt(total / FREEDOM)
