"""Hours, days and weeks as the clocks of a place have them, in UTC. Pure; times are milliseconds since the epoch.

Between two changes of its clocks a place's time is UTC plus a constant. In such a `Stretch` a database can tell the
hours and days apart by arithmetic alone, and a day of 23 or of 25 hours comes out as long as it was.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal, NamedTuple

import numpy as np

__all__ = ["WIDTHS", "Bucket", "Stretch", "edges", "local_time", "local_times", "place", "stretches"]

Bucket = Literal["minute", "hour", "day", "week", "total"]

_MINUTE: Final = 60_000
_DAY: Final = 24 * 60 * _MINUTE
WIDTHS: Final[dict[str, int]] = {"minute": _MINUTE, "hour": 60 * _MINUTE, "day": _DAY, "week": 7 * _DAY}
_MONDAY: Final = 3 * _DAY  # the epoch was a Thursday: weeks of seven days counted from it begin three days later


class Stretch(NamedTuple):
    """From `begin` up to `end` local time is UTC + `offset`."""

    begin: int
    end: int
    offset: int

    def number(self, bucket: str) -> tuple[int, int]:
        """(shift, width): (time + shift) // width numbers the buckets of this stretch."""
        return self.offset + (_MONDAY if bucket == "week" else 0), WIDTHS[bucket]


def stretches(begin: int, end: int, zone: tzinfo) -> list[Stretch]:
    """The stretches from `begin` up to `end`, in order."""
    found = []
    while begin < end:
        offset = _offset(begin, zone)
        until = _next_change(begin, end, offset, zone)
        found.append(Stretch(begin, until, offset))
        begin = until
    return found


def edges(begin: int, end: int, bucket: str, zone: tzinfo) -> list[int]:
    """Where the buckets from `begin` up to `end` begin, and the end: one more than there are buckets.

    The first and the last are cut where the range cuts them.
    """
    if bucket == "total":
        return [begin, end]
    if bucket in {"day", "week"}:
        inner = _midnights(begin, end, 7 if bucket == "week" else 1, zone)
    else:
        inner = []
        for stretch in stretches(begin, end, zone):
            shift, width = stretch.number(bucket)
            first = -(-(stretch.begin + shift) // width) * width - shift
            inner += range(first, stretch.end, width)
    return [begin, *(at for at in inner if begin < at < end), end]


def place(found: list[int], at: int) -> int:
    """The number of the bucket between these edges in which a time lies."""
    return bisect_right(found, at) - 1


def local_time(at: int, zone: tzinfo) -> str:
    """ISO 8601, with the offset."""
    return datetime.fromtimestamp(at / 1000, zone).isoformat()


def local_times(times: Sequence[int], zone: tzinfo) -> list[str]:
    """`local_time` of times that rise; the clocks are looked at where they change only, so thousands take no time."""
    found: list[str] = []
    for stretch in stretches(times[0], times[-1] + 1, zone) if times else ():
        within = times[bisect_left(times, stretch.begin) : bisect_left(times, stretch.end)]
        if any(at % 1000 for at in within):
            found += (local_time(at, zone) for at in within)
            continue
        suffix = local_time(stretch.begin // 1000 * 1000, zone)[len("2025-01-01T00:00:00") :]
        found += (
            f"{local}{suffix}"
            for local in np.datetime_as_string(
                np.asarray([at + stretch.offset for at in within], "datetime64[ms]"), unit="s"
            )
        )
    return found


def _offset(at: int, zone: tzinfo) -> int:
    offset = datetime.fromtimestamp(at / 1000, zone).utcoffset() or timedelta()
    return round(offset.total_seconds() * 1000)


def _next_change(begin: int, end: int, offset: int, zone: tzinfo) -> int:
    """When clocks are set after `begin`; `end` if not before."""
    low = begin
    while low < end and _offset(min(low + _DAY, end), zone) == offset:
        low += _DAY
    if low >= end:
        return end
    high = min(low + _DAY, end)
    while high - low > 1000:
        middle = (low + high) // 2000 * 1000
        if middle <= low:
            break
        low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
    return high


def _midnights(begin: int, end: int, days: int, zone: tzinfo) -> list[int]:
    """Of every day, or of Mondays. Where a day begins later than at 0:00 it is its first moment."""
    day = datetime.fromtimestamp(begin / 1000, zone).date()
    if days == 7:
        day -= timedelta(days=day.weekday())
    found = []
    at = begin
    while at < end:
        at = round(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC).timestamp() * 1000)
        found.append(at)
        day += timedelta(days=days)
    return found
