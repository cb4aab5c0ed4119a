"""Pauses between attempts."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.capture.backoff import Backoff


@given(st.integers(), st.floats(0.1, 5), st.floats(1, 20), st.integers(1, 40))
def test_pauses_stay_within_the_bounds_but_for_the_jitter(
    seed: int, shortest: float, factor: float, count: int
) -> None:
    backoff = Backoff(shortest, shortest * factor, random.Random(seed))
    for _ in range(count):
        assert shortest * 2 / 3 <= backoff.next() <= shortest * factor


def test_pauses_double_up_to_the_longest() -> None:
    class NoJitter(random.Random):
        def uniform(self, a: float, b: float) -> float:  # noqa: ARG002
            return b

    backoff = Backoff(1, 30, NoJitter())
    assert [backoff.next() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    backoff.reset()
    assert backoff.next() == 1


def test_cameras_behind_one_switch_come_back_out_of_step() -> None:
    backoffs = [Backoff(1, 30, random.Random(seed)) for seed in range(50)]
    for _ in range(5):  # from the first pause on
        assert len({round(backoff.next(), 3) for backoff in backoffs}) > 40


def test_impossible_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match="shortest"):
        Backoff(2, 1)
