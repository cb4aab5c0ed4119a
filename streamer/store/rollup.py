"""The sums of each hour: made anew from the rows whenever one of them changes, so that they can't drift apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Table,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
)

from streamer.store import tables

__all__ = [
    "COUNTED",
    "DAY",
    "HOUR",
    "LASTING",
    "QUARTER_DAY",
    "QUARTER_HOUR",
    "SPANS",
    "Counted",
    "Hour",
    "hour_of",
    "refresh",
    "refresh_occupancy",
    "span_of",
]

HOUR: Final = 3_600_000
"""ms."""

QUARTER_HOUR: Final = HOUR // 4
"""ms."""

QUARTER_DAY: Final = 6 * HOUR
"""ms."""

DAY: Final = 24 * HOUR
"""ms."""

SPANS: Final = (
    *(0, 1, 2, 3, 4, 5, 7, 10, 14, 20, 30, 42, 60, 85, 120, 170, 240, 300, 420, 600, 850, 1200, 1800, 2700, 3600, 7200),
)
"""Where the spans begin into which visits and stays are sorted by how long they lasted, s; the last has no end."""

LASTING: Final = ("visits", "stays")
"""What lasts."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One of the things that are counted, and where it stands.

    at: when it counts, ms. until: when it was over, ms; it lasts from `at` until then. name: of the line or zone.
    """

    table: Table
    at: ColumnElement[int]
    until: ColumnElement[int | None]
    name: ColumnElement[str]
    direction: ColumnElement[str]


_NONE: Final = literal("")

COUNTED: Final[Mapping[str, Counted]] = {
    "visits": Counted(tables.visits, tables.visits.c.started_at, tables.visits.c.ended_at, _NONE, _NONE),
    "crossings": Counted(
        tables.crossings,
        tables.crossings.c.at,
        tables.crossings.c.at,
        tables.crossings.c.line,
        tables.crossings.c.direction,
    ),
    "stays": Counted(tables.stays, tables.stays.c.entered_at, tables.stays.c.left_at, tables.stays.c.zone, _NONE),
}


class Hour(NamedTuple):
    """Of UTC, at one camera. hour: its beginning, ms."""

    counted: str
    camera: str
    hour: int


def hour_of(counted: str, camera: str, at: int) -> Hour:
    """The hour in which something counts."""
    return Hour(counted, camera, at - at % HOUR)


def span_of(lasted: ColumnElement[Any]) -> ColumnElement[int]:
    """The number of the span in which so many ms lie."""
    return case(*((lasted < below * 1000, i) for i, below in enumerate(SPANS[1:])), else_=len(SPANS) - 1)


def refresh(connection: Connection, changed: Iterable[Hour]) -> None:
    """Sum these hours and their quarters up anew, and the quarters of days in which they lie."""
    hours = sorted(changed)
    for each in hours:
        _refresh_hour(connection, each)
        _refresh_quarter_hours(connection, each)
        if each.counted in LASTING:
            _refresh_spans(connection, each)
        if each.counted == "visits":
            _refresh_line_spans(connection, each)
    for each in sorted({each._replace(hour=each.hour - each.hour % QUARTER_DAY) for each in hours}):
        _refresh_quarter_day(connection, each)


def refresh_occupancy(connection: Connection, changed: Iterable[tuple[str, int]]) -> None:
    """Sum these hours, (camera, beginning in ms), and their quarters up anew."""
    row = tables.occupancy.c
    cells: dict[str, ColumnElement[Any]] = {
        "zone": row.zone,
        "people": func.sum(row.mean * row.observed),
        "peak": func.max(row.peak),
        "observed": func.sum(row.observed),
    }
    for camera, hour in sorted(changed):
        of_hour = row.camera == camera, row.minute >= hour, row.minute < hour + HOUR
        scope = {"camera": camera, "hour": hour}
        _replace(connection, tables.occupancy_hours, scope, cells, of_hour)
        quarters = cells | {"quarter": cast((row.minute - hour) // QUARTER_HOUR, Integer)}
        _replace(connection, tables.occupancy_quarters, scope, quarters, of_hour)


def _refresh_hour(connection: Connection, changed: Hour) -> None:
    row = COUNTED[changed.counted].table.c
    cells = _figures(changed) | {"gender": row.gender, "age_group": row.age_group}
    _replace(connection, tables.hours, changed._asdict(), cells, _within(changed))


def _refresh_quarter_hours(connection: Connection, changed: Hour) -> None:
    at = COUNTED[changed.counted].at
    cells = _figures(changed) | {"quarter": cast((at - changed.hour) // QUARTER_HOUR, Integer)}
    _replace(connection, tables.quarter_hours, changed._asdict(), cells, _within(changed))


def _figures(changed: Hour) -> dict[str, ColumnElement[Any]]:
    """The name and direction of what is counted, and how many they are."""
    source = COUNTED[changed.counted]
    return {
        "name": source.name,
        "direction": source.direction,
        "count": func.count(),
        "timed": func.count(source.until),
        "milliseconds": cast(func.coalesce(func.sum(source.until - source.at), 0), BigInteger),
    }


def _refresh_spans(connection: Connection, changed: Hour) -> None:
    source = COUNTED[changed.counted]
    lasted = source.until - source.at
    cells: dict[str, ColumnElement[Any]] = {"name": source.name, "span": span_of(lasted), "count": func.count()}
    _replace(connection, tables.spans, changed._asdict(), cells, (*_within(changed), source.until.is_not(None)))


def _refresh_line_spans(connection: Connection, changed: Hour) -> None:
    source, crossing = COUNTED["visits"], tables.crossings.c
    key = source.table.c.key
    cells: dict[str, ColumnElement[Any]] = {
        "line": crossing.line,
        "span": span_of(source.until - source.at),
        "count": func.count(key.distinct()),
    }
    of_hour = *_within(changed), source.until.is_not(None), crossing.visit == key
    _replace(connection, tables.line_spans, {"camera": changed.camera, "hour": changed.hour}, cells, of_hour)


def _refresh_quarter_day(connection: Connection, changed: Hour) -> None:
    row = tables.hours.c
    cells: dict[str, ColumnElement[Any]] = {name: row[name] for name in ("name", "direction", "gender", "age_group")}
    cells |= {name: cast(func.sum(row[name]), row[name].type) for name in ("count", "timed", "milliseconds")}
    at_camera = row.counted == changed.counted, row.camera == changed.camera
    of_quarter = *at_camera, row.hour >= changed.hour, row.hour < changed.hour + QUARTER_DAY
    _replace(connection, tables.quarter_days, changed._asdict(), cells, of_quarter)


def _within(changed: Hour) -> tuple[ColumnElement[bool], ...]:
    source = COUNTED[changed.counted]
    at_camera = source.table.c.camera == changed.camera
    return at_camera, source.at >= changed.hour, source.at < changed.hour + HOUR


def _replace(
    connection: Connection,
    sums: Table,
    scope: Mapping[str, Any],
    cells: Mapping[str, ColumnElement[Any]],
    conditions: Iterable[ColumnElement[bool]],
) -> None:
    """Put new sums in the place of those whose columns have the values of `scope`.

    cells: of the other columns; what is part of the table's key is grouped by.
    """
    connection.execute(delete(sums).where(*(sums.c[name] == value for name, value in scope.items())))
    known = [literal(value, sums.c[name].type).label(name) for name, value in scope.items()]
    grouped = [column.name for column in sums.primary_key if cells.get(column.name, _NONE) is not _NONE]
    found = select(*known, *(cell.label(name) for name, cell in cells.items())).where(*conditions).group_by(*grouped)
    connection.execute(insert(sums).from_select([*scope, *cells], found))
