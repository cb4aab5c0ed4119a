from __future__ import annotations

from streamer.types import EventKind
from tests.unit.analytics.walks import GATE, TILL, UTC, Walks, along


def test_a_visit_has_one_key_from_its_start_to_its_end() -> None:
    walks = Walks(fps=1)
    walks.walk(7, along((0.2, 0.5), (0.3, 0.5), 2))
    walks.see({})
    walks.see({}, ended=[7])
    started, ended = walks.events
    assert (started.kind, ended.kind) == (EventKind.VISIT_STARTED, EventKind.VISIT_ENDED)
    assert (started.at, ended.at, ended.data["started_at"]) == (UTC + 1, UTC + 2, UTC + 1)
    assert started.visit == ended.visit == "run-door-1"
    assert started.key != ended.key


def test_a_picture_that_moves_after_all_is_another_visit() -> None:
    walks = Walks(fps=1)
    seen = [walks.see({7: (0.2, 0.5)}, uncounted=[7] if k == 1 else []) for k in range(3)]
    first, taken_back, second = walks.events
    assert taken_back.data["static"] is True
    assert taken_back.visit == first.visit != second.visit
    assert [outcome.occupancy[""] for outcome in seen] == [1, 0, 1]


def test_visits_of_two_runs_have_different_keys() -> None:
    monday, tuesday = Walks(), Walks()
    tuesday.analytics = type(tuesday.analytics)("door", session="tuesday")
    keys = {walks.see({1: (0.5, 0.5)}).events[0].key for walks in (monday, tuesday)}
    assert len(keys) == 2


def test_every_event_has_a_key_of_its_own() -> None:
    walks = Walks(GATE, TILL)
    for _ in range(3):
        walks.walk(1, along((0.2, 0.5), (0.8, 0.5), 50))
        walks.walk(1, along((0.8, 0.5), (0.2, 0.5), 50))
    walks.see({}, ended=[1])
    assert len(walks.events) == 2 + 6 + 6  # its beginning and end, crossings, and coming to and leaving the till
    assert len({event.key for event in walks.events}) == len(walks.events)
    assert {event.visit for event in walks.events} == {"run-door-1"}
    assert walks.events[-1].kind is EventKind.VISIT_ENDED


def test_a_camera_that_goes_ends_the_visits_without_another_frame() -> None:
    walks = Walks(TILL)
    walks.walk(1, along((0.7, 0.5), (0.75, 0.5), 25))
    outcome = walks.idle(3.0)
    assert [event.kind for event in outcome.events] == [EventKind.ZONE_LEFT, EventKind.VISIT_ENDED]
    assert {event.at for event in outcome.events} == {UTC + 1.0}  # when it was last seen
    assert outcome.occupancy == {"": 0, "till": 0}
