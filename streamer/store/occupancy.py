"""How many were there at the same time, over time."""

from __future__ import annotations

from datetime import tzinfo
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, Select, func, select

from streamer.store import tables
from streamer.store.calendar import Bucket, Stretch, edges, local_time, place, stretches

__all__ = ["bucket_for", "occupancy"]

_HOUR = 3_600_000


def bucket_for(begin: int, end: int) -> Bucket:
    """One that shows a range of time (ms) in a picture: at most a few hundred of them."""
    if end - begin <= 6 * _HOUR:
        return "minute"
    return "hour" if end - begin <= 15 * 24 * _HOUR else "day"


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
    for span in stretches(begin, end, zone):
        shift, width = (0, end + 1) if bucket == "total" else span.number(bucket)
        hours = bucket != "minute" and all(at % _HOUR == 0 for at in (span.begin, span.end, span.offset))
        statement = _statement(cameras, zone_name, span, hours=hours, shift=shift, width=width)
        for number, camera, people, peak, observed in connection.execute(statement):
            start = max(number * width - shift, span.begin)
            found = sums.setdefault(place(limits, start), {}).setdefault(camera, [0.0, 0.0, 0.0])
            found[0] += people
            found[1] = max(found[1], peak)
            found[2] += observed
    return [
        {"start": start / 1000, "end": until / 1000, "time": local_time(start, zone), **_of(sums.get(i))}
        for i, (start, until) in enumerate(pairwise(limits))
    ]


def _statement(
    cameras: tuple[str, ...], zone_name: str, span: Stretch, *, hours: bool, shift: int, width: int
) -> Select[Any]:
    """(number of the bucket, camera, person-seconds, peak, observed). hours: from the sums of hours."""
    table = tables.occupancy_hours if hours else tables.occupancy
    at = table.c.hour if hours else table.c.minute
    people = table.c.people if hours else table.c.mean * table.c.observed
    number = ((at + shift) // width).label("number")
    return (
        select(number, table.c.camera, func.sum(people), func.max(table.c.peak), func.sum(table.c.observed))
        .where(table.c.camera.in_(cameras), table.c.zone == zone_name, at >= span.begin, at < span.end)
        .group_by(number, table.c.camera)
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
