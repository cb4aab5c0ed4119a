from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.analytics.occupancy import OccupancyMinutes
from streamer.types import OccupancyMinute

UTC = 1.8e9  # a full minute


def test_a_minute_holds_the_mean_over_time_and_the_peak() -> None:
    minutes, told = OccupancyMinutes("door"), list[OccupancyMinute]()
    for second in range(62):
        told += minutes.update({"": 3 if second < 15 else 1, "till": 0}, second, UTC + second)
    whole, till = told
    assert (whole.camera, whole.zone, whole.minute) == ("door", "", 1_800_000_000)
    assert (whole.mean, whole.peak, whole.observed) == (1.5, 3, 60.0)
    assert (till.zone, till.mean, till.peak, till.observed) == ("till", 0.0, 0, 60.0)


def test_a_gap_is_not_observed() -> None:
    minutes = OccupancyMinutes("door")
    for at in (0.0, 1.0, 31.0, 32.0):
        minutes.update({"": 1}, at, UTC + at)
    (minute,) = minutes.pass_time(UTC + 61)
    assert (minute.mean, minute.observed) == (1.0, 2.0)


def test_a_minute_without_frames_is_not_told_as_zero() -> None:
    minutes = OccupancyMinutes("door")
    minutes.update({"": 1}, 0.0, UTC)
    assert minutes.pass_time(UTC + 200) == ()


def test_a_minute_ends_without_a_frame() -> None:
    minutes = OccupancyMinutes("door")
    for at in (0.0, 1.0):
        minutes.update({"": 1}, at, UTC + at)
    assert [m.minute for m in minutes.pass_time(UTC + 60)] == [1_800_000_000]
    assert minutes.pass_time(UTC + 120) == ()


def test_the_minute_under_way_is_told_at_the_end() -> None:
    minutes = OccupancyMinutes("door")
    for at in (0.0, 1.0):
        minutes.update({"": 2}, at, UTC + at)
    (minute,) = minutes.close()
    assert (minute.mean, minute.observed) == (2.0, 1.0)


@given(
    st.lists(st.tuples(st.integers(1, 3 * 64).map(lambda n: n / 64), st.integers(0, 9)), min_size=1, max_size=80),
    st.integers(-200 * 64, 200 * 64).map(lambda n: n / 64),
)
def test_what_is_observed_adds_up_whatever_the_clock_does(frames: list[tuple[float, int]], jump: float) -> None:
    minutes, told, at, wall = OccupancyMinutes("door"), list[OccupancyMinute](), 0.0, UTC
    expected = 0.0
    for k, (step, count) in enumerate(frames):
        at, wall = at + step, wall + step + (jump if k == len(frames) // 2 else 0.0)
        expected += step if k and step <= 2.0 else 0.0
        told += minutes.update({"": count}, at, wall)
    told += minutes.close()
    assert sum(minute.observed for minute in told) == pytest.approx(expected, abs=0.05)
    assert all(minute.minute % 60 == 0 and 0 <= minute.mean <= minute.peak + 1e-9 for minute in told)
    assert all(minute.observed <= 60.0 for minute in told)


def test_a_minute_in_which_the_clock_is_set_back_comes_in_two_parts() -> None:
    minutes, told = OccupancyMinutes("door"), list[OccupancyMinute]()
    for second in range(90):
        told += minutes.update({"": 1}, second, UTC + second - (30 if second >= 50 else 0))
    told += minutes.close()
    assert [(m.minute, m.observed) for m in told] == [(1_800_000_000, 49.0), (1_800_000_000, 40.0)]
