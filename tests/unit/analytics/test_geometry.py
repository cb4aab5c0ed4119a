from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streamer.analytics.geometry import distance_to_edge, distance_to_segment, inside, is_simple, passage
from streamer.analytics.rules import Point

SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
NUMBERS = st.floats(-2, 2, allow_nan=False)
POINTS = st.tuples(NUMBERS, NUMBERS)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((-1.0, 0.0), (1.0, 0.0), (1, 0.5)),
        ((1.0, 0.0), (-3.0, 0.0), (-1, 0.25)),
        ((-1.0, 2.0), (1.0, 2.0), None),  # beside its end
        ((-2.0, 0.0), (-1.0, 0.0), None),
        ((0.0, 0.0), (0.0, 0.5), None),  # along it
    ],
)
def test_a_step_passes_a_line_drawn_upward(before: Point, after: Point, expected: tuple[int, float] | None) -> None:
    assert passage((0.0, 1.0), (0.0, -1.0), before, after) == expected


@given(POINTS, POINTS)
def test_a_step_back_passes_the_other_way(before: Point, after: Point) -> None:
    line = ((0.0, 1.0), (0.1, -1.0))
    # exactly over an end of the line, rounding decides whether it is passed
    assume(min(distance_to_segment(before, after, end) for end in line) > 1e-6)
    there, back = (passage(*line, *step) for step in ((before, after), (after, before)))
    assert (there is None) == (back is None)
    assert there is None or back is None or there[0] == -back[0]


def test_distances_are_to_the_nearest_point() -> None:
    assert distance_to_segment((0, 0), (1, 0), (0.5, 0.25)) == 0.25
    assert distance_to_segment((0, 0), (1, 0), (4, 4)) == 5
    assert distance_to_segment((1, 1), (1, 1), (1, 3)) == 2
    assert distance_to_edge(SQUARE, (0.5, 0.4)) == 0.4
    assert distance_to_edge(SQUARE, (0.5, -2)) == 2


@pytest.mark.parametrize(("point", "expected"), [((0.5, 0.5), True), ((1.5, 0.5), False), ((0.5, -0.1), False)])
def test_a_point_is_inside_a_polygon_whichever_way_it_is_drawn(point: Point, expected: bool) -> None:
    assert inside(SQUARE, point) is inside(SQUARE[::-1], point) is expected


def test_the_notch_of_a_polygon_is_outside() -> None:
    notched = ((0.0, 0.0), (1.0, 0.0), (0.5, 0.5), (1.0, 1.0), (0.0, 1.0))
    assert not inside(notched, (0.8, 0.5))
    assert inside(notched, (0.2, 0.5))


@pytest.mark.parametrize(
    ("polygon", "expected"),
    [
        (SQUARE, True),
        (((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)), True),
        (((0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0)), False),  # a bow tie
        (((0.0, 0.0), (0.5, 0.5), (1.0, 1.0)), False),  # no area
    ],
)
def test_a_polygon_whose_edges_pass_each_other_is_not_simple(polygon: tuple[Point, ...], expected: bool) -> None:
    assert is_simple(polygon) is expected
