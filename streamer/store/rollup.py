"""The sums of each hour: made anew from the rows whenever one of them changes, so that they can't drift apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, Table, case, cast, delete, func, insert, literal, select

from streamer.store import tables

__all__ = [
    "COUNTED",
    "HOUR",
    "LASTING",
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
    """Sum these hours up anew."""
    for each in sorted(changed):
        _refresh_counts(connection, each)
        if each.counted in LASTING:
            _refresh_spans(connection, each)


def refresh_occupancy(connection: Connection, changed: Iterable[tuple[str, int]]) -> None:
    """Sum these hours, (camera, beginning in ms), up anew."""
    sums, row = tables.occupancy_hours, tables.occupancy.c
    for camera, hour in sorted(changed):
        connection.execute(delete(sums).where(sums.c.camera == camera, sums.c.hour == hour))
        found = (
            select(
                literal(camera), literal(hour, BigInteger), row.zone,
                func.sum(row.mean * row.observed), func.max(row.peak), func.sum(row.observed),
            )
            .where(row.camera == camera, row.minute >= hour, row.minute < hour + HOUR)
            .group_by(row.zone)
        )  # fmt: skip
        connection.execute(insert(sums).from_select([column.name for column in sums.c], found))


def _refresh_spans(connection: Connection, changed: Hour) -> None:
    counted, camera, hour = changed
    spans, source = tables.spans, COUNTED[counted]
    connection.execute(delete(spans).where(spans.c.counted == counted, spans.c.camera == camera, spans.c.hour == hour))
    row = source.table.c
    named = [] if source.name is _NONE else [source.name]
    span = span_of(source.until - source.at).label("span")
    found = (
        select(literal(counted), literal(camera), literal(hour, BigInteger), source.name, span, func.count())
        .where(row.camera == camera, source.at >= hour, source.at < hour + HOUR, source.until.is_not(None))
        .group_by(*named, "span")
    )
    connection.execute(insert(spans).from_select([column.name for column in spans.c], found))


def _refresh_counts(connection: Connection, changed: Hour) -> None:
    counted, camera, hour = changed
    hours, source = tables.hours, COUNTED[counted]
    connection.execute(delete(hours).where(hours.c.counted == counted, hours.c.camera == camera, hours.c.hour == hour))
    row = source.table.c
    cells = (source.name, source.direction, row.gender, row.age_group)
    columns = [cell for cell in cells if cell is not _NONE]
    lasted = func.coalesce(func.sum(source.until - source.at), 0)
    sums = (
            select(
                literal(counted), literal(camera), literal(hour, BigInteger), *cells,
                func.count(), func.count(source.until), cast(lasted, BigInteger),
            )
            .where(row.camera == camera, source.at >= hour, source.at < hour + HOUR)
            .group_by(*columns)
        )  # fmt: skip
    connection.execute(insert(hours).from_select([column.name for column in hours.c], sums))
