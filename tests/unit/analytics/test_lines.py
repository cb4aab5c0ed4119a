from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streamer.analytics.geometry import distance_to_segment, passage
from streamer.analytics.rules import Line, Point
from streamer.types import EventKind
from tests.unit.analytics.walks import GATE, TILL, UTC, Walks, along

FRACTIONS = st.floats(0, 1, allow_nan=False)
PLACES = st.tuples(FRACTIONS, FRACTIONS)


@pytest.mark.parametrize(
    ("start", "end", "direction"),
    [
        ((0.3, 0.5), (0.7, 0.5), "in"),  # from the left of a line that is drawn upward to its right
        ((0.7, 0.5), (0.3, 0.5), "out"),
        ((0.3, 0.1), (0.7, 0.9), "in"),
    ],
)
def test_who_goes_from_the_left_of_a_line_to_its_right_goes_in(start: Point, end: Point, direction: str) -> None:
    walks = Walks(GATE)
    walks.walk(1, along(start, end, 40))
    assert walks.crossings() == [direction]
    (crossed,) = [event for event in walks.events if event.kind is EventKind.LINE_CROSSED]
    assert crossed.rule == "gate"
    assert crossed.data["label"] == {"in": "came in", "out": "went out"}[direction]
    assert crossed.at == pytest.approx(UTC + 0.82, abs=0.001)  # when the face's centre was on it


def test_a_reversed_line_counts_the_other_way() -> None:
    walks = Walks(Line("gate", GATE.end, GATE.start))
    walks.walk(1, along((0.3, 0.5), (0.7, 0.5), 40))
    assert walks.crossings() == ["out"]


def test_who_passes_beside_a_line_crosses_nothing() -> None:
    walks = Walks(Line("gate", (0.5, 1.0), (0.5, 0.6)))
    walks.walk(1, along((0.3, 0.5), (0.7, 0.5), 40))
    assert walks.crossings() == []


def test_who_passes_between_two_frames_is_counted() -> None:
    walks = Walks(GATE, fps=5)
    walks.walk(1, [(0.1, 0.5), (0.4, 0.5), (0.9, 0.5)])
    assert walks.crossings() == ["in"]


def test_who_passes_before_the_track_is_confirmed_is_counted() -> None:
    walks = Walks(GATE)
    walks.at = 0.4
    walks.see({1: (0.7, 0.5)}, began={1: ((0.4, 0.5), 0.1)})
    assert walks.crossings() == ["in"]


def test_standing_on_a_line_and_swaying_is_no_crossing() -> None:
    walks = Walks(GATE)
    sway = [(0.5 + 0.02 * math.sin(k / 3), 0.5) for k in range(250)]  # a third of a face to either side
    walks.walk(1, [*along((0.3, 0.5), (0.5, 0.5), 10), *sway, *along((0.5, 0.5), (0.3, 0.5), 10)])
    assert walks.crossings() == []
    walks.walk(1, [*along((0.3, 0.5), (0.5, 0.5), 10), *sway, *along((0.5, 0.5), (0.7, 0.5), 10)])
    assert walks.crossings() == ["in"]


def test_who_turns_round_behind_a_line_goes_in_and_out() -> None:
    walks = Walks(GATE)
    walks.walk(1, [*along((0.3, 0.5), (0.6, 0.5), 20), *along((0.6, 0.5), (0.3, 0.5), 20)])
    assert walks.crossings() == ["in", "out"]


def test_a_face_that_only_coasts_over_a_line_has_not_crossed_it() -> None:
    walks = Walks(GATE)
    walks.walk(1, along((0.3, 0.5), (0.48, 0.5), 10))
    for place in along((0.5, 0.5), (0.7, 0.5), 8):
        walks.see({}, unseen={1: place})
    walks.see({1: (0.45, 0.5)})
    assert walks.crossings() == []


def test_a_face_lost_just_behind_a_line_has_crossed_it() -> None:
    walks = Walks(GATE)
    walks.walk(1, along((0.3, 0.5), (0.515, 0.5), 20))
    assert walks.crossings() == []  # still on it
    walks.see({}, ended=[1])
    assert walks.crossings() == ["in"]
    assert walks.events[-1].kind is EventKind.VISIT_ENDED


class TestLostAndFoundAgain:
    """A track ends, and another goes on with its way."""

    def lose(self, walks: Walks, *places: Point, frames: int = 50) -> None:
        walks.walk(1, places)
        for k in range(frames):
            walks.see({}, ended=[1] if k == 38 else [])

    def test_on_the_other_side_it_has_crossed_once(self) -> None:
        walks = Walks(GATE)
        self.lose(walks, *along((0.35, 0.5), (0.45, 0.5), 50))
        walks.walk(2, along((0.55, 0.5), (0.7, 0.5), 20))
        assert walks.crossings() == ["in"]
        assert [e.visit for e in walks.events if e.kind is EventKind.LINE_CROSSED] == ["run-door-2"]

    def test_after_the_line_it_does_not_cross_again(self) -> None:
        walks = Walks(GATE)
        self.lose(walks, *along((0.4, 0.5), (0.56, 0.5), 50), *[(0.56, 0.5)] * 25)
        walks.walk(2, [*along((0.48, 0.5), (0.51, 0.5), 10), *along((0.51, 0.5), (0.7, 0.5), 20)])
        assert walks.crossings() == ["in"]

    def test_far_from_where_it_went_it_is_somebody_else(self) -> None:
        walks = Walks(GATE)
        self.lose(walks, *along((0.4, 0.5), (0.3, 0.5), 50))  # walking away from the line
        walks.walk(2, along((0.55, 0.5), (0.7, 0.5), 20))
        assert walks.crossings() == []

    def test_much_later_it_is_somebody_else(self) -> None:
        walks = Walks(GATE)
        self.lose(walks, *along((0.35, 0.5), (0.45, 0.5), 50), frames=100)
        walks.walk(2, along((0.55, 0.5), (0.7, 0.5), 20))
        assert walks.crossings() == []

    def test_of_another_size_it_is_somebody_else(self) -> None:
        walks = Walks(GATE)
        self.lose(walks, *along((0.35, 0.5), (0.45, 0.5), 50))
        walks.face *= 2
        walks.walk(2, along((0.55, 0.5), (0.7, 0.5), 20))
        assert walks.crossings() == []

    def test_one_way_is_continued_by_one_track_only(self) -> None:
        walks = Walks(GATE)
        self.lose(walks, *along((0.35, 0.5), (0.45, 0.5), 50))
        for place in along((0.55, 0.5), (0.7, 0.5), 20):
            walks.see({2: place, 3: (place[0] + 0.02, 0.6)})
        assert walks.crossings() == ["in"]


def test_a_change_of_resolution_counts_nobody() -> None:
    walks = Walks(GATE)
    walks.walk(1, along((0.2, 0.5), (0.4, 0.5), 10))
    walks.size, walks.face = (640, 480), 48.0
    walks.walk(1, along((0.6, 0.5), (0.8, 0.5), 10))  # as if the smaller picture showed another part
    assert walks.crossings() == []
    walks.walk(1, along((0.8, 0.5), (0.2, 0.5), 40))
    assert walks.crossings() == ["out"]


def test_new_lines_count_nobody_who_is_beyond_them() -> None:
    walks = Walks()
    walks.walk(1, along((0.3, 0.5), (0.45, 0.5), 10))
    walks.rule(GATE)
    walks.walk(1, along((0.45, 0.5), (0.55, 0.5), 10))
    walks.rule(Line("gate", (0.4, 1.0), (0.4, 0.0)))
    walks.see({1: (0.55, 0.5)})
    assert walks.crossings() == ["in"]


def test_a_line_that_stays_counts_on_when_another_comes() -> None:
    walks = Walks(GATE)
    walks.walk(1, along((0.3, 0.5), (0.51, 0.5), 10))
    walks.rule(GATE, TILL)
    walks.walk(1, along((0.51, 0.5), (0.58, 0.5), 10))
    assert walks.crossings() == ["in"]


@pytest.mark.parametrize("jump", [-3600.0, -5.0, -1.0, -0.1])
@pytest.mark.parametrize("reached", [0.49, 0.51])
def test_who_passes_while_the_clock_is_set_back_is_counted_once(jump: float, reached: float) -> None:
    """Whether the passage is the very step in which it jumps, or one before it after which the face is still on it."""
    walks = Walks(GATE)
    walks.walk(1, along((0.3, 0.5), (reached, 0.5), 20))
    walks.jump(jump)
    walks.walk(1, along((0.51, 0.5), (0.7, 0.5), 20))
    assert walks.crossings() == ["in"]
    (crossed,) = [event for event in walks.events if event.kind is EventKind.LINE_CROSSED]
    assert crossed.at == pytest.approx(UTC + 0.8, abs=0.09)


@pytest.mark.parametrize("jump", [-5.0, -0.1, 0.5, 3.5, 3600.0])
def test_a_jump_of_the_clock_before_a_line_takes_nobody_over_it(jump: float) -> None:
    walks = Walks(GATE)
    walks.walk(1, along((0.3, 0.5), (0.49, 0.5), 20))
    walks.jump(jump)
    walks.walk(1, along((0.49, 0.5), (0.3, 0.5), 20))
    assert walks.crossings() == []


@pytest.mark.parametrize(("jump", "directions"), [(0.5, ["in"]), (2.9, ["in"]), (3.1, []), (3600.0, [])])
def test_who_is_beyond_a_line_after_a_jump_ahead_has_crossed_it_where_the_way_is_known(
    jump: float, directions: list[str]
) -> None:
    """Nobody knows which way a face took in more than three seconds, even if its track went on."""
    walks = Walks(GATE)
    walks.walk(1, along((0.3, 0.5), (0.49, 0.5), 20))
    walks.jump(jump)
    walks.walk(1, [(0.7, 0.5)] * 20)
    assert walks.crossings() == directions
    walks.walk(1, along((0.7, 0.5), (0.3, 0.5), 20))
    assert walks.crossings() == [*directions, "out"]


def test_a_passage_that_was_not_settled_is_forgotten_when_the_way_is_lost() -> None:
    walks = Walks(GATE)
    walks.walk(1, along((0.3, 0.5), (0.51, 0.5), 20))  # past the line, still on it
    walks.jump(3600.0)
    walks.walk(1, [(0.3, 0.5)] * 20)
    assert walks.crossings() == []


def test_a_lost_face_is_found_again_although_the_clock_was_set_back_meanwhile() -> None:
    walks = Walks(GATE)
    walks.walk(1, along((0.35, 0.5), (0.45, 0.5), 50))
    for k in range(50):
        if k == 45:
            walks.jump(-5.0)
        walks.see({}, ended=[1] if k == 38 else [])
    walks.walk(2, along((0.55, 0.5), (0.7, 0.5), 20))
    assert walks.crossings() == ["in"]


def test_who_passes_before_the_track_is_confirmed_is_counted_on_a_clock_that_was_set_back() -> None:
    """What the resolution's change made unknown lies before it on the new clock, too."""
    walks = Walks(GATE)
    walks.at = 10.0
    walks.see({1: (0.2, 0.9)})
    walks.size, walks.face = (640, 480), 48.0
    walks.see({1: (0.2, 0.9)})
    walks.jump(-5.0)
    walks.walk(1, [(0.2, 0.9)] * 20)
    walks.see({1: (0.2, 0.9), 2: (0.7, 0.5)}, began={2: ((0.4, 0.5), walks.at - 0.3)})
    assert walks.crossings() == ["in"]


@given(st.lists(PLACES, min_size=2, max_size=60), PLACES, PLACES)
def test_in_less_out_is_the_way_from_the_first_side_to_the_last(path: list[Point], a: Point, b: Point) -> None:
    """With a line across everything, whatever happens between, what is counted adds up to where the face is now."""
    length = math.dist(a, b)
    assume(length >= 0.1)
    reach = 3 / length
    start = (a[0] - reach * (b[0] - a[0]), a[1] - reach * (b[1] - a[1]))
    end = (b[0] + reach * (b[0] - a[0]), b[1] + reach * (b[1] - a[1]))
    assume(all(distance_to_segment(start, end, place) > 1e-3 for place in (path[0], path[-1])))  # not on the line
    walks = Walks(Line("gate", start, end), fps=5, size=(720, 720))
    walks.face = 1e-3  # a point: the way itself
    walks.walk(1, path)
    directions = walks.crossings()
    straight = passage(start, end, path[0], path[-1])
    net = {None: 0, 1: 1, -1: -1}[straight[0] if straight else None]
    assert directions.count("in") - directions.count("out") == net
    assert all(one != other for one, other in pairwise(directions))  # in and out take turns


@given(st.lists(PLACES, min_size=2, max_size=40), st.dictionaries(st.integers(1, 39), st.floats(-4000, 0), max_size=4))
def test_setting_the_clock_back_changes_no_crossing(path: list[Point], jumps: dict[int, float]) -> None:
    steady, set_back = Walks(GATE, fps=5), Walks(GATE, fps=5)
    for k, place in enumerate(path):
        if k in jumps:
            set_back.jump(jumps[k])
        for walks in (steady, set_back):
            walks.see({1: place})
    one, other = ([e for e in walks.events if e.kind is EventKind.LINE_CROSSED] for walks in (steady, set_back))
    assert [event.direction for event in one] == [event.direction for event in other]
    for before, after in zip(one, other, strict=True):
        assert after.at == pytest.approx(before.at, abs=0.2 * len(jumps) + 0.01)  # a step each in which no time passes


@given(st.lists(PLACES, min_size=2, max_size=60), st.sampled_from([5.0, 10.0, 25.0]))
def test_every_crossing_is_a_passage(path: list[Point], fps: float) -> None:
    line = Line("gate", (0.5, 0.8), (0.5, 0.3))
    walks = Walks(line, fps=fps)
    walks.walk(1, path)
    passed = [passage(line.start, line.end, one, other) for one, other in pairwise(path)]
    walks.see({}, ended=[1])
    for direction, sign in (("in", 1), ("out", -1)):
        assert walks.crossings().count(direction) <= sum(p is not None and p[0] == sign for p in passed)
