"""What happened, as rows of the tables. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from streamer.store.uptime import Interval
from streamer.types import Event, EventKind, OccupancyMinute, Track

__all__ = ["GroupOf", "Item", "Row", "Rows", "milliseconds", "rows_of", "uptime_rows"]

Row = dict[str, Any]
Item = Event | OccupancyMinute
GroupOf = Callable[[float | None], str]
"""The age group of an age in years; 'unknown' of None."""


def milliseconds(seconds: float) -> int:
    """As the tables have it."""
    return round(seconds * 1000)


@dataclass(slots=True)
class Rows:
    """The rows of some items, by what is to be done with them."""

    events: list[Row] = field(default_factory=list)
    visits_begun: list[Row] = field(default_factory=list)
    visits_ended: list[Row] = field(default_factory=list)
    visits_void: list[str] = field(default_factory=list)  # keys: pictures of faces, taken for visits
    crossings: list[Row] = field(default_factory=list)
    stays: list[Row] = field(default_factory=list)
    occupancy: list[Row] = field(default_factory=list)


def rows_of(items: Iterable[Item], *, session: str, group_of: GroupOf) -> Rows:
    """session: of this run, see `tables.occupancy`."""
    rows = Rows()
    for item in items:
        if isinstance(item, OccupancyMinute):
            rows.occupancy.append(_minute(item, session))
        else:
            _add(rows, item, group_of)
    return rows


def uptime_rows(intervals: Iterable[Interval], *, session: str) -> list[Row]:
    """An interval keeps its key while it grows."""
    return [
        {
            "key": f"{session}-{each.camera}-{milliseconds(each.since)}",
            "camera": each.camera,
            "since": milliseconds(each.since),
            "until": milliseconds(each.until),
        }
        for each in intervals
    ]


def _add(rows: Rows, event: Event, group_of: GroupOf) -> None:
    at = milliseconds(event.at)
    rows.events.append(
        {
            "key": event.key,
            "kind": event.kind.value,
            "camera": event.camera,
            "at": at,
            "rule": event.rule,
            "direction": event.direction,
            "visit": event.visit or None,
        }
    )
    place = {"key": event.key, "visit": event.visit, "camera": event.camera}
    match event.kind:
        case EventKind.VISIT_STARTED:
            visit = {"key": event.visit, "camera": event.camera, "started_at": at, "ended_at": None}
            rows.visits_begun.append(visit | _person(None, group_of))
        case EventKind.VISIT_ENDED if event.data.get("static"):
            rows.visits_void.append(event.visit)
        case EventKind.VISIT_ENDED:
            started_at = milliseconds(event.data["started_at"])
            visit = {"key": event.visit, "camera": event.camera, "started_at": started_at, "ended_at": at}
            rows.visits_ended.append(visit | _person(event.track, group_of))
        case EventKind.LINE_CROSSED:
            crossing = {"line": event.rule, "direction": event.direction, "at": at}
            rows.crossings.append(place | crossing | _groups(None, group_of))
        case EventKind.ZONE_LEFT:
            stay = {"zone": event.rule, "entered_at": milliseconds(event.data["entered_at"]), "left_at": at}
            rows.stays.append(place | stay | _groups(None, group_of))
        case _:
            pass


def _groups(track: Track | None, group_of: GroupOf) -> Row:
    """track: with all looks at the visitor; None: the visit hasn't ended, so that more may follow."""
    return {
        "gender": "unknown" if track is None else track.gender,
        "age_group": group_of(None if track is None else track.age),
    }


def _person(track: Track | None, group_of: GroupOf) -> Row:
    """All that is known about a visitor, from all looks."""
    return _groups(track, group_of) | {
        "gender_confidence": 0.0 if track is None else float(track.gender_confidence),
        "age": None if track is None else _rounded(track.age),
        "age_low": None if track is None else _rounded(track.age_low),
        "age_high": None if track is None else _rounded(track.age_high),
        "samples": 0 if track is None else track.samples,
    }


def _rounded(years: float | None) -> float | None:
    return None if years is None else round(float(years), 1)


def _minute(minute: OccupancyMinute, session: str) -> Row:
    return {
        "camera": minute.camera,
        "zone": minute.zone,
        "minute": minute.minute * 1000,
        "session": session,
        "mean": minute.mean,
        "peak": minute.peak,
        "observed": minute.observed,
    }
