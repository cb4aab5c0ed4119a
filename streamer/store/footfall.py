"""Counts over time: how many visits, crossings or stays in each minute, hour, day or week."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, Integer, Select, Table, case, func, literal, or_, select, union_all

from streamer.store import tables
from streamer.store.calendar import Bucket, Stretch, edges, local_times, place, stretches
from streamer.store.rollup import COUNTED, DAY, HOUR, LASTING, QUARTER_DAY, QUARTER_HOUR, Counted
from streamer.store.rows import milliseconds
from streamer.store.up_shares import up_shares

__all__ = ["GROUPS", "MOST_ROWS", "Question", "TooManyRowsError", "footfall"]

MOST_ROWS: Final = 50_000
"""Of an answer."""

Group = Literal["camera", "line", "zone", "direction", "gender", "age_group"]
GROUPS: tuple[Group, ...] = ("camera", "line", "zone", "direction", "gender", "age_group")


class TooManyRowsError(ValueError):
    """The answer would have more than MOST_ROWS rows."""

    def __init__(self) -> None:
        super().__init__(f"more than {MOST_ROWS} rows; ask for longer buckets, or for fewer groups")


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


_Figures = tuple[int, int, int]
_FIGURES: Final = ("count", "timed", "milliseconds")


def footfall(connection: Connection, asked: Question) -> list[dict[str, Any]]:
    """A row for each bucket and group in it that counted; a bucket in which nothing did has one row.

    start, end: UTC s. time: the start by the clocks of the place. count: null where the cameras were down the whole
    time, so that nobody takes it for zero. up: share of the bucket's past in which the cameras were up; null: to come.
    dwell: mean s of those that have ended; null where none has, and for crossings. Raises TooManyRowsError.
    """
    limits = edges(asked.begin, asked.end, asked.bucket, asked.zone)
    sums = _added_up(connection, asked, limits)
    up = up_shares(connection, asked.cameras, limits, milliseconds(time.time()))
    nothing: dict[tuple[Any, ...], _Figures] = {(None,) * len(asked.group_by): (0, 0, 0)}
    rows = []
    times = local_times(limits, asked.zone)
    told = functools.cache(lambda group: dict(zip(asked.group_by, group, strict=True)))
    lasts = asked.counted in LASTING
    for i, found in enumerate(sums):
        about, share = {"start": limits[i] / 1000, "end": limits[i + 1] / 1000, "time": times[i]}, up[i]
        for group, (count, timed, lasted) in sorted(found.items()) if found else nothing.items():
            figures = {
                "count": count if count or share else None,
                "dwell": round(lasted / timed / 1000, 2) if timed and lasts else None,
                "up": share,
            }
            rows.append({**about, **told(group), **figures})
    return rows


def _added_up(connection: Connection, asked: Question, limits: list[int]) -> list[dict[tuple[str, ...], _Figures]]:
    """The figures of each bucket, by group."""
    sums: list[dict[tuple[str, ...], _Figures]] = [{} for _ in pairwise(limits)]
    rows = len(sums)
    for source in _sources(asked):
        for start, found in source.sums(connection):
            bucket = sums[place(limits, start)]
            for group, figures in found:
                if group in bucket:
                    bucket[group] = _added(bucket[group], figures)
                else:
                    rows += bool(bucket)  # the first takes the row that a quiet bucket has, too
                    bucket[group] = figures
        if rows > MOST_ROWS:
            raise TooManyRowsError
    return sums


def _added(one: _Figures, other: _Figures) -> _Figures:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _sources(asked: Question) -> Iterator[_Source]:
    """Where the sums of each stretch come from: whole hours from the sums that are kept, the rest from the rows.

    Where the place's clocks don't show full hours when UTC's do, an hour of UTC may lie in two buckets.
    """
    total = asked.bucket == "total"
    spans = [Stretch(asked.begin, asked.end, 0)] if total else stretches(asked.begin, asked.end, asked.zone)
    for span in spans:
        first, last = -(-span.begin // HOUR) * HOUR, span.end // HOUR * HOUR
        if first >= last or asked.bucket == "minute" or not (total or _kept_for(asked, span)):
            yield _rows(asked, span)
            continue
        if span.begin < first:
            yield _rows(asked, span._replace(end=first))
        yield _kept(asked, span._replace(begin=first, end=last))
        if last < span.end:
            yield _rows(asked, span._replace(begin=last))


@dataclass(frozen=True, slots=True)
class _Source:
    """A SELECT of (number of the bucket, groups…, count, timed, milliseconds) in one stretch."""

    asked: Question
    span: Stretch
    statement: Select[Any]

    def sums(self, connection: Connection) -> Iterator[tuple[int, Iterator[tuple[tuple[str, ...], _Figures]]]]:
        """(a time in the bucket, each group in it with its figures). Raises TooManyRowsError."""
        shift, width = (0, 1) if self.asked.bucket == "total" else self.span.number(self.asked.bucket)
        # At once: SQLite gives single rows slowly. Each is a row of the answer
        found = connection.execute(self.statement.limit(MOST_ROWS + 1)).all()
        if len(found) > MOST_ROWS:
            raise TooManyRowsError
        for number, rows in groupby(found, itemgetter(0)):
            start = self.span.begin if self.asked.bucket == "total" else number * width - shift
            groups = ((row[1:-3], (int(row[-3]), int(row[-2]), int(row[-1]))) for row in rows)
            yield max(start, self.span.begin), groups


def _number(asked: Question, span: Stretch, at: ColumnElement[int]) -> ColumnElement[int]:
    if asked.bucket == "total":
        return literal(0, Integer)
    shift, width = span.number(asked.bucket)
    return (at + shift) // width


def _kept_for(asked: Question, span: Stretch) -> bool:
    """Whether sums are kept from which the buckets of this stretch can be made."""
    if asked.bucket == "hour" and _by_person(asked):
        return span.offset % HOUR == 0
    return span.offset % QUARTER_HOUR == 0


def _by_person(asked: Question) -> bool:
    return not {"gender", "age_group"}.isdisjoint(asked.group_by)


def _kept(asked: Question, span: Stretch) -> _Source:
    """From the sums that are kept: of the longest times that lie in one bucket."""
    hour = tables.hours.c.hour
    first, last = -(-span.begin // QUARTER_DAY) * QUARTER_DAY, span.end // QUARTER_DAY * QUARTER_DAY
    cut = asked.bucket != "total" and span.offset % HOUR != 0
    parts: list[Select[Any]] = []
    whole = [hour // HOUR % 24 != _cut(span, HOUR)] if cut else []
    if asked.bucket == "hour":
        # The quarters tell no genders and ages apart, so they are fewer rows
        parts = [_sums(asked, span, tables.hours) if _by_person(asked) else _quarters(asked, span)]
    elif first >= last:
        parts = [_sums(asked, span, tables.hours, *whole)]
    else:
        quarters, hours = [], [hour < first, hour >= last]
        if asked.bucket != "total" and span.offset % QUARTER_DAY:
            quarters.append(tables.quarter_days.c.hour // QUARTER_DAY % 4 != _cut(span, QUARTER_DAY))
            hours.append(hour // QUARTER_DAY % 4 == _cut(span, QUARTER_DAY))
        parts.append(_sums(asked, span._replace(begin=first, end=last), tables.quarter_days, *quarters))
        parts.append(_sums(asked, span, tables.hours, or_(*hours), *whole))
    if cut and asked.bucket != "hour":
        parts.append(_cut_rows(asked, span) if _by_person(asked) else _quarters(asked, span, day_begins=True))
    found: Any = union_all(*parts).subquery().c
    keys = [found[name] for name in ("number", *asked.group_by)]
    figures = (func.sum(found[name]) for name in _FIGURES)
    return _Source(asked, span, select(*keys, *figures).group_by(*keys))


def _cut(span: Stretch, length: int) -> int:
    """Which of the hours, or quarters, of UTC's day it is within which a day of the place begins."""
    return -span.offset % DAY // length


def _sums(asked: Question, span: Stretch, table: Table, *more: ColumnElement[bool]) -> Select[Any]:
    """The rows of one table of sums: number, groups and figures, not yet added up."""
    row: Any = table.c
    conditions = [*more, *_asked_for(asked, span, row)]
    if not _by_person(asked):
        # First in the order of the table's key, which needs no sorting: half the time on SQLite
        cells = (row.camera, row.hour, row.name, row.direction)
        sums = (func.sum(row[name]).label(name) for name in _FIGURES)
        row, conditions = select(*cells, *sums).where(*conditions).group_by(*cells).subquery().c, []
    return _listed(asked, span, row, row.hour).where(*conditions)


def _quarters(asked: Question, span: Stretch, *, day_begins: bool = False) -> Select[Any]:
    """Of the quarters of hours, alike. day_begins: of those hours only within which a day of the place does."""
    row: Any = tables.quarter_hours.c
    within = [row.hour // HOUR % 24 == _cut(span, HOUR)] if day_begins else []
    at = row.hour + row.quarter * QUARTER_HOUR
    return _listed(asked, span, row, at).where(*within, *_asked_for(asked, span, row))


def _cut_rows(asked: Question, span: Stretch) -> Select[Any]:
    """The same as `_quarters`, from what was counted in those hours."""
    row = tables.hours.c
    within = *_asked_for(asked, span, row), row.hour // HOUR % 24 == _cut(span, HOUR)
    hours = select(row.camera, row.hour).where(*within).distinct().subquery().c
    source = COUNTED[asked.counted]
    at, groups = source.at, _groups(asked, source)
    in_hour = source.table.c.camera == hours.camera, at >= hours.hour, at < hours.hour + HOUR
    figures = literal(1).label("count"), case((source.until.is_not(None), 1), else_=0).label("timed")
    lasted = func.coalesce(source.until - at, 0).label("milliseconds")
    number = _number(asked, span, at).label("number")
    named = [source.name == asked.name] if asked.name else []
    return select(number, *groups, *figures, lasted).where(*in_hour, *named)


def _asked_for(asked: Question, span: Stretch, row: Any) -> list[ColumnElement[bool]]:
    """Which sums."""
    return [
        row.counted == asked.counted,
        row.camera == asked.cameras[0] if len(asked.cameras) == 1 else row.camera.in_(asked.cameras),
        row.hour >= span.begin,
        row.hour < span.end,
        *([row.name == asked.name] if asked.name else []),
    ]


def _listed(asked: Question, span: Stretch, row: Any, at: ColumnElement[int]) -> Select[Any]:
    """Number, groups and figures of sums. at: when they begin."""
    columns: dict[str, ColumnElement[Any]] = {**dict(row.items()), "line": row.name, "zone": row.name}
    groups = [columns[name].label(name) for name in asked.group_by]
    return select(_number(asked, span, at).label("number"), *groups, *(row[name] for name in _FIGURES))


def _groups(asked: Question, source: Counted) -> list[ColumnElement[Any]]:
    columns: dict[str, ColumnElement[Any]] = {**dict(source.table.c.items()), "direction": source.direction}
    return [columns[name].label(name) for name in asked.group_by]


def _rows(asked: Question, span: Stretch) -> _Source:
    source = COUNTED[asked.counted]
    groups = _groups(asked, source)
    number = _number(asked, span, source.at).label("number")
    lasted = func.coalesce(func.sum(source.until - source.at), 0)
    statement = select(number, *groups, func.count(), func.count(source.until), lasted).where(
        source.table.c.camera.in_(asked.cameras),
        source.at >= span.begin,
        source.at < span.end,
        *([source.name == asked.name] if asked.name else []),
    )
    return _Source(asked, span, statement.group_by(number, *groups))
