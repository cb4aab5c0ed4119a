"""What a page costs, counted in steps of SQLite's machine: no clock is asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, text

from streamer.store import tables
from streamer.store.database import Database
from streamer.store.listing import events
from streamer.store.rows import milliseconds
from tests.stores import NOON

EVENTS = 20_000
LIMIT = 100


def steps(database: Database, begin: int, end: int, cursor: str) -> int:
    """Tens of steps that a page takes."""
    count = 0

    def counted() -> None:
        nonlocal count
        count += 1

    with database.read(60) as connection:
        raw: Any = connection.connection.driver_connection
        raw.set_progress_handler(counted, 10)
        page, _ = events(connection, ("door",), begin, end, cursor=cursor, limit=LIMIT)
    assert len(page) == LIMIT
    return count


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An event every second, and the planner knows how many there are."""
    made = Database(f"sqlite:///{tmp_path}/figures.sqlite3")
    rows = [
        {"key": f"e{i}", "kind": "visit_started", "camera": "door", "at": milliseconds(NOON + i)} for i in range(EVENTS)
    ]
    with made.write() as connection:
        connection.execute(insert(tables.events), rows)
        connection.execute(text("ANALYZE"))
    yield made
    made.close()


def test_a_later_page_of_a_long_time_is_no_more_work_than_one_of_a_short_time(database: Database) -> None:
    begin = milliseconds(NOON)
    with database.read(60) as connection:
        _, cursor = events(connection, ("door",), begin, begin + 1_000_000, cursor="", limit=LIMIT)
    assert cursor is not None
    short = steps(database, begin, milliseconds(NOON + EVENTS // 20), cursor)
    long = steps(database, begin, milliseconds(NOON + EVENTS), cursor)
    assert long < 2 * short, (short, long)
