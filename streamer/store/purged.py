"""What was purged stays so: what is under way meanwhile isn't written into that time when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, delete, insert, select

from streamer.store import tables
from streamer.store.rows import Row, Rows

__all__ = ["note_purge", "without_purged"]


def note_purge(connection: Connection, begin: int, end: int, camera: str | None) -> None:
    """Nothing of the time from `begin` up to `end` (ms, UTC) is written any more, at one camera or all."""
    row = tables.purged.c
    values = {"camera": camera or "", "since": begin, "until": end}
    connection.execute(delete(tables.purged).where(*(row[name] == value for name, value in values.items())))
    connection.execute(insert(tables.purged), values)


def without_purged(connection: Connection, rows: Rows) -> Rows:
    """Those rows that lie in no time that was purged."""
    purged = connection.execute(select(tables.purged)).all()
    if not purged:
        return rows

    def kept(some: Sequence[Row], at: str) -> list[Row]:
        return [
            row
            for row in some
            if not any(each.camera in {"", row["camera"]} and each.since <= row[at] < each.until for each in purged)
        ]

    return replace(
        rows,
        events=kept(rows.events, "at"),
        visits_begun=kept(rows.visits_begun, "started_at"),
        visits_ended=kept(rows.visits_ended, "started_at"),
        crossings=kept(rows.crossings, "at"),
        stays=kept(rows.stays, "entered_at"),
        occupancy=kept(rows.occupancy, "minute"),
    )
