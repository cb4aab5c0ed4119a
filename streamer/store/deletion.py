"""What goes: a stretch of time at once, or what is older than it may become. A day in one transaction, no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Connection, Table, delete, func, insert, select, update

from streamer.errors import StoreError
from streamer.store import tables
from streamer.store.database import Database
from streamer.store.purged import note_purge
from streamer.store.rollup import COUNTED, DAY, HOUR, Hour, refresh, refresh_occupancy
from streamer.store.rows import milliseconds

__all__ = ["KINDS", "delete_day", "purge"]


@dataclass(frozen=True, slots=True)
class _Kind:
    """at: where a row's time begins. length: of that time, ms; a row goes with any part of it."""

    table: Table
    at: ColumnElement[int]
    length: int = 1


KINDS: Final[Mapping[str, _Kind]] = {
    **{name: _Kind(counted.table, counted.at) for name, counted in COUNTED.items()},
    "occupancy": _Kind(tables.occupancy, tables.occupancy.c.minute),
    "events": _Kind(tables.events, tables.events.c.at),
    "heat": _Kind(tables.heat, tables.heat.c.hour, HOUR),
    "uptime": _Kind(tables.uptime, tables.uptime.c.until),
}
"""All that is kept, and by which time it is old; ms."""


def delete_day(connection: Connection, kind: str, begin: int, end: int, camera: str | None = None) -> int | None:
    """Delete the oldest day's rows of a kind from `begin` up to `end` (ms); how many, None when there are none."""
    table, at, length = KINDS[kind].table, KINDS[kind].at, KINDS[kind].length
    begin -= begin % length
    place = [] if camera is None else [table.c.camera == camera]
    oldest = connection.scalar(select(func.min(at)).where(at >= begin, at < end, *place))
    if oldest is None:
        return None
    until = min(end, oldest - oldest % DAY + DAY)
    at_lines = _visits_at_lines(connection, [at >= oldest, at < until, *place]) if kind == "crossings" else set()
    cameras = connection.scalars(select(table.c.camera).where(at >= oldest, at < until, *place).distinct()).all()
    deleted = connection.execute(delete(table).where(at >= oldest, at < until, *place)).rowcount
    hours = range(oldest - oldest % HOUR, until, HOUR)
    if kind in COUNTED:
        refresh(connection, {Hour(kind, name, hour) for name in cameras for hour in hours} | at_lines)
    elif kind == "occupancy":
        refresh_occupancy(connection, {(name, hour) for name in cameras for hour in hours})
    return deleted


def _visits_at_lines(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> set[Hour]:
    """The hours in which those visits began that some crossings belong to: their sums by line are of both."""
    row = tables.visits.c
    crossed = select(tables.crossings.c.visit).where(*conditions)
    hours = select(row.camera, row.started_at - row.started_at % HOUR).where(row.key.in_(crossed)).distinct()
    return {Hour("visits", camera, hour) for camera, hour in connection.execute(hours)}


def purge(
    database: Database,
    begin: int,
    end: int,
    camera: str | None = None,
    *,
    progress: Callable[[int], None] | None = None,
) -> dict[str, int]:
    """Remove everything from `begin` up to `end` (ms, UTC), at one camera or all; how many rows of each kind.

    What lies before this moment is removed for good: a visit that began in that time and is still under way is not
    written at its end, either. (Where faces were, a running streamer may add for the last seconds before.)

    Works beside a running streamer, whose writing waits for a day's deletion, and on PostgreSQL while a table is
    written anew. progress: is called with the rows deleted. Raises StoreError.
    """
    counts = dict.fromkeys(KINDS, 0)
    past = min(end, milliseconds(time.time()))
    if begin < past:
        with database.write() as connection:
            note_purge(connection, begin, past, camera)
    for kind in KINDS:
        if kind == "uptime":
            with database.write() as connection:
                counts[kind] = _cut_uptime(connection, begin, end, camera)
            continue
        for deleted in _days(database, kind, begin, end, camera):
            counts[kind] += deleted
            if progress is not None:
                progress(deleted)
    try:
        database.shrink(rewrite=True)
    except StoreError as error:
        raise StoreError(f"all of it is deleted, but its room can't be given back now: {error}") from error
    return counts


def _days(database: Database, kind: str, begin: int, end: int, camera: str | None) -> Iterator[int]:
    while True:
        with database.write() as connection:
            deleted = delete_day(connection, kind, begin, end, camera)
        if deleted is None:
            return
        yield deleted


def _cut_uptime(connection: Connection, begin: int, end: int, camera: str | None) -> int:
    """Take a stretch out of all intervals: without its figures it must not pass for a quiet one.

    What is left after it keeps the interval's key, as that is the part which may be growing still.
    """
    table = tables.uptime
    place = [] if camera is None else [table.c.camera == camera]
    overlapping = connection.execute(select(table).where(table.c.until > begin, table.c.since < end, *place)).all()
    for row in overlapping:
        if row.since < begin:
            before = {"key": f"{row.key}-before-{begin}", "camera": row.camera, "since": row.since, "until": begin}
            connection.execute(insert(table), before)
        rest = min(end, row.until)
        connection.execute(update(table).where(table.c.key == row.key).values(since=rest))
    return len(overlapping)
