"""Rates, budgets and throttles, driven by made-up clocks."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.pacing import Budget, RateLimit, Throttle


def _passed(fps: float, limit: float | None, seconds: float = 20) -> int:
    rate_limit = RateLimit(limit)
    return sum(rate_limit.allows(n / fps) for n in range(round(seconds * fps)))


@pytest.mark.parametrize(("fps", "limit"), [(25, 10), (25, 24), (30, 7), (25, 1), (60, 59), (12, 5)])
def test_limit_is_reached_and_not_passed(fps: float, limit: float) -> None:
    assert _passed(fps, limit) == pytest.approx(20 * limit, abs=2)


@pytest.mark.parametrize("limit", [None, 25.0, 30.0])
def test_limit_at_or_above_the_rate_loses_nothing(limit: float | None) -> None:
    assert _passed(25, limit) == 500


def test_jitter_of_a_camera_at_the_limit_loses_nothing() -> None:
    rate_limit = RateLimit(25)
    times = [n / 25 + (0.008 if n % 2 else 0) for n in range(250)]
    assert all(rate_limit.allows(at) for at in times)


@given(st.floats(0.5, 60), st.lists(st.floats(0.001, 0.5), min_size=1, max_size=200))
def test_limit_holds_for_any_arrivals(limit: float, steps: list[float]) -> None:
    rate_limit = RateLimit(limit)
    times = list(itertools.accumulate(steps))
    passed = sum(rate_limit.allows(at) for at in times)
    assert passed <= (times[-1] - times[0]) * limit + 2


def test_after_a_pause_the_burst_is_limited() -> None:
    rate_limit = RateLimit(10)
    rate_limit.allows(0.0)
    burst = [rate_limit.allows(60 + n / 100) for n in range(20)]
    assert sum(burst) <= 4  # 0.2 s hold two, and up to two are made good


def test_a_budget_makes_wait_for_what_exceeds_it() -> None:
    budget = Budget(rate=10, burst=3)
    assert [budget.spend(0.0) for _ in range(3)] == [0, 0, 0]
    assert budget.spend(0.0) == pytest.approx(0.1)
    assert budget.spend(0.0) == pytest.approx(0.2)
    assert budget.spend(10.0) == 0


def test_a_throttle_tells_how_often_since_it_last_told() -> None:
    throttle = Throttle(60)
    assert [throttle.count(now) for now in (0, 1, 2, 61, 62)] == [1, 0, 0, 3, 0]
