"""How long visits or stays lasted."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from streamer.store import tables
from streamer.store.rollup import COUNTED, DAY, HOUR, SPANS, span_of

__all__ = ["EXACT", "dwell"]

_TOLD: Final = (0, 5, 10, 30, 60, 120, 300, 600, 1800)  # s, all of them among SPANS; the last is open
EXACT: Final = 8 * DAY
"""ms; up to here single visits are looked at."""


def dwell(
    connection: Connection, cameras: tuple[str, ...], begin: int, end: int, *, line: str = "", zone: str = ""
) -> dict[str, Any]:
    """Of visits that began from `begin` up to `end` (ms), or of stays in a zone, as far as they have ended.

    line: of visits that crossed this one only. spans: from, to (s; null: open) and count of each. median: s, null where
    nothing has ended; exact up to eight days, beyond from spans whose ends lie within a half of each other. Beyond
    eight days a range counts from its first whole hour of UTC to its last. With a line and a zone single stays are
    looked at however long it is, as no sums are kept of both together.
    """
    counted = "stays" if zone else "visits"
    by_hour = end - begin > EXACT and not (line and zone)
    conditions = _of_rows(counted, cameras, begin, end, line=line, zone=zone)
    statement = _summed(cameras, begin, end, line=line, zone=zone) if by_hour else _grouped(counted, conditions)
    counts: dict[int, int] = {span: int(count) for span, count in connection.execute(statement)}
    total = sum(counts.values())
    median = None
    if total:
        median = _within_spans(counts, total) if by_hour else _exact(connection, counted, conditions, total)
    spans = zip(_TOLD, (*_TOLD[1:], None), strict=True)
    return {
        "median": median,
        "spans": [{"from": low, "to": high, "count": _between(counts, low, high)} for low, high in spans],
    }


def _of_rows(
    counted: str, cameras: tuple[str, ...], begin: int, end: int, *, line: str, zone: str
) -> list[ColumnElement[bool]]:
    source = COUNTED[counted]
    row, crossing = source.table.c, tables.crossings.c
    found = [row.camera.in_(cameras), source.at >= begin, source.at < end, source.until.is_not(None)]
    if zone:
        found.append(source.name == zone)
    if line:
        visit = row.key if counted == "visits" else row.visit
        found.append(exists().where(crossing.visit == visit, crossing.line == line))
    return found


def _grouped(counted: str, conditions: list[ColumnElement[bool]]) -> Select[int, int]:
    source = COUNTED[counted]
    grouped = select(span_of(source.until - source.at).label("span"), func.count())
    return grouped.where(*conditions).group_by("span")


def _summed(cameras: tuple[str, ...], begin: int, end: int, *, line: str, zone: str) -> Select[int, int]:
    """Of a line, or of a zone, or of all visits."""
    row: Any = tables.line_spans.c if line else tables.spans.c
    if line:
        those = [row.line == line]
    else:
        those = [row.counted == "stays", row.name == zone] if zone else [row.counted == "visits"]
    summed = select(row.span, func.sum(row["count"]))
    return summed.where(*those, row.camera.in_(cameras), row.hour >= begin, row.hour <= end - HOUR).group_by(row.span)


def _exact(connection: Connection, counted: str, conditions: list[ColumnElement[bool]], total: int) -> float:
    lasted: ColumnElement[Any] = COUNTED[counted].until - COUNTED[counted].at
    middle = select(lasted).where(*conditions).order_by(lasted).limit(1).offset((total - 1) // 2)
    return float(round(connection.scalars(middle).one() / 1000, 2))


def _within_spans(counts: dict[int, int], total: int) -> float:
    """Where the middle one lies, if those of its span are spread evenly."""
    before = 0
    for span in sorted(counts):
        if before + counts[span] >= total / 2:
            low = SPANS[span]
            high = SPANS[span + 1] if span + 1 < len(SPANS) else low
            return round(low + (high - low) * (total / 2 - before) / counts[span], 1)
        before += counts[span]
    raise AssertionError("no middle")


def _between(counts: dict[int, int], low: int, high: int | None) -> int:
    return sum(count for span, count in counts.items() if low <= SPANS[span] and (high is None or SPANS[span] < high))
