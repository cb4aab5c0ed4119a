"""Which detection belongs to which track: the cost of each pair, by place, size and looks, and the best assignment."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from streamer.tracking.appearance import DIFFERENT
from streamer.tracking.motion import Box, BoxMotion, Measured

__all__ = ["UNLIKELY", "Costs", "assign", "left_open", "overlap", "pair_costs", "weigh_appearance"]

Costs = NDArray[np.float64]

# By how much a true pair may differ besides the uncertainty of the motion, as a variance: faces half hidden, turned or
# blurred are boxed worse than clear ones. Of the place in squared face sizes, of the log size.
TOLERANCE = (0.2**2, 0.2**2)
# The cost above which a pair is taken for two different faces: for a well known track, 4 standard deviations.
UNLIKELY = 16.0
# The cost up to which a face is where it is expected: within 2 standard deviations.
EXPECTED = 4.0
# The unlikeness that costs 1, as that of one and the same face is (see `appearance`); and the most that it costs: so a
# face that is where it is expected keeps its track, should the light change just as others come near.
SPREAD = 7.0
MOST = 9.0


def pair_costs(tracks: Sequence[BoxMotion], found: Sequence[Measured] | NDArray[np.float64]) -> Costs:
    """How badly each found box fits each predicted one: (tracks, found), 0 when perfect.

    found: of each box what was measured; or (tracks, found, 4), where that differs from track to track.

    It is the negative log likelihood of a Gaussian, doubled, less that of a perfect fit to a track known exactly: the
    squared distance in standard deviations, plus a price for being uncertain. So of two tracks equally far from a face
    in their own terms, the better known one gets it, and a track unseen for long reaches farther, but not without
    limit. Unlike an overlap of boxes it goes on telling near from far where they don't touch, as the boxes of small
    faces that walk past a slow camera don't.
    """
    weights, prices = [], []
    for track in tracks:
        place, size = track.variance
        place, size = place + TOLERANCE[0], size + TOLERANCE[1]
        _, _, log_width, log_height = track.expected
        across = math.exp(-log_width - log_height) / place  # width x height is the squared size of the face
        weights.append((across, across, 1 / size, 1 / size))
        prices.append(2 * math.log(place / TOLERANCE[0] * size / TOLERANCE[1]))
    expected = np.array([track.expected for track in tracks])
    off = np.array(found) - expected[:, None]
    off *= off
    costs: Costs = (off @ np.array(weights)[:, :, None])[:, :, 0]
    costs += np.array(prices)[:, None]
    return costs


def left_open(costs: Costs, lost: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(tracks, faces): the likely pairs of which places alone don't tell whether they are one face.

    A single face where a single track is expected goes on with it whatever it looks like: the light may have changed.
    Open is it where others compete, where the track was lost from sight, and where the face lies off. lost: of each
    track.
    """
    near = costs < UNLIKELY
    competing = (near.sum(axis=1) > 1)[:, None] | (near.sum(axis=0) > 1)
    open_: NDArray[np.bool_] = near & (competing | lost[:, None] | (costs > EXPECTED))
    return open_


def weigh_appearance(costs: Costs, unlike: NDArray[np.float64], lost: NDArray[np.bool_]) -> None:
    """Add to the costs of the pairs that are left open what their looks say; `costs` is changed.

    What differs costs more. Where a track was lost, or a face lies off, one that looks different is somebody else.
    unlike: (tracks, faces), nan: not known. lost: of each track.
    """
    told = left_open(costs, lost) & ~np.isnan(unlike)
    other = told & (lost[:, None] | (costs > EXPECTED)) & (unlike > DIFFERENT)
    costs[told] += np.minimum((unlike[told] / SPREAD) ** 2, MOST)
    costs[other] = math.inf


def assign(costs: Costs) -> list[tuple[int, int]]:
    """The pairs (row, column) that are likelier together than apart, each row and column at most once."""
    gain = np.minimum(costs - UNLIKELY, 0.0)
    rows, columns = linear_sum_assignment(gain)
    return [(row, column) for row, column in zip(rows.tolist(), columns.tolist(), strict=True) if gain[row, column] < 0]


def overlap(one: Box, other: Box) -> float:
    """The shared area as a part of the smaller box, 0–1."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / smaller
