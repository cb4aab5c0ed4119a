"""Writes rows so that a retry changes nothing: each is known by its key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from streamer.store import tables
from streamer.store.purged import without_purged
from streamer.store.rollup import COUNTED, HOUR, Hour, hour_of, refresh, refresh_occupancy
from streamer.store.rows import Row, Rows

__all__ = ["upsert", "write_rows", "write_uptime"]

_AT_ONCE = 500  # keys in one condition


def upsert(connection: Connection, table: Table) -> Any:
    """An INSERT of this database's own, which knows what to do with a row that is there already."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def write_rows(connection: Connection, rows: Rows) -> None:
    """All rows of a batch but those of a time that was purged, and the sums of the hours that they change."""
    rows = without_purged(connection, rows)
    changed: set[Hour] = set()
    _add_new(connection, tables.events, rows.events)
    _add_new(connection, tables.visits, rows.visits_begun)
    _add_new(connection, tables.crossings, rows.crossings)
    _add_new(connection, tables.stays, _unknown_stays(connection, rows.stays))
    _add_new(connection, tables.occupancy, rows.occupancy)
    changed |= {hour_of("visits", row["camera"], row["started_at"]) for row in (*rows.visits_begun, *rows.visits_ended)}
    changed |= {hour_of("crossings", row["camera"], row["at"]) for row in rows.crossings}
    changed |= {hour_of("stays", row["camera"], row["entered_at"]) for row in rows.stays}
    if late := _ended(connection, {row["visit"] for row in (*rows.crossings, *rows.stays)}):
        _follow(connection, [visit["key"] for visit in late])
        changed |= {hour_of("visits", visit["camera"], visit["started_at"]) for visit in late}
    if rows.visits_ended:
        _end_visits(connection, rows.visits_ended)
        changed |= _hours_of(connection, [row["key"] for row in rows.visits_ended])
    if rows.visits_void:
        changed |= _hours_of(connection, rows.visits_void)
        _remove_visits(connection, rows.visits_void)
    refresh(connection, changed)
    refresh_occupancy(connection, {(row["camera"], row["minute"] - row["minute"] % HOUR) for row in rows.occupancy})


def write_uptime(connection: Connection, rows: Sequence[Row]) -> None:
    """Intervals only grow."""
    if not rows:
        return
    statement = upsert(connection, tables.uptime)
    until = statement.excluded.until
    grown = statement.on_conflict_do_update(
        index_elements=["key"], set_={"until": until}, where=tables.uptime.c.until < until
    )
    connection.execute(grown, rows)


def _add_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    if rows:
        connection.execute(upsert(connection, table).on_conflict_do_nothing(), rows)


def _unknown_stays(connection: Connection, rows: Sequence[Row]) -> list[Row]:
    """Those that are not there under another key: a start after a kill closes the stays that were under way."""
    row, known = tables.stays.c, set[tuple[Any, ...]]()
    for some in _chunks([stay["visit"] for stay in rows]):
        kept = connection.execute(select(row.visit, row.zone, row.entered_at).where(row.visit.in_(some)))
        known |= {tuple(each) for each in kept}
    return [stay for stay in rows if (stay["visit"], stay["zone"], stay["entered_at"]) not in known]


def _ended(connection: Connection, keys: Iterable[str]) -> list[Mapping[str, Any]]:
    """Those of these visits that are over: what belongs to them came late."""
    row = tables.visits.c
    about = select(row.key, row.camera, row.started_at).where(row.ended_at.is_not(None))
    return [
        dict(visit)
        for some in _chunks(sorted(keys))
        for visit in connection.execute(about.where(row.key.in_(some))).mappings()
    ]


def _end_visits(connection: Connection, rows: Sequence[Row]) -> None:
    """What is known of a visitor at the end holds for the whole visit, its crossings and its stays."""
    statement = upsert(connection, tables.visits)
    fixed = {name: statement.excluded[name] for name in rows[0] if name not in {"key", "camera"}}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["key"], set_=fixed, where=tables.visits.c.ended_at.is_(None)),
        rows,
    )
    _follow(connection, [row["key"] for row in rows])


def _follow(connection: Connection, visits: Sequence[str]) -> None:
    """Crossings and stays have the age and gender of their visit, which an earlier end may have fixed."""
    for some in _chunks(visits):
        for table in (tables.crossings, tables.stays):
            of_visit = tables.visits.c.key == table.c.visit
            known = {
                name: select(tables.visits.c[name]).where(of_visit).scalar_subquery()
                for name in ("gender", "age_group")
            }
            connection.execute(update(table).where(table.c.visit.in_(some)).values(known))


def _hours_of(connection: Connection, visits: Sequence[str]) -> set[Hour]:
    """The hours in which these visits, their crossings and their stays count."""
    found: set[Hour] = set()
    for counted, source in COUNTED.items():
        key = source.table.c.key if counted == "visits" else source.table.c.visit
        for some in _chunks(visits):
            rows = connection.execute(select(source.table.c.camera, source.at).where(key.in_(some)))
            found |= {hour_of(counted, camera, at) for camera, at in rows}
    return found


def _remove_visits(connection: Connection, visits: Sequence[str]) -> None:
    for some in _chunks(visits):
        connection.execute(delete(tables.visits).where(tables.visits.c.key.in_(some)))
        connection.execute(delete(tables.crossings).where(tables.crossings.c.visit.in_(some)))
        connection.execute(delete(tables.stays).where(tables.stays.c.visit.in_(some)))


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(keys), _AT_ONCE):
        yield keys[begin : begin + _AT_ONCE]
