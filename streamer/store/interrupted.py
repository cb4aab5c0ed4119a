"""Closes what was under way when the program was killed: visits, and stays in zones, end when it was last alive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, func, select, true, update

from streamer.store import tables
from streamer.store.batch import upsert
from streamer.store.rollup import hour_of, refresh
from streamer.types import EventKind

__all__ = ["close_interrupted"]


def close_interrupted(connection: Connection, cameras: Sequence[str]) -> int:
    """End the visits that are open at these cameras, and the stays in them; how many visits.

    For a start, before anything of the new run is written: whatever is open then was left open by an earlier one. The
    end is the last heartbeat of the camera (see `tables.uptime`), or the visit's last crossing or stay where that is
    later. Who it was stays unknown, as looks are kept in memory only. What is closed is not open: a second call, or a
    late end of the visit, changes nothing.
    """
    row = tables.visits.c
    about = (row.key, row.camera, row.started_at, row.gender, row.age_group)
    statement = select(*about, *_last_signs()).where(row.ended_at.is_(None), row.camera.in_(cameras))
    visits = connection.execute(statement).mappings().all()
    if not visits:
        return 0
    ends = {
        visit["key"]: max(visit[name] or 0 for name in ("started_at", "heartbeat", "crossed", "left"))
        for visit in visits
    }
    closed = update(tables.visits).where(row.key == bindparam("of"))
    known = [{"of": key, "at": at} for key, at in ends.items()]
    connection.execute(closed.values(ended_at=bindparam("at"), interrupted=true()), known)
    stays = _open_stays(connection, visits, ends)
    if stays:
        connection.execute(upsert(connection, tables.stays).on_conflict_do_nothing(), stays)
    changed = {hour_of("visits", visit["camera"], visit["started_at"]) for visit in visits}
    refresh(connection, changed | {hour_of("stays", stay["camera"], stay["entered_at"]) for stay in stays})
    return len(visits)


def _last_signs() -> tuple[ColumnElement[Any], ...]:
    """Of a visit: until when its camera was known to be up in the run that saw it begin, and what it did last."""
    visit, up, crossing, stay = tables.visits.c, tables.uptime.c, tables.crossings.c, tables.stays.c
    begun_before = select(up.until).where(up.camera == visit.camera, up.since <= visit.started_at)
    return (
        begun_before.order_by(up.since.desc()).limit(1).scalar_subquery().label("heartbeat"),
        select(func.max(crossing.at)).where(crossing.visit == visit.key).scalar_subquery().label("crossed"),
        select(func.max(stay.left_at)).where(stay.visit == visit.key).scalar_subquery().label("left"),
    )


def _open_stays(connection: Connection, visits: Sequence[RowMapping], ends: Mapping[str, int]) -> list[dict[str, Any]]:
    """Of these visits: the zones that were entered and not left."""
    of = {visit["key"]: visit for visit in visits}
    row = tables.events.c
    moves = connection.execute(
        select(row.key, row.kind, row.visit, row.rule, row.at)
        .where(row.at >= min(visit["started_at"] for visit in visits), row.camera.in_({v["camera"] for v in visits}))
        .where(row.kind.in_((EventKind.ZONE_ENTERED.value, EventKind.ZONE_LEFT.value)))
        .order_by(row.at, row.id)
    )
    inside: dict[tuple[str, str], dict[str, Any]] = {}
    for key, kind, visit, zone, at in moves:
        if visit not in of:
            continue
        if kind == EventKind.ZONE_LEFT.value:
            inside.pop((visit, zone), None)
        else:
            about = {name: of[visit][name] for name in ("camera", "gender", "age_group")}
            stay = {"key": f"{key}-interrupted", "visit": visit, "zone": zone, "entered_at": at}
            inside[visit, zone] = about | stay | {"left_at": max(at, ends[visit])}
    return list(inside.values())
