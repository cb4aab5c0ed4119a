"""How long visits or stays lasted."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection, case, exists, func, select

from streamer.store import tables
from streamer.store.rollup import COUNTED

__all__ = ["dwell"]

_SPANS: Final = (0, 5, 10, 30, 60, 120, 300, 600, 1800)  # s; the last is open


def dwell(
    connection: Connection, cameras: tuple[str, ...], begin: int, end: int, *, line: str = "", zone: str = ""
) -> dict[str, Any]:
    """Of visits that began from `begin` up to `end` (ms), or of stays in a zone, as far as they have ended.

    line: of visits that crossed this one only. spans: from, to (s; null: open) and count of each. median: s, exact;
    null where nothing has ended.
    """
    source = COUNTED["stays" if zone else "visits"]
    row = source.table.c
    lasted = source.until - source.at
    conditions = [row.camera.in_(cameras), source.at >= begin, source.at < end, source.until.is_not(None)]
    if zone:
        conditions.append(source.name == zone)
    if line:
        crossing = tables.crossings.c
        crossed = row.visit if zone else row.key
        conditions.append(exists().where(crossing.visit == crossed, crossing.line == line))
    place = case(*((lasted < below * 1000, i) for i, below in enumerate(_SPANS[1:])), else_=len(_SPANS) - 1)
    grouped = select(place.label("place"), func.count()).where(*conditions).group_by("place")
    counts: dict[int, int] = {number: count for number, count in connection.execute(grouped)}  # noqa: C416 - rows
    total = sum(counts.values())
    median = None
    if total:
        middle = select(lasted).where(*conditions).order_by(lasted).limit(1).offset((total - 1) // 2)
        median = round(connection.scalars(middle).one() / 1000, 2)  # type: ignore[operator]
    spans = zip(_SPANS, (*_SPANS[1:], None), strict=True)
    return {
        "median": median,
        "spans": [{"from": low, "to": high, "count": counts.get(i, 0)} for i, (low, high) in enumerate(spans)],
    }
