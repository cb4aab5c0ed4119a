"""The sums of each hour: made anew from the rows whenever one of them changes, so that they can't drift apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, Table, cast, delete, func, insert, literal, select

from streamer.store import tables

__all__ = ["COUNTED", "HOUR", "Counted", "Hour", "hour_of", "refresh"]

HOUR: Final = 3_600_000
"""ms."""


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


def refresh(connection: Connection, changed: Iterable[Hour]) -> None:
    """Sum these hours up anew."""
    for counted, camera, hour in sorted(changed):
        hours, source = tables.hours, COUNTED[counted]
        connection.execute(
            delete(hours).where(hours.c.counted == counted, hours.c.camera == camera, hours.c.hour == hour)
        )
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
