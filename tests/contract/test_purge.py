"""Purges over every database: what is removed stays so, nothing else is touched, and its room is given back."""

from __future__ import annotations

import time

import numpy as np
from sqlalchemy import insert, text

from streamer.analytics.heat import COLUMNS, ROWS
from streamer.store import tables
from streamer.store.batch import write_uptime
from streamer.store.database import Database
from streamer.store.deletion import purge
from streamer.store.heat import add_heat
from streamer.store.rows import Item, milliseconds, uptime_rows
from streamer.store.uptime import Interval
from streamer.types import OccupancyMinute
from tests.stores import NOON, Story, all_rows, keep

GRID = np.ones((ROWS, COLUMNS), np.float32)


def test_a_purge_takes_everything_of_its_time_and_camera_and_nothing_else(database: Database) -> None:
    for camera in ("door", "yard"):
        for i in range(6):
            visit = Story(f"{camera}{i}", camera=camera)
            begin = NOON + 1800 * i
            items: list[Item] = [visit.starts(begin), visit.crosses(begin + 1), visit.leaves(begin + 3, begin + 2)]
            keep(database, *items, visit.ends(begin + 4, begin), OccupancyMinute(camera, "", int(begin), 1.0, 1, 60.0))
        with database.write() as connection:
            write_uptime(connection, uptime_rows([Interval(camera, NOON, NOON + 10_000)], session="run"))
            add_heat(connection, {(camera, int(NOON) + 3600 * i): GRID for i in range(3)})
    kept = [row for row in all_rows(database, tables.visits) if row["camera"] == "yard"]
    begin, end = milliseconds(NOON + 1800), milliseconds(NOON + 5400)  # from half an hour to one and a half
    counts = purge(database, begin, end, "door")
    assert counts == {"visits": 2, "crossings": 2, "stays": 2, "occupancy": 2, "events": 8, "heat": 2, "uptime": 1}
    visits = all_rows(database, tables.visits)
    assert [row["key"] for row in visits if row["camera"] == "door"] == ["door0", "door3", "door4", "door5"]
    assert [row for row in visits if row["camera"] == "yard"] == kept
    by_hour = {
        (row["camera"], (row["hour"] - milliseconds(NOON)) // 3_600_000): row["count"]
        for row in all_rows(database, tables.hours)
        if row["counted"] == "visits"
    }
    assert by_hour == {("door", 0): 1, ("door", 1): 1, ("door", 2): 2} | {("yard", hour): 2 for hour in range(3)}
    # an hour of which a part was to go is gone
    grids = {
        (row["camera"], (row["hour"] - milliseconds(NOON)) // 3_600_000) for row in all_rows(database, tables.heat)
    }
    assert grids == {("door", 2)} | {("yard", hour) for hour in range(3)}
    intervals = [row for row in all_rows(database, tables.uptime) if row["camera"] == "door"]
    spans = sorted((row["since"], row["until"]) for row in intervals)
    assert spans == [(milliseconds(NOON), begin), (end, milliseconds(NOON + 10_000))]


def test_what_is_under_way_during_a_purge_is_not_written_into_that_time_when_it_ends(database: Database) -> None:
    here, elsewhere = Story("here"), Story("elsewhere", camera="yard")
    for visit in (here, elsewhere):
        keep(database, visit.starts(NOON), visit.enters(NOON + 1))
    purge(database, milliseconds(NOON - 60), milliseconds(NOON + 5), "door")
    for visit in (here, elsewhere):
        keep(database, visit.leaves(NOON + 8, NOON + 1), visit.crosses(NOON + 9), visit.ends(NOON + 10, NOON))
        keep(database, OccupancyMinute(visit.camera, "", int(NOON), 1.0, 1, 60.0))
    for table in (tables.visits, tables.stays, tables.occupancy, tables.spans):
        assert {row["camera"] for row in all_rows(database, table)} == {"yard"}, table.name
    # What happened after that time is no part of it
    assert [row["camera"] for row in all_rows(database, tables.crossings)] == ["door", "yard"]


def test_a_purge_of_time_to_come_takes_nothing_that_happens_after_it(database: Database) -> None:
    now = time.time()
    purge(database, milliseconds(now - 60), milliseconds(now + 3600))
    keep(database, Story("before").starts(now - 1), Story("after").starts(now + 60))
    assert [row["key"] for row in all_rows(database, tables.visits)] == ["after"]


def size(database: Database) -> int:
    """Bytes of SQLite's file, or of the table of events in PostgreSQL."""
    if database.file is not None:
        return database.file.stat().st_size
    with database.read(5) as connection:
        return int(connection.execute(text("SELECT pg_total_relation_size('events')")).scalar_one())


def test_a_purge_gives_room_back_though_newer_rows_lie_behind(database: Database) -> None:
    rows = [
        {"key": f"e{i}", "kind": "visit_started", "camera": "door", "at": milliseconds(NOON + i)} for i in range(8000)
    ]
    with database.write() as connection:
        connection.execute(insert(tables.events), rows)
    database.shrink()
    large = size(database)
    assert purge(database, milliseconds(NOON), milliseconds(NOON + 7900))["events"] == 7900
    assert size(database) < large / 2
    assert len(all_rows(database, tables.events)) == 100


def test_a_visit_counts_at_a_line_for_as_long_as_it_has_a_crossing_there(database: Database) -> None:
    visit = Story("v")
    keep(
        database,
        visit.starts(NOON),
        visit.crosses(NOON + 2),
        visit.crosses(NOON + 4, "gate"),
        visit.ends(NOON + 6, NOON),
    )
    assert [(row["line"], row["count"]) for row in all_rows(database, tables.line_spans)] == [
        ("entrance", 1),
        ("gate", 1),
    ]
    purge(database, milliseconds(NOON + 1), milliseconds(NOON + 3))
    assert [(row["line"], row["count"]) for row in all_rows(database, tables.line_spans)] == [("gate", 1)]
