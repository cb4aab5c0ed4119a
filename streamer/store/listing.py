"""Single visits, and everything that happened, a page at a time."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from streamer.store import tables

__all__ = ["CursorError", "events", "visits"]


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
    conditions = [row.camera.in_(cameras), row.at >= begin, row.at < end]
    if cursor:
        conditions.append(row.id > _decoded(cursor, 1)[0])
    statement = select(tables.events).where(*conditions).order_by(row.id).limit(limit)
    found = connection.execute(statement).mappings().all()
    following = _encoded(found[-1]["id"]) if found else (cursor or None)
    return [_shown(dict(each), "at") for each in found], following


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
