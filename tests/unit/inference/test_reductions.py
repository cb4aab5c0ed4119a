"""The steps down: what is given up, in which order, and what never is."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.inference.effort import Effort
from streamer.inference.reductions import FULL, reductions


def test_looks_go_first_then_deblocking_then_rate_then_width_then_readings() -> None:
    steps = reductions(10, 640, deblocks=True)
    assert [step.deblock for step in steps] == [True, True] + [False] * 8
    assert [(step.max_fps, step.effort) for step in steps] == [
        (None, Effort(0.0, None, 4)),
        (None, Effort(0.2, None, 4)),
        (None, Effort(0.2, None, 4)),
        (8.0, Effort(0.2, None, 4)),
        (6.4, Effort(0.2, None, 4)),
        (5.0, Effort(0.2, None, 4)),
        (5.0, Effort(0.2, 480, 4)),
        (5.0, Effort(0.2, 320, 4)),
        (5.0, Effort(0.2, 320, 2)),
        (5.0, Effort(0.2, 320, 1)),
    ]


@pytest.mark.parametrize("fps", [0.5, 2.0, 5.0])
def test_a_slow_camera_keeps_its_rate(fps: float) -> None:
    assert all(step.max_fps is None for step in reductions(fps, 640, deblocks=True))


def test_a_narrow_look_is_not_made_narrower() -> None:
    assert all(step.effort.detect_width is None for step in reductions(25, 320, deblocks=True))


@given(st.floats(0.1, 240), st.integers(160, 4096), st.booleans())
def test_each_step_asks_for_less_and_nothing_falls_below_its_least(fps: float, width: int, deblocks: bool) -> None:
    steps = reductions(fps, width, deblocks=deblocks)
    assert steps[0] is FULL
    assert steps[0].effort == Effort()
    assert [step.level for step in steps] == list(range(len(steps)))
    kept = [
        (s.max_fps or fps, -s.effort.look_interval, s.effort.detect_width or width, s.effort.most_readings, s.deblock)
        for s in steps
    ]
    for before, after in itertools.pairwise(kept):
        assert before != after
        assert all(a <= b for a, b in zip(after, before, strict=True))
    rates, _, widths, readings, deblocking = zip(*kept, strict=True)
    assert min(rates) >= min(fps, 5)
    assert min(widths) >= min(width, 320)
    assert min(readings) >= 1
    assert all(deblocking) is not deblocks
