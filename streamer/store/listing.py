"""Single visits, and everything that happened, a page at a time."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from sqlalchemy import Connection, and_, func, or_, select

from streamer.store import tables

__all__ = ["CursorError", "events", "visits"]

_NEAR: Final = 20  # times a page: so many events are looked through in the order in which they were stored


class CursorError(ValueError):
    """Not a cursor that was given out here."""


def visits(
    connection: Connection, cameras: tuple[str, ...], begin: int, end: int, *, cursor: str, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Visits that began from `begin` up to `end` (ms), in order of their beginning, and the next page's cursor.

    Raises CursorError. Times in the rows are UTC s; ended_at is null while a visit is under way.
    """
    row = tables.visits.c
    conditions = [row.camera.in_(cameras), row.started_at >= begin, row.started_at < end]
    if cursor:
        at, number = _decoded(cursor, 2)
        conditions.append(or_(row.started_at > at, and_(row.started_at == at, row.id > number)))
    statement = select(tables.visits).where(*conditions).order_by(row.started_at, row.id).limit(limit + 1)
    found = connection.execute(statement).mappings().all()
    page = found[:limit]
    following = _encoded(page[-1]["started_at"], page[-1]["id"]) if len(found) > limit else None
    return [_shown(dict(each), "started_at", "ended_at") for each in page], following


def events(
    connection: Connection, cameras: tuple[str, ...], begin: int, end: int, *, cursor: str, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """What happened from `begin` up to `end` (ms), in the order in which it was stored, and the cursor to go on from.

    That cursor holds also at the end, and finds then what has come since. Raises CursorError. Times are UTC s.
    """
    row = tables.events.c
    after = _decoded(cursor, 1)[0] if cursor else _before_the_first(connection, begin, end)
    if after is None:
        return [], None
    near = after + _NEAR * limit
    page = select(tables.events).where(row.camera.in_(cameras)).order_by(row.id).limit(limit)
    # First among those that were stored next, as that is the order of time, too, or nearly so. "+ 0" keeps a column
    # from being searched by: by the index of times, all events of the range would be read and sorted for each page.
    by_id = page.where(row.id > after, row.id <= near, row.at + 0 >= begin, row.at + 0 < end)
    found = connection.execute(by_id).mappings().all()
    if len(found) < limit and (connection.scalar(select(func.max(row.id))) or 0) > near:
        by_time = page.where(row.id + 0 > after, row.at >= begin, row.at < end)
        found = connection.execute(by_time).mappings().all()
    following = _encoded(found[-1]["id"]) if found else (cursor or None)
    return [_shown(dict(each), "at") for each in found], following


def _before_the_first(connection: Connection, begin: int, end: int) -> int | None:
    """The number before that of the event which was stored first of those in a range of time; None: there is none."""
    row = tables.events.c
    first = connection.scalar(select(func.min(row.id + 0)).where(row.at >= begin, row.at < end))
    return None if first is None else int(first) - 1


def _shown(row: dict[str, Any], *times: str) -> dict[str, Any]:
    del row["id"]
    return row | {name: row[name] / 1000 for name in times if row[name] is not None}


def _encoded(*numbers: int) -> str:
    return base64.urlsafe_b64encode(".".join(map(str, numbers)).encode()).decode().rstrip("=")


def _decoded(cursor: str, length: int) -> list[int]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        numbers = [int(part) for part in text.split(".")]
    except (binascii.Error, ValueError):
        numbers = []
    if len(numbers) != length or any(abs(number) > 2**62 for number in numbers):
        raise CursorError("not a cursor: use the `next` of an earlier answer, or leave it out")
    return numbers
