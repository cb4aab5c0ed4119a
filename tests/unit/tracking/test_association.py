"""Costs of pairs, and the best assignment."""

from __future__ import annotations

import numpy as np
import pytest

from streamer.tracking.association import EXPECTED, UNLIKELY, assign, left_open, overlap, pair_costs, weigh_appearance
from streamer.tracking.motion import Box, BoxMotion, TimeStep, measure


def square(x: float, y: float = 0.0, size: float = 60.0) -> Box:
    return (x, y, x + size, y + size)


def track(box: Box, *, unseen: float = 0.0) -> BoxMotion:
    """A track known well, then unseen for some seconds."""
    motion = BoxMotion(measure(box))
    for _ in range(10):
        motion.predict(TimeStep(0.04))
        motion.correct(measure(box))
    motion.predict(TimeStep(unseen))
    return motion


def test_the_cost_is_nothing_for_a_perfect_fit_and_grows_with_distance() -> None:
    places = [measure(square(x)) for x in (0, 10, 30, 60, 200)]
    costs = pair_costs([track(square(0))], places)[0]
    assert costs.shape == (5,)
    assert costs[0] == pytest.approx(0, abs=0.2)
    assert (np.diff(costs) > 0).all()
    assert costs[2] < UNLIKELY < costs[3]


@pytest.mark.parametrize(
    ("box", "likely"),
    [
        (square(20), True),  # a third of its width aside
        (square(70), False),  # beside it
        (square(-10, -10, 80), True),  # a third larger
        (square(-30, -30, 120), False),  # twice as large
        (square(15, 15, 30), False),  # half as large
    ],
)
def test_a_well_known_track_takes_what_is_near_and_of_its_size(box: Box, likely: bool) -> None:
    assert bool(pair_costs([track(square(0))], [measure(box)])[0, 0] < UNLIKELY) is likely


def test_a_track_unseen_reaches_farther_but_not_without_limit() -> None:
    beside = [measure(square(80))]
    assert pair_costs([track(square(0))], beside)[0, 0] > UNLIKELY
    assert pair_costs([track(square(0), unseen=0.6)], beside)[0, 0] < UNLIKELY
    assert pair_costs([track(square(0), unseen=1.5)], [measure(square(600))])[0, 0] > UNLIKELY


def test_of_two_tracks_the_better_known_gets_the_face() -> None:
    # the lost track is expected in the very place, the other one a sixth of a face aside
    costs = pair_costs([track(square(0), unseen=1.0), track(square(10))], [measure(square(0))])
    assert assign(costs) == [(1, 0)]


@pytest.mark.parametrize(
    ("costs", "pairs"),
    [
        # the best sum, not the best pair first
        ([[1.0, 2.0], [1.5, 9.0]], [(0, 1), (1, 0)]),
        # unlikely pairs are not made
        ([[1.0, 99.0], [99.0, 99.0]], [(0, 0)]),
        ([[99.0]], []),
        # one perfect pair is worth more than two poor ones
        ([[0.0, 12.0], [12.0, 99.0]], [(0, 0)]),
        # more tracks than faces, and the other way round
        ([[5.0], [1.0], [3.0]], [(1, 0)]),
        ([[5.0, 1.0, 3.0]], [(0, 1)]),
    ],
)
def test_assignment(costs: list[list[float]], pairs: list[tuple[int, int]]) -> None:
    assert sorted(assign(np.array(costs))) == pairs


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (square(0), square(0), 1.0),
        (square(0), square(30), 0.5),
        (square(0), square(60), 0.0),  # they touch
        (square(0), square(200), 0.0),
        (square(0), square(10, 10, 20), 1.0),  # one inside the other
    ],
)
def test_overlap_is_the_part_of_the_smaller_box(one: Box, other: Box, shared: float) -> None:
    assert overlap(one, other) == pytest.approx(shared)
    assert overlap(other, one) == pytest.approx(shared)


CERTAIN, OFF = EXPECTED / 2, EXPECTED * 2  # costs of a face where it is expected, and of one beside that


def test_only_what_places_leave_open_is_asked_of_looks() -> None:
    far, seen, lost = UNLIKELY * 2, np.array([False, False]), np.array([True, False])
    assert not left_open(np.array([[CERTAIN, far], [far, CERTAIN]]), seen).any()
    assert left_open(np.array([[CERTAIN, far], [far, CERTAIN]]), lost).tolist() == [[True, False], [False, False]]
    assert left_open(np.array([[OFF, far], [far, CERTAIN]]), seen).tolist() == [[True, False], [False, False]]
    assert left_open(np.array([[CERTAIN, OFF], [far, CERTAIN]]), seen).tolist() == [[True, True], [False, True]]


def test_of_two_equally_near_the_one_that_looks_alike_gets_the_face() -> None:
    costs = np.array([[2.0, 2.5], [2.5, 2.0]])
    weigh_appearance(costs, np.array([[14.0, 5.0], [5.0, 14.0]]), np.array([False, False]))
    assert assign(costs) == [(0, 1), (1, 0)]


def test_nobody_is_carried_on_from_elsewhere_by_who_looks_different() -> None:
    for cost, lost, carried_on in ((OFF, False, False), (CERTAIN, True, False), (CERTAIN, False, True)):
        costs = np.array([[cost]])
        weigh_appearance(costs, np.array([[30.0]]), np.array([lost]))
        assert bool(assign(costs)) == carried_on


def test_what_is_not_known_costs_nothing() -> None:
    costs = np.array([[2.0, OFF], [3.0, 2.0]])
    weigh_appearance(costs, np.full((2, 2), np.nan), np.array([True, True]))
    assert costs.tolist() == [[2.0, OFF], [3.0, 2.0]]
