"""Which detection belongs to which track: the cost of each pair, and the best assignment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

__all__ = ["UNLIKELY", "assign", "overlap", "pair_costs"]

Array = NDArray[np.float64]

# By how much a true pair may differ besides the uncertainty of the motion: faces half hidden, turned, or blurred are
# boxed worse than the measurement noise of a clear face says. Place in face sizes, log size.
TOLERANCE_SD = (0.2, 0.2)
# The cost above which a pair is taken for two different faces: with a well known track, 4 standard deviations.
UNLIKELY = 16.0

_TOLERANCE = np.square(np.array(TOLERANCE_SD)).reshape(2, 1)


def pair_costs(mean: Array, variance: Array, measured: Array) -> Array:
    """How badly each found box fits each predicted one: (tracks, detections), 0 when perfect.

    mean: (T, 2, 2) and variance: (T, 2, 1) of `MotionModel`; measured: (D, 2, 2) of `measure`. It is the negative log
    likelihood of a Gaussian, doubled, less that of a perfect fit to a track known exactly: the squared distance in
    standard deviations, plus a price for being uncertain. So of two tracks equally far from a face in their own terms,
    the better known one gets it, and a track unseen for long reaches farther, but not without limit.
    """
    uncertain = variance + _TOLERANCE
    scale = np.ones((len(mean), 2, 1))
    scale[:, 0, 0] = np.exp(mean[:, 1].sum(axis=1))  # width x height: the squared size
    off = measured[None] - mean[:, None]
    off *= off
    off /= (uncertain * scale)[:, None]
    price: Array = 2 * np.log(uncertain / _TOLERANCE).sum(axis=(1, 2))
    costs: Array = off.sum(axis=(2, 3))
    costs += price[:, None]
    return costs


def assign(costs: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pairs (rows, columns) that are likelier together than apart, each row and column at most once."""
    gain = np.minimum(costs - UNLIKELY, 0.0)
    rows, columns = linear_sum_assignment(gain)
    likely = gain[rows, columns] < 0
    return rows[likely], columns[likely]


def overlap(boxes: Array, others: Array) -> Array:
    """Shared area over the area of the smaller box, (N, M), 0–1. Boxes are x0 y0 x1 y1."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared: Array = np.maximum(high - low, 0).prod(axis=2)
    area = np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=1)
    other_area = np.maximum(others[:, 2:] - others[:, :2], 0).prod(axis=1)
    smaller = np.minimum(area[:, None], other_area[None])
    out: Array = shared / np.maximum(smaller, 1e-9)
    return out
