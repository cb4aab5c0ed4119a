"""Lag, from made-up arrivals: what counts as being behind, and what doesn't."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.capture.lag import LagEstimator

FPS = 25


def _arrivals(seconds: float, *, start: float = 1000.0, pts: float = 0.0) -> Iterator[tuple[float, float]]:
    """Frames of a camera that come at once: (pts, at)."""
    return ((pts + n / FPS, start + n / FPS) for n in range(round(seconds * FPS)))


def _after(arrivals: Iterable[tuple[float, float]]) -> LagEstimator:
    estimator = LagEstimator()
    for pts, at in arrivals:
        estimator.add(pts, at)
    return estimator


def test_before_the_first_frame_nothing_is_late() -> None:
    assert LagEstimator().lag == 0


def test_frames_that_come_at_once_have_no_lag() -> None:
    assert _after(_arrivals(300)).lag == pytest.approx(0, abs=1e-9)


def test_a_backlog_that_grows_is_seen() -> None:
    # decoded at 20 of 25 frames a second: after 10 s 2 s behind, and 1.6 s two seconds earlier
    assert _after((n / FPS, n / 20) for n in range(200)).lag == pytest.approx(1.8, abs=0.25)


def test_a_backlog_that_was_made_good_is_over() -> None:
    behind = [(n / FPS, n / 20) for n in range(200)]
    caught_up = [(n / FPS, max(n / FPS, behind[-1][1])) for n in range(200, 500)]
    assert _after(behind + caught_up).lag == pytest.approx(0, abs=1e-9)


def test_a_late_key_frame_is_no_lag() -> None:
    arrivals = [(pts, at + (0.4 if n % FPS == 0 else 0)) for n, (pts, at) in enumerate(_arrivals(60))]
    assert _after(arrivals).lag == pytest.approx(0, abs=1e-9)


def test_jitter_is_no_lag() -> None:
    rng = random.Random(7)
    arrivals = [(pts, at + rng.uniform(0, 0.03)) for pts, at in _arrivals(200)]
    assert _after(sorted(arrivals, key=lambda arrival: arrival[1])).lag < 0.01


@pytest.mark.parametrize("drift", [1e-4, -1e-4])
def test_a_clock_that_drifts_is_no_lag(drift: float) -> None:
    assert _after((pts * (1 + drift), at) for pts, at in _arrivals(3600)).lag < 0.015


@pytest.mark.parametrize("jump", [-3600.0, -20.0, -0.5, 11.0, 3600.0])
def test_a_jump_of_the_cameras_clock_is_no_lag(jump: float) -> None:
    arrivals = itertools.chain(_arrivals(30), _arrivals(30, start=1030, pts=30 + jump))
    assert _after(arrivals).lag == pytest.approx(0, abs=0.05)


def test_a_single_wild_time_leaves_no_lag() -> None:
    arrivals = [(1e6 if n == 500 else pts, at) for n, (pts, at) in enumerate(_arrivals(60))]
    assert _after(arrivals).lag == pytest.approx(0, abs=0.1)


def test_a_clip_that_loops_stays_without_lag() -> None:
    loops = itertools.chain.from_iterable(_arrivals(13, start=1000 + 13 * n) for n in range(20))
    assert _after(loops).lag == pytest.approx(0, abs=0.05)


def test_a_jump_does_not_hide_a_backlog() -> None:
    behind = [(n / FPS, n / 20) for n in range(200)]
    at = behind[-1][1]
    jumped = [(5000 + n / FPS, at + (n + 1) / FPS) for n in range(100)]
    assert _after(behind + jumped).lag == pytest.approx(_after(behind).lag, abs=0.25)


def test_a_delay_that_stays_is_taken_for_the_cameras_own_after_the_window() -> None:
    arrivals = [(pts, at + (3 if at > 1030 else 0)) for pts, at in _arrivals(30 + LagEstimator.WINDOW + 5)]
    assert _after(arrivals[: 60 * FPS]).lag == pytest.approx(3)
    assert _after(arrivals).lag == pytest.approx(0, abs=1e-9)


def test_after_a_reset_another_clock_is_fine() -> None:
    estimator = _after(_arrivals(10))
    estimator.reset()
    estimator.add(3.0, 1020.0)
    assert estimator.lag == 0


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0, 5)), max_size=300))
def test_whatever_comes_lag_is_never_negative_and_little_is_kept(steps: list[tuple[float, float]]) -> None:
    estimator = LagEstimator()
    for (pts, _), at in zip(steps, itertools.accumulate(step for _, step in steps), strict=True):
        estimator.add(pts, at)
        assert estimator.lag >= 0
        assert len(estimator._seconds) <= LagEstimator.WINDOW + 2
