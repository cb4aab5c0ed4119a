"""Rates, budgets and throttles, driven by made-up clocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.server.pacing import Budget, Pacer, Throttle


def test_without_a_rate_everything_passes() -> None:
    pacer = Pacer(None)
    assert all(pacer.due(now) for now in (0.0, 0.0, 0.001))


@pytest.mark.parametrize("rate", [1.0, 7.0, 10.0, 24.0, 25.0])
def test_the_average_is_the_rate_although_it_does_not_divide_that_of_the_camera(rate: float) -> None:
    pacer = Pacer(rate)
    passed = sum(pacer.due(i / 25) for i in range(25 * 20))
    assert passed == pytest.approx(20 * rate, abs=2)


@given(st.floats(0.5, 100), st.lists(st.floats(0, 2), max_size=200))
def test_no_more_than_the_rate_passes_in_any_time(rate: float, gaps: list[float]) -> None:
    pacer, now, passed = Pacer(rate), 0.0, []
    for gap in gaps:
        now += gap
        if pacer.due(now):
            passed.append(now)
    for i, first in enumerate(passed):
        for k in range(i, len(passed)):
            # one for the beginning, and one that a pause lets come early
            assert k - i + 1 <= (passed[k] - first) * rate + 2 + 1e-6


def test_a_budget_makes_wait_for_what_exceeds_it() -> None:
    budget = Budget(rate=10, burst=3)
    assert [budget.spend(0.0) for _ in range(3)] == [0, 0, 0]
    assert budget.spend(0.0) == pytest.approx(0.1)
    assert budget.spend(0.0) == pytest.approx(0.2)
    assert budget.spend(10.0) == 0


def test_a_throttle_tells_how_often_since_it_last_told() -> None:
    throttle = Throttle(60)
    assert [throttle.count(now) for now in (0, 1, 2, 61, 62)] == [1, 0, 0, 3, 0]
