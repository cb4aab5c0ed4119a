from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.analytics.geometry import distance_to_edge, inside
from streamer.analytics.rules import Point, Zone
from streamer.types import EventKind
from tests.unit.analytics.walks import TILL, UTC, Walks, along

FRACTIONS = st.floats(0, 1, allow_nan=False)
PLACES = st.tuples(FRACTIONS, FRACTIONS)


def test_who_walks_through_a_zone_enters_and_leaves_it_and_has_stayed_so_long() -> None:
    walks = Walks(TILL)
    walks.walk(1, along((0.4, 0.5), (0.75, 0.5), 36))  # a hundredth of the picture each frame
    assert walks.occupancy == {"": 1, "till": 1}
    walks.walk(1, along((0.76, 0.5), (0.99, 0.5), 24))
    assert walks.occupancy == {"": 1, "till": 0}
    _, entered, left = walks.events
    assert (entered.kind, entered.rule, left.kind, left.rule) == ("zone_entered", "till", "zone_left", "till")
    assert entered.at == pytest.approx(UTC + 21 / 25, abs=0.05)
    assert left.data["dwell"] == pytest.approx(30 / 25, abs=0.09)
    assert left.data["entered_at"] == pytest.approx(entered.at, abs=1e-3)


def test_who_stands_on_the_edge_of_a_zone_enters_it_once_at_most() -> None:
    walks = Walks(TILL)
    walks.walk(1, along((0.4, 0.5), (0.59, 0.5), 10))
    walks.walk(1, [(0.6 + 0.005 * (-1) ** k, 0.5) for k in range(250)])
    assert walks.stays() == []


def test_who_stays_just_inside_a_zone_has_entered_it() -> None:
    walks = Walks(TILL)
    walks.walk(1, [*along((0.4, 0.5), (0.605, 0.5), 10), *[(0.605, 0.5)] * 50])
    assert walks.stays() == ["zone_entered"]
    assert walks.occupancy["till"] == 1


def test_who_is_first_seen_in_a_zone_has_entered_it_then() -> None:
    walks = Walks(TILL)
    walks.at = 1.0
    walks.see({1: (0.75, 0.5)}, began={1: ((0.74, 0.5), 0.5)})
    (entered,) = [event for event in walks.events if event.kind is EventKind.ZONE_ENTERED]
    assert entered.at == UTC + 0.5


def test_a_visit_that_ends_in_a_zone_has_left_it_before() -> None:
    walks = Walks(TILL)
    walks.walk(1, along((0.4, 0.5), (0.75, 0.5), 36))
    walks.see({})
    assert walks.occupancy["till"] == 0  # out of sight
    walks.see({}, ended=[1])
    assert [event.kind for event in walks.events[-2:]] == [EventKind.ZONE_LEFT, EventKind.VISIT_ENDED]
    assert walks.events[-2].at == walks.events[-1].at == UTC + 36 / 25


def test_a_picture_in_a_zone_is_taken_back() -> None:
    walks = Walks(TILL)
    walks.see({1: (0.75, 0.5)})
    walks.see({1: (0.75, 0.5)}, uncounted=[1])
    assert walks.occupancy == {"": 0, "till": 0}
    left, ended = walks.events[-2:]
    assert (left.kind, ended.kind) == (EventKind.ZONE_LEFT, EventKind.VISIT_ENDED)
    assert left.data["static"] is ended.data["static"] is True


def test_a_new_zone_holds_who_is_in_it_but_nobody_has_entered() -> None:
    walks = Walks()
    walks.walk(1, along((0.7, 0.5), (0.75, 0.5), 10))
    walks.rule(TILL)
    walks.see({1: (0.75, 0.5)})
    assert walks.occupancy["till"] == 1
    walks.walk(1, along((0.75, 0.5), (0.4, 0.5), 30))
    assert (walks.stays(), walks.occupancy["till"]) == ([], 0)
    walks.walk(1, along((0.4, 0.5), (0.75, 0.5), 30))
    assert walks.stays() == ["zone_entered"]


def test_stays_end_with_the_zone() -> None:
    walks = Walks(TILL)
    walks.walk(1, along((0.4, 0.5), (0.75, 0.5), 36))
    walks.rule(Zone("till", ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2))))
    walks.see({1: (0.75, 0.5)})
    assert walks.stays() == ["zone_entered", "zone_left"]
    assert walks.occupancy == {"": 1, "till": 0}


def test_a_change_of_resolution_moves_nobody() -> None:
    walks = Walks(TILL)
    walks.walk(1, along((0.4, 0.5), (0.75, 0.5), 36))
    walks.size, walks.face = (640, 480), 48.0
    walks.walk(1, [(0.75, 0.5)] * 10)
    assert (walks.stays(), walks.occupancy["till"]) == (["zone_entered"], 1)


@pytest.mark.parametrize("jump", [-3600.0, -5.0, -1.0, -0.1])
def test_a_stay_lasts_as_long_as_it_did_although_the_clock_is_set_back_in_it(jump: float) -> None:
    walks = Walks(TILL)
    walks.walk(1, along((0.4, 0.5), (0.75, 0.5), 36))  # a hundredth of the picture each frame
    walks.walk(1, [(0.75, 0.5)] * 25)
    walks.jump(jump)
    walks.walk(1, [(0.75, 0.5)] * 25)
    assert walks.occupancy["till"] == 1
    walks.walk(1, along((0.76, 0.5), (0.99, 0.5), 24))
    _, entered, left = walks.events
    assert walks.stays() == ["zone_entered", "zone_left"]
    assert left.data["dwell"] == pytest.approx(80 / 25, abs=0.09)
    assert left.data["entered_at"] == pytest.approx(entered.at, abs=0.05)


def test_who_stays_just_inside_a_zone_settles_there_although_the_clock_is_set_back_meanwhile() -> None:
    walks = Walks(TILL)
    walks.walk(1, [*along((0.4, 0.5), (0.605, 0.5), 10), *[(0.605, 0.5)] * 12])
    walks.jump(-5.0)
    walks.walk(1, [(0.605, 0.5)] * 12)
    assert walks.stays() == []
    walks.walk(1, [(0.605, 0.5)] * 8)
    (entered,) = [event for event in walks.events if event.kind is EventKind.ZONE_ENTERED]
    assert entered.at == pytest.approx(UTC + 10 / 25, abs=0.05)


def test_a_visit_that_a_jump_ahead_ends_has_stayed_in_a_zone_until_then() -> None:
    walks = Walks(TILL)
    walks.walk(1, [(0.75, 0.5)] * 26)
    walks.jump(3600.0)
    walks.see({2: (0.75, 0.5)}, ended=[1])
    left = next(event for event in walks.events if event.kind is EventKind.ZONE_LEFT)
    assert left.data["dwell"] == pytest.approx(1.0)
    assert walks.occupancy["till"] == 1


@given(
    st.lists(st.dictionaries(st.integers(1, 4), PLACES, max_size=4), min_size=1, max_size=40),
    st.sampled_from([(640, 480), (720, 1280)]),
)
def test_occupancy_is_the_number_of_those_inside_and_entries_less_exits_never_drift(
    frames: list[dict[int, Point]], size: tuple[int, int]
) -> None:
    """With faces of no size, none of them exactly on the edge, inside is inside."""
    walks, seen = Walks(TILL, size=size), set[int]()
    walks.face = 1e-9
    aspect = size[0] / size[1]
    polygon = [(x * aspect, y) for x, y in TILL.points]
    for anywhere in frames:
        places = {i: (x, y) for i, (x, y) in anywhere.items() if distance_to_edge(polygon, (x * aspect, y)) > 1e-6}
        outcome = walks.see(places)
        seen |= places.keys()
        assert outcome.occupancy[""] == len(places)
        assert outcome.occupancy["till"] == sum(inside(polygon, (x * aspect, y)) for x, y in places.values())
    walks.see({}, ended=seen)
    assert walks.stays().count("zone_entered") == walks.stays().count("zone_left")
    assert walks.occupancy["till"] == 0
