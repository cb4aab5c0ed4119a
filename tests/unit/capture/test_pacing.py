"""Time as arithmetic: when frames are due, which are too many, how many came."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.capture.pacing import FrameRate, Pacer


def test_frames_are_due_at_their_media_times() -> None:
    pacer = Pacer(0.04)
    assert [pacer.due(pts, 100.0) for pts in (7.0, 7.04, 7.1, 8.0)] == pytest.approx([100, 100.04, 100.1, 101])


@pytest.mark.parametrize("jump", [-3600.0, 3600.0, 0.0])
def test_jump_of_media_time_costs_one_frame_duration(jump: float) -> None:
    pacer = Pacer(0.04)
    pacer.due(10.0, 100.0)
    assert pacer.due(10.0 + jump, 100.0) == pytest.approx(100.04)
    assert pacer.due(10.0 + jump + 0.04, 100.0) == pytest.approx(100.08)


def test_pace_goes_on_over_the_joint_of_a_loop() -> None:
    pacer = Pacer(0.04)
    due = [pacer.due(pts, 100.0) for pts in (0.0, 0.04, 0.08, 0.0, 0.04)]
    assert due == pytest.approx([100, 100.04, 100.08, 100.12, 100.16])


def test_player_far_behind_goes_on_from_now() -> None:
    pacer = Pacer(0.04)
    pacer.due(0.0, 100.0)
    assert pacer.due(0.04, 105.0) == 105.0
    assert pacer.due(0.08, 105.0) == pytest.approx(105.04)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(0, 1e6))
def test_due_times_never_go_back_nor_wait_long(times: list[float], now: float) -> None:
    pacer = Pacer(0.04)
    due = [pacer.due(pts, now) for pts in times]
    assert all(0 <= b - a <= Pacer.LONGEST_STEP + 1e-6 for a, b in itertools.pairwise(due))


def test_frame_rate_follows_the_stream() -> None:
    rate = FrameRate()
    assert rate.value(0.0) == 0
    for n in range(200):
        rate.add(n / 25)
    assert rate.value(199 / 25) == pytest.approx(25)
    for n in range(60):
        rate.add(8 + n / 10)
    assert rate.value(8 + 59 / 10) == pytest.approx(10)


def test_frame_rate_falls_when_the_stream_stops() -> None:
    rate = FrameRate(window=3)
    for n in range(75):
        rate.add(n / 25)
    values = [rate.value(75 / 25 + late) for late in (0.0, 0.5, 1.5, 2.5, 3.5)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == 0


def test_frame_rate_forgets_on_reset() -> None:
    rate = FrameRate()
    rate.add(0)
    rate.add(1)
    rate.reset()
    assert rate.value(1) == 0
