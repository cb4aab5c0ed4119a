from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.analytics.heat import COLUMNS, ROWS, HeatMap
from streamer.types import Result, Track

HOUR = 1_800_000_000.0 // 3600 * 3600
Box = tuple[float, float, float, float]


def frame(
    at: float, *boxes: Box, size: tuple[int, int] = (480, 270), wall: float = HOUR, counted: bool = True
) -> Result:
    tracks = tuple(
        Track(i, box, np.zeros((5, 2), np.float32), 0.9, at, at, counted=counted) for i, box in enumerate(boxes, 1)
    )
    return Result("door", 0, at, at, wall + at, size, tracks, (), MappingProxyType({}))


def warmed(*frames: Result) -> HeatMap:
    heat = HeatMap()
    for each in frames:
        heat.add(each)
    return heat


def test_a_face_warms_the_cell_of_its_centre_by_the_time_between_frames() -> None:
    box = (100.0, 100.0, 120.0, 120.0)
    grid = warmed(frame(0.0, box), frame(0.1, box), frame(0.3, box)).seconds(HOUR, HOUR + 3600)
    assert grid[110 * ROWS // 270, 110 * COLUMNS // 480] == pytest.approx(0.3)
    assert grid.sum() == pytest.approx(0.3)


def test_a_camera_that_changes_its_resolution_warms_the_same_cell() -> None:
    small, large = (100.0, 100.0, 120.0, 120.0), (400.0, 400.0, 480.0, 480.0)
    grid = warmed(frame(0.0), frame(0.1, small), frame(0.2, large, size=(1920, 1080))).seconds(HOUR, HOUR + 3600)
    assert np.count_nonzero(grid) == 1


def test_a_gap_counts_for_no_more_than_a_second_and_a_step_back_for_nothing() -> None:
    box = (0.0, 0.0, 9.0, 9.0)
    grid = warmed(frame(0.0, box), frame(60.0, box), frame(30.0, box)).seconds(HOUR, HOUR + 3600)
    assert grid.sum() == pytest.approx(1.0)


def test_static_pictures_of_faces_leave_no_trace() -> None:
    box = (0.0, 0.0, 9.0, 9.0)
    assert not warmed(frame(0.0, box), frame(0.5, box, counted=False)).seconds(0, HOUR + 3600).any()


def test_hours_are_asked_for_apart_and_add_up() -> None:
    box = (0.0, 0.0, 9.0, 9.0)
    heat = warmed(frame(0.0, box), frame(0.5, box), frame(0.75, box, wall=HOUR + 3600))
    first, second = heat.seconds(HOUR, HOUR + 3600), heat.seconds(HOUR + 3600, HOUR + 7200)
    assert (first.sum(), second.sum()) == (pytest.approx(0.5), pytest.approx(0.25))
    assert np.array_equal(heat.seconds(HOUR, HOUR + 7200), first + second)


def test_no_more_than_two_weeks_are_kept() -> None:
    box = (0.0, 0.0, 9.0, 9.0)
    heat = warmed(*(frame(i / 10, box, wall=HOUR + 3600 * i) for i in range(340)))
    assert heat.seconds(0, HOUR + 3600 * 400).sum() == pytest.approx(336 / 10, rel=1e-4)


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_wherever_a_box_lies_its_time_is_counted_once(x: float, y: float) -> None:
    box = (x, y, x + 20, y + 20)
    assert warmed(frame(0.0, box), frame(0.25, box)).seconds(0, HOUR + 3600).sum() == pytest.approx(0.25)
