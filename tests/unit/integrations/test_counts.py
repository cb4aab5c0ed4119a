from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streamer.integrations.counts import CountsToday, DayCounts
from tests.made_up_events import crossing, visit


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOON = at("2026-11-24T12:00")


def test_crossings_count_by_line_and_direction_and_visits_when_they_are_over() -> None:
    counts = CountsToday(NOON, "UTC")
    for event in (
        crossing("1", NOON),
        crossing("2", NOON),
        crossing("3", NOON, "out"),
        crossing("4", NOON, line="till"),
        visit("v1", NOON),
    ):
        assert counts.add(event)
    assert counts.of("door") == DayCounts(1, {("entrance", "in"): 2, ("entrance", "out"): 1, ("till", "in"): 1})
    assert counts.of("other") == DayCounts()


def test_an_event_that_comes_twice_counts_once() -> None:
    counts = CountsToday(NOON, "UTC")
    assert counts.add(crossing("1", NOON))
    assert not counts.add(crossing("1", NOON))
    assert counts.of("door").crossings == {("entrance", "in"): 1}


def test_a_picture_taken_for_a_visit_never_counts() -> None:
    counts = CountsToday(NOON, "UTC")
    assert not counts.add(visit("v1", NOON, static=True))
    assert counts.of("door").visits == 0


def test_a_visit_belongs_to_the_day_on_which_it_began() -> None:
    counts = CountsToday(at("2026-11-24T00:00:10"), "UTC")
    assert not counts.add(visit("v1", at("2026-11-24T00:00:10"), began=at("2026-11-23T23:59:50")))


@pytest.mark.parametrize(
    ("zone", "before", "after"),
    [
        ("UTC", "2026-11-24T23:59:59", "2026-11-25T00:00:00"),
        ("Europe/Berlin", "2026-11-24T22:59:59", "2026-11-24T23:00:00"),
        ("Asia/Kolkata", "2026-11-24T18:29:59", "2026-11-24T18:30:00"),
    ],
)
def test_counts_begin_at_0_at_the_midnight_of_the_time_zone(zone: str, before: str, after: str) -> None:
    counts = CountsToday(at(before), zone)
    assert counts.next_midnight == at(after)
    counts.add(crossing("1", at(before)))
    assert not counts.turn(at(before))
    assert counts.turn(at(after))
    assert counts.of("door") == DayCounts()
    assert counts.midnight == at(after)


@pytest.mark.parametrize(
    ("noon", "hours"),
    [("2026-03-29T10:00", 23), ("2026-10-25T11:00", 25)],  # the days of the change in Berlin
)
def test_a_day_of_23_and_one_of_25_hours_end_at_their_own_midnight(noon: str, hours: int) -> None:
    counts = CountsToday(at(noon), "Europe/Berlin")
    assert counts.next_midnight - counts.midnight == hours * 3600


def test_counts_go_on_from_those_of_an_earlier_run() -> None:
    counts = CountsToday(NOON, "UTC")
    counts.add(crossing("1", NOON))
    counts.restore({"door": DayCounts(7, {("entrance", "in"): 4})})
    assert counts.of("door") == DayCounts(7, {("entrance", "in"): 5})
