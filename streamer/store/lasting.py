"""How long visits or stays lasted."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from streamer.store import tables
from streamer.store.rollup import COUNTED, DAY, HOUR, SPANS, Counted

__all__ = ["EXACT", "dwell"]

_TOLD: Final = (0, 5, 10, 30, 60, 120, 300, 600, 1800)  # s, all of them among SPANS; the last is open
_LIMITS: Final = tuple(zip(_TOLD, (*_TOLD[1:], None), strict=True))
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
    if end - begin > EXACT and not (line and zone):
        return _of_sums(connection, _summed(cameras, begin, end, line=line, zone=zone))
    source = COUNTED["stays" if zone else "visits"]
    # All of them at once: to look for those who crossed a line takes longer than to bring them here
    statement = select(source.until - source.at).where(*_of_rows(source, cameras, begin, end, line=line, zone=zone))
    return _of_rows_found(np.sort(np.array(connection.scalars(statement).all(), np.int64)))


def _of_rows_found(lasted: NDArray[np.int64]) -> dict[str, Any]:
    """lasted: ms, in order."""
    median = round(int(lasted[(len(lasted) - 1) // 2]) / 1000, 2) if len(lasted) else None
    below = np.searchsorted(lasted, [low * 1000 for low in _TOLD]).tolist()
    return _answer(median, [following - first for first, following in pairwise([*below, len(lasted)])])


def _of_sums(connection: Connection, statement: Select[int, int]) -> dict[str, Any]:
    counts: dict[int, int] = {span: int(count) for span, count in connection.execute(statement)}
    total = sum(counts.values())
    return _answer(_within_spans(counts, total) if total else None, [_between(counts, *limit) for limit in _LIMITS])


def _answer(median: float | None, counts: list[int]) -> dict[str, Any]:
    return {
        "median": median,
        "spans": [
            {"from": low, "to": high, "count": count} for (low, high), count in zip(_LIMITS, counts, strict=True)
        ],
    }


def _of_rows(
    source: Counted, cameras: tuple[str, ...], begin: int, end: int, *, line: str, zone: str
) -> list[ColumnElement[bool]]:
    row, crossing = source.table.c, tables.crossings.c
    found = [row.camera.in_(cameras), source.at >= begin, source.at < end, source.until.is_not(None)]
    if zone:
        found.append(source.name == zone)
    if line:
        visit = row.visit if zone else row.key
        found.append(exists().where(crossing.visit == visit, crossing.line == line))
    return found


def _summed(cameras: tuple[str, ...], begin: int, end: int, *, line: str, zone: str) -> Select[int, int]:
    """Of a line, or of a zone, or of all visits."""
    row: Any = tables.line_spans.c if line else tables.spans.c
    if line:
        those = [row.line == line]
    else:
        those = [row.counted == "stays", row.name == zone] if zone else [row.counted == "visits"]
    summed = select(row.span, func.sum(row["count"]))
    return summed.where(*those, row.camera.in_(cameras), row.hour >= begin, row.hour <= end - HOUR).group_by(row.span)


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
