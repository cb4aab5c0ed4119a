"""The motion model of a face's box: a Kalman filter in seconds.

A box is four numbers: centre x, centre y, log width, log height. Each of them moves with a velocity of its own that is
pushed about at random and dies away (an integrated Ornstein-Uhlenbeck process), so that a prediction of one second
equals two of half a second, whatever the frame rate. Uncertainty is kept in units of the face's size, because near
faces cross more pixels than far ones: it is the same for x and y, and the same for width and height. So the filter is
two pairs of numbers, and plain floats: for the handful of faces in a frame they are several times as fast as arrays.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from streamer.types import Box

__all__ = ["Box", "BoxMotion", "Measured", "TimeStep", "measure", "scaled"]

Measured = tuple[float, float, float, float]
"""Centre x, centre y, log width, log height; pixels."""


class _Noise(NamedTuple):
    """How a pair of numbers moves; in face sizes for the place, in log units for the size."""

    measured: float  # variance of what a detector finds
    velocity: float  # variance of the velocity of a face just found, per s²
    pushes: float  # spectral density of what changes the velocity, per s³
    fades: float  # seconds in which a velocity falls to 1/e


# Fitted on detections of walking and talking people; a little livelier, for those who hurry.
_PLACE = _Noise(measured=0.02**2, velocity=3.0**2, pushes=6.0, fades=1.5)
_SIZE = _Noise(measured=0.025**2, velocity=0.5**2, pushes=0.3, fades=0.5)


def measure(box: Box) -> Measured:
    """A box as the filter sees it. One without extent counts as one hundredth of a pixel wide."""
    x0, y0, x1, y1 = box
    return (x0 + x1) / 2, (y0 + y1) / 2, math.log(max(x1 - x0, 0.01)), math.log(max(y1 - y0, 0.01))


def scaled(box: Box, across: float, down: float) -> Box:
    """A box in a picture of so many times the pixels."""
    return box[0] * across, box[1] * down, box[2] * across, box[3] * down


class _PairStep(NamedTuple):
    """What a span of time does to a pair of numbers."""

    reach: float  # distance that a velocity of 1 covers
    fade: float  # factor of the velocity
    push: float  # added variance,
    push_both: float  # covariance with the velocity,
    push_velocity: float  # and variance of the velocity


class TimeStep:
    """A span of time, worked out once for all boxes."""

    __slots__ = ("place", "size")

    def __init__(self, seconds: float) -> None:
        """seconds ≥ 0."""
        self.place = _pair_step(seconds, _PLACE)
        self.size = _pair_step(seconds, _SIZE)


def _pair_step(seconds: float, noise: _Noise) -> _PairStep:
    # the exact integrals: Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation, 8.2.3
    fades, x = noise.fades, seconds / noise.fades
    fade = math.exp(-x)
    return _PairStep(
        fades * (1 - fade),
        fade,
        noise.pushes * fades**3 * (x - 2 * (1 - fade) + (1 - fade * fade) / 2),
        noise.pushes * fades**2 * (1 - fade) ** 2 / 2,
        noise.pushes * fades * (1 - fade * fade) / 2,
    )


class _Pair:
    """Two numbers with a velocity each, known equally well."""

    __slots__ = ("a", "b", "covariance", "noise", "variance", "velocity_a", "velocity_b", "velocity_variance")

    def __init__(self, a: float, b: float, noise: _Noise) -> None:
        self.a, self.b = a, b
        self.velocity_a = self.velocity_b = 0.0
        self.noise = noise.measured
        self.variance = noise.measured
        self.covariance = 0.0
        self.velocity_variance = noise.velocity

    def predict(self, step: _PairStep) -> None:
        reach, fade, push, push_both, push_velocity = step
        self.a += reach * self.velocity_a
        self.b += reach * self.velocity_b
        self.velocity_a *= fade
        self.velocity_b *= fade
        covariance, velocity_variance = self.covariance, self.velocity_variance
        self.variance += reach * (2 * covariance + reach * velocity_variance) + push
        self.covariance = fade * (covariance + reach * velocity_variance) + push_both
        self.velocity_variance = fade * fade * velocity_variance + push_velocity

    def stretch(self, a: float, b: float) -> None:
        """Measure in other units; what is uncertain is kept in face sizes, and they in the same."""
        self.a, self.b = self.a * a, self.b * b
        self.velocity_a, self.velocity_b = self.velocity_a * a, self.velocity_b * b

    def correct(self, a: float, b: float) -> None:
        total = self.variance + self.noise
        gain, velocity_gain = self.variance / total, self.covariance / total
        off_a, off_b = a - self.a, b - self.b
        self.a += gain * off_a
        self.b += gain * off_b
        self.velocity_a += velocity_gain * off_a
        self.velocity_b += velocity_gain * off_b
        self.variance = gain * self.noise
        self.velocity_variance -= velocity_gain * self.covariance
        self.covariance -= gain * self.covariance


class BoxMotion:
    """The filter of one box, from the first time it was found."""

    __slots__ = ("_place", "_size")

    def __init__(self, found: Measured) -> None:
        x, y, log_width, log_height = found
        self._place = _Pair(x, y, _PLACE)
        self._size = _Pair(log_width, log_height, _SIZE)

    def predict(self, step: TimeStep) -> None:
        """Let time pass."""
        self._place.predict(step.place)
        self._size.predict(step.size)

    def correct(self, found: Measured) -> None:
        """Take in where the box was found."""
        x, y, log_width, log_height = found
        self._place.correct(x, y)
        self._size.correct(log_width, log_height)

    def rescale(self, across: float, down: float) -> None:
        """The picture has so many times its pixels now."""
        self._place.stretch(across, down)
        self._size.a += math.log(across)
        self._size.b += math.log(down)

    def miss(self, found: Measured) -> float:
        """How far the box lies from where it was found, in face sizes; a change of size by e counts as one of them."""
        x, y, log_width, log_height = found
        size = math.exp((log_width + log_height) / 2)
        grown = max(abs(log_width - self._size.a), abs(log_height - self._size.b))
        return max(math.hypot(x - self._place.a, y - self._place.b) / size, grown)

    @property
    def expected(self) -> Measured:
        """Where it should be found now."""
        return self._place.a, self._place.b, self._size.a, self._size.b

    @property
    def velocity(self) -> tuple[float, float]:
        """Of the centre: to the right and downwards, pixels a second."""
        return self._place.velocity_a, self._place.velocity_b

    @property
    def variance(self) -> tuple[float, float]:
        """How uncertain that is: of the place in squared face sizes, of the log size."""
        return self._place.variance, self._size.variance

    @property
    def box(self) -> Box:
        """Where it is now."""
        half_width, half_height = math.exp(self._size.a) / 2, math.exp(self._size.b) / 2
        x, y = self._place.a, self._place.b
        return x - half_width, y - half_height, x + half_width, y + half_height
