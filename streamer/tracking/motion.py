"""The motion model of face boxes: a Kalman filter in seconds, run for all tracks of a camera at once.

Each box is four numbers: centre x, centre y, log width, log height. Each of them moves with a velocity of its own that
is pushed about at random and dies away (an integrated Ornstein-Uhlenbeck process), so that a prediction of one second
equals two of half a second, whatever the frame rate. Uncertainty is kept in units of the face's size, because near
faces cross more pixels than far ones: it is the same for x and y, and the same for width and height.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["MotionModel", "measure"]

Array = NDArray[np.float64]

# (place, log size), fitted on detections of walking and talking people:
MEASUREMENT_SD = (0.02, 0.025)  # how far a found box lies off: face sizes; log units
VELOCITY_SD = (3.0, 0.5)  # of a face just found: face sizes per second; log units per second
ACCELERATION = (6.0, 0.3)  # spectral density of the pushes: size² / s³; 1 / s³
VELOCITY_FADES = (1.5, 0.5)  # seconds in which a velocity falls to 1/e

_MEASUREMENT_VARIANCE = np.square(np.array(MEASUREMENT_SD)).reshape(2, 1)
_VELOCITY_VARIANCE = np.square(np.array(VELOCITY_SD)).reshape(2, 1)


def measure(boxes: NDArray[np.float32]) -> Array:
    """Boxes (N, 4), x0 y0 x1 y1, as the filter sees them: (N, 2, 2), [[centre x, centre y], [log width, log height]].

    A box without extent counts as one hundredth of a pixel wide.
    """
    low, high = boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64)
    out = np.empty((len(boxes), 2, 2))
    out[:, 0] = (low + high) * 0.5
    out[:, 1] = np.log(np.maximum(high - low, 0.01))
    return out


class MotionModel:
    """The state of N boxes, one row each. Rows are added, corrected and removed by whoever owns the tracks."""

    def __init__(self) -> None:
        self.mean: Array = np.zeros((0, 2, 2))  # [[centre x, centre y], [log width, log height]], pixels
        self._velocity: Array = np.zeros((0, 2, 2))  # the same, per second
        # of place and of log size, in units of the face's size:
        self._variance: Array = np.zeros((0, 2, 1))
        self._covariance: Array = np.zeros((0, 2, 1))  # of value and velocity
        self._velocity_variance: Array = np.zeros((0, 2, 1))

    def __len__(self) -> int:
        return len(self.mean)

    def predict(self, seconds: float) -> None:
        """Let time pass. seconds ≥ 0."""
        if seconds <= 0 or not len(self.mean):
            return
        reach, fade, push, push_both, push_velocity = _transition(seconds)
        self.mean += self._velocity * reach
        self._velocity *= fade
        self._variance += reach * (2 * self._covariance + reach * self._velocity_variance) + push
        self._covariance = fade * (self._covariance + reach * self._velocity_variance) + push_both
        self._velocity_variance = fade * fade * self._velocity_variance + push_velocity

    def correct(self, rows: NDArray[np.intp], measured: Array) -> None:
        """Take in the boxes found for these rows: measured is (K, 2, 2), see `measure`."""
        if not len(rows):
            return
        variance, covariance = self._variance[rows], self._covariance[rows]
        total = variance + _MEASUREMENT_VARIANCE
        gain, velocity_gain = variance / total, covariance / total
        off = measured - self.mean[rows]
        self.mean[rows] += gain * off
        self._velocity[rows] += velocity_gain * off
        self._variance[rows] = gain * _MEASUREMENT_VARIANCE
        self._covariance[rows] = covariance - gain * covariance
        self._velocity_variance[rows] -= velocity_gain * covariance

    def add(self, measured: Array) -> None:
        """Add rows for boxes (K, 2, 2) seen for the first time, standing still as far as is known."""
        n = len(measured)
        self.mean = np.concatenate([self.mean, measured])
        self._velocity = np.concatenate([self._velocity, np.zeros((n, 2, 2))])
        self._variance = np.concatenate([self._variance, np.broadcast_to(_MEASUREMENT_VARIANCE, (n, 2, 1))])
        self._covariance = np.concatenate([self._covariance, np.zeros((n, 2, 1))])
        initial = np.broadcast_to(_VELOCITY_VARIANCE, (n, 2, 1))
        self._velocity_variance = np.concatenate([self._velocity_variance, initial])

    def keep(self, rows: list[int]) -> None:
        """Remove all rows but these, which keep their order."""
        index = np.array(rows, np.intp)
        self.mean = self.mean[index]
        self._velocity = self._velocity[index]
        self._variance = self._variance[index]
        self._covariance = self._covariance[index]
        self._velocity_variance = self._velocity_variance[index]

    def boxes(self) -> Array:
        """Where the boxes are, (N, 4), x0 y0 x1 y1, pixels."""
        half = np.exp(self.mean[:, 1]) * 0.5
        return np.concatenate([self.mean[:, 0] - half, self.mean[:, 0] + half], axis=1)

    def variance(self) -> Array:
        """How uncertain place and log size are, (N, 2, 1), in units of the face's size."""
        return self._variance


def _transition(seconds: float) -> tuple[Array, Array, Array, Array, Array]:
    """What a time step does, each (2, 1) for place and log size.

    The distance that a velocity of 1 covers; the factor by which it fades; the variance, covariance with the velocity,
    and variance of the velocity that the pushes add (the exact integrals, Bar-Shalom et al., Estimation with
    Applications to Tracking and Navigation, section 8.2.3).
    """
    rows = []
    for density, fades in zip(ACCELERATION, VELOCITY_FADES, strict=True):
        x = seconds / fades
        fade = math.exp(-x)
        rows.append(
            (
                fades * (1 - fade),
                fade,
                density * fades**3 * (x - 2 * (1 - fade) + (1 - fade * fade) / 2),
                density * fades**2 * (1 - fade) ** 2 / 2,
                density * fades * (1 - fade * fade) / 2,
            )
        )
    table = np.array(rows)[:, :, None]
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3], table[:, 4]
