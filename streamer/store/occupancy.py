"""How many were there at the same time, over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from streamer.store import tables
from streamer.store.calendar import Bucket, Stretch, edges, local_times, place, stretches
from streamer.store.rollup import DAY, HOUR, QUARTER_HOUR

__all__ = ["bucket_for", "occupancy"]


@dataclass(frozen=True, slots=True)
class _Kept:
    """One of the tables. since: the column that is searched. at: when what a row says begins. people: times seconds."""

    table: Table
    since: ColumnElement[int]
    at: ColumnElement[int]
    people: ColumnElement[float]


_minute, _hour, _quarter = tables.occupancy.c, tables.occupancy_hours.c, tables.occupancy_quarters.c
_MINUTES: Final = _Kept(tables.occupancy, _minute.minute, _minute.minute, _minute.mean * _minute.observed)
_HOURS: Final = _Kept(tables.occupancy_hours, _hour.hour, _hour.hour, _hour.people)
_QUARTERS: Final = _Kept(
    tables.occupancy_quarters, _quarter.hour, _quarter.hour + _quarter.quarter * QUARTER_HOUR, _quarter.people
)


def bucket_for(begin: int, end: int) -> Bucket:
    """One that shows a range of time (ms) in a picture: at most a few hundred of them."""
    if end - begin <= 6 * HOUR:
        return "minute"
    return "hour" if end - begin <= 15 * DAY else "day"


def occupancy(
    connection: Connection,
    cameras: tuple[str, ...],
    zone_name: str,
    *,
    begin: int,
    end: int,
    bucket: Bucket,
    zone: tzinfo,
) -> list[dict[str, Any]]:
    """A row for each bucket: start, end (UTC s), time (local), mean, peak, observed (s); null where nothing was seen.

    zone_name: '' for the whole picture. Means and peaks of several cameras are added up, so a peak of several is the
    most that can have been there at the same time.
    """
    limits = edges(begin, end, bucket, zone)
    sums: dict[int, dict[str, list[float]]] = {}
    for kept, span in _sources(begin, end, bucket, zone):
        shift, width = (0, end + 1) if bucket == "total" else span.number(bucket)
        statement = _statement(cameras, zone_name, kept, span, shift=shift, width=width)
        for number, camera, people, peak, observed in connection.execute(statement).all():
            start = max(number * width - shift, span.begin)
            found = sums.setdefault(place(limits, start), {}).setdefault(camera, [0.0, 0.0, 0.0])
            found[0] += people
            found[1] = max(found[1], peak)
            found[2] += observed
    times = local_times(limits, zone)
    return [
        {"start": start / 1000, "end": until / 1000, "time": times[i], **_of(sums.get(i))}
        for i, (start, until) in enumerate(pairwise(limits))
    ]


def _sources(begin: int, end: int, bucket: Bucket, zone: tzinfo) -> Iterator[tuple[_Kept, Stretch]]:
    """Where each stretch is told from: whole hours of UTC from the sums, what is left at its ends from the minutes."""
    for span in [Stretch(begin, end, 0)] if bucket == "total" else stretches(begin, end, zone):
        first, last = -(-span.begin // HOUR) * HOUR, span.end // HOUR * HOUR
        if first >= last or bucket == "minute" or span.offset % QUARTER_HOUR:
            yield _MINUTES, span
            continue
        if span.begin < first:
            yield _MINUTES, span._replace(end=first)
        yield _QUARTERS if span.offset % HOUR else _HOURS, span._replace(begin=first, end=last)
        if last < span.end:
            yield _MINUTES, span._replace(begin=last)


def _statement(
    cameras: tuple[str, ...], zone_name: str, kept: _Kept, span: Stretch, *, shift: int, width: int
) -> Select[Any]:
    """(number of the bucket, camera, person-seconds, peak, observed)."""
    row = kept.table.c
    number = ((kept.at + shift) // width).label("number")
    return (
        select(number, row.camera, func.sum(kept.people), func.max(row.peak), func.sum(row.observed))
        .where(row.camera.in_(cameras), row.zone == zone_name, kept.since >= span.begin, kept.since < span.end)
        .group_by(number, row.camera)
    )


def _of(cameras: dict[str, list[float]] | None) -> dict[str, float | int | None]:
    seen = [each for each in (cameras or {}).values() if each[2] > 0]
    if not seen:
        return {"mean": None, "peak": None, "observed": 0.0}
    return {
        "mean": round(sum(people / observed for people, _, observed in seen), 3),
        "peak": int(sum(peak for _, peak, _ in seen)),
        "observed": round(sum(observed for _, _, observed in seen), 1),
    }
