"""A hundred walkers with a known truth; `python -m tests.benchmarks.footfall` has the whole grid."""

from __future__ import annotations

import pytest

from tests.walkers import Noise, count, made_up, make_walkers


@pytest.mark.parametrize(("fps", "removed"), [(10, 0.0), (10, 0.1), (25, 0.1)])
def test_of_a_hundred_walkers_at_most_two_in_a_hundred_visits_and_crossings_are_missed_or_phantoms(
    fps: float, removed: float
) -> None:
    walkers = make_walkers(seed=0)
    counted = count(walkers, made_up(walkers, fps=fps, removed=removed, noise=Noise(), seed=0))
    assert counted.crossings_true > 80
    assert counted.error <= 0.02, counted
    assert abs(counted.visits - counted.visits_true) <= 0.02 * counted.visits_true, counted
    assert len({event.key for event in counted.events}) == len(counted.events)
