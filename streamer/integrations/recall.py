"""What earlier runs counted today, asked of the store."""

from __future__ import annotations

from typing import Literal, cast

from sqlalchemy import func, or_, select

from streamer.integrations.counts import DayCounts, Recall
from streamer.store.database import Database
from streamer.store.rows import milliseconds
from streamer.store.tables import crossings, visits

__all__ = ["recall_from"]

_SECONDS = 5.0  # for the answer


def recall_from(database: Database) -> Recall:
    """Asks a database, which is opened if it isn't yet."""

    def recall(since: float, until: float) -> dict[str, DayCounts]:
        begin, end = milliseconds(since), milliseconds(until)
        # Visits that are open though they began before were cut off by a kill, and will be closed in a moment
        over = (
            select(visits.c.camera, func.count())
            .where(visits.c.started_at >= begin, visits.c.started_at < end)
            .where(or_(visits.c.ended_at < end, visits.c.ended_at.is_(None)))
            .group_by(visits.c.camera)
        )
        crossed = (
            select(crossings.c.camera, crossings.c.line, crossings.c.direction, func.count())
            .where(crossings.c.at >= begin, crossings.c.at < end)
            .group_by(crossings.c.camera, crossings.c.line, crossings.c.direction)
        )
        found: dict[str, DayCounts] = {}
        database.open()
        with database.read(_SECONDS) as connection:
            for camera, count in connection.execute(over):
                found.setdefault(camera, DayCounts()).visits = count
            for camera, line, direction, count in connection.execute(crossed):
                way = cast('Literal["in", "out"]', direction)
                found.setdefault(camera, DayCounts()).crossings[line, way] = count
        return found

    return recall
