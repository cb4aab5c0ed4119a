"""Counts over time: how many visits, crossings or stays in each minute, hour, day or week."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Integer, Select, func, literal, select

from streamer.store import tables
from streamer.store.calendar import Bucket, Stretch, edges, local_time, place, stretches
from streamer.store.rollup import COUNTED, HOUR
from streamer.store.rows import milliseconds
from streamer.store.up_shares import up_shares

__all__ = ["GROUPS", "Question", "footfall"]

Group = Literal["camera", "line", "zone", "direction", "gender", "age_group"]
GROUPS: tuple[Group, ...] = ("camera", "line", "zone", "direction", "gender", "age_group")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. counted: visits, crossings or stays. name: of one line or zone; '' for all. Times in ms."""

    counted: str
    cameras: tuple[str, ...]
    name: str
    begin: int
    end: int
    bucket: Bucket
    group_by: tuple[Group, ...]
    zone: tzinfo


@dataclass(slots=True)
class _Sum:
    count: int = 0
    timed: int = 0
    milliseconds: int = 0


def footfall(connection: Connection, asked: Question) -> list[dict[str, Any]]:
    """A row for each bucket and group in it that counted; a bucket in which nothing did has one row.

    start, end: UTC s. time: the start by the clocks of the place. count: null where the cameras were down the whole
    time, so that nobody takes it for zero. up: share of the bucket's past in which the cameras were up; null: to come.
    dwell: mean s of those that have ended; null where none has, and for crossings.
    """
    limits = edges(asked.begin, asked.end, asked.bucket, asked.zone)
    sums: dict[int, dict[tuple[str, ...], _Sum]] = {}
    for source in _sources(asked):
        for start, group, count, timed, lasted in source.sums(connection):
            found = sums.setdefault(place(limits, start), {}).setdefault(group, _Sum())
            found.count += count
            found.timed += timed
            found.milliseconds += lasted
    up = up_shares(connection, asked.cameras, limits, milliseconds(time.time()))
    nothing = {(): _Sum()}
    return [
        {
            "start": limits[i] / 1000,
            "end": limits[i + 1] / 1000,
            "time": local_time(limits[i], asked.zone),
            **dict.fromkeys(asked.group_by),
            **dict(zip(asked.group_by, group, strict=False)),
            "count": found.count if found.count or up[i] else None,
            "dwell": round(found.milliseconds / found.timed / 1000, 2) if found.timed and _lasts(asked) else None,
            "up": up[i],
        }
        for i in range(len(limits) - 1)
        for group, found in sorted(sums.get(i, nothing).items())
    ]


def _lasts(asked: Question) -> bool:
    return asked.counted != "crossings"


def _sources(asked: Question) -> Iterator[_Source]:
    """Where the sums of each stretch come from: whole hours from the sums that are kept, the rest from the rows."""
    total = asked.bucket == "total"
    spans = [Stretch(asked.begin, asked.end, 0)] if total else stretches(asked.begin, asked.end, asked.zone)
    for span in spans:
        first, last = -(-span.begin // HOUR) * HOUR, span.end // HOUR * HOUR
        in_hours = first < last and (total or (asked.bucket != "minute" and span.offset % HOUR == 0))
        if not in_hours:
            yield _rows(asked, span)
            continue
        if span.begin < first:
            yield _rows(asked, span._replace(end=first))
        yield _hours(asked, span._replace(begin=first, end=last))
        if last < span.end:
            yield _rows(asked, span._replace(begin=last))


@dataclass(frozen=True, slots=True)
class _Source:
    """A SELECT of (number of the bucket, groups…, count, timed, milliseconds) in one stretch."""

    asked: Question
    span: Stretch
    statement: Select[Any]

    def sums(self, connection: Connection) -> Iterator[tuple[int, tuple[str, ...], int, int, int]]:
        """(a time in the bucket, groups, count, timed, milliseconds)."""
        shift, width = (0, 1) if self.asked.bucket == "total" else self.span.number(self.asked.bucket)
        for number, *group, count, timed, lasted in connection.execute(self.statement):
            start = self.span.begin if self.asked.bucket == "total" else number * width - shift
            yield max(start, self.span.begin), tuple(group), count, timed, int(lasted)


def _number(asked: Question, span: Stretch, at: ColumnElement[int]) -> ColumnElement[int]:
    if asked.bucket == "total":
        return literal(0, Integer)
    shift, width = span.number(asked.bucket)
    return (at + shift) // width


def _hours(asked: Question, span: Stretch) -> _Source:
    row: Any = tables.hours.c
    conditions = [
        row.counted == asked.counted,
        row.camera == asked.cameras[0] if len(asked.cameras) == 1 else row.camera.in_(asked.cameras),
        row.hour >= span.begin,
        row.hour < span.end,
        *([row.name == asked.name] if asked.name else []),
    ]
    if not {"gender", "age_group"}.intersection(asked.group_by):
        # First in the order of the table's key, which needs no sorting: half the time on SQLite
        cells = (row.camera, row.hour, row.name, row.direction)
        sums = (func.sum(row[name]).label(name) for name in ("count", "timed", "milliseconds"))
        row, conditions = select(*cells, *sums).where(*conditions).group_by(*cells).subquery().c, []
    columns: dict[str, ColumnElement[Any]] = {**dict(row.items()), "line": row.name, "zone": row.name}
    groups = [columns[name] for name in asked.group_by]
    number = _number(asked, span, row.hour).label("number")
    lasted = func.coalesce(func.sum(row.milliseconds), 0)
    statement = select(number, *groups, func.sum(row["count"]), func.sum(row.timed), lasted).where(*conditions)
    return _Source(asked, span, statement.group_by(number, *groups))


def _rows(asked: Question, span: Stretch) -> _Source:
    source = COUNTED[asked.counted]
    row = source.table.c
    columns: dict[str, ColumnElement[Any]] = {**dict(row.items()), "direction": source.direction}
    groups = [columns[name] for name in asked.group_by]
    number = _number(asked, span, source.at).label("number")
    lasted = func.coalesce(func.sum(source.until - source.at), 0)
    statement = select(number, *groups, func.count(), func.count(source.until), lasted).where(
        row.camera.in_(asked.cameras),
        source.at >= span.begin,
        source.at < span.end,
        *([source.name == asked.name] if asked.name else []),
    )
    return _Source(asked, span, statement.group_by(number, *groups))
