"""Lists over every database: page after page, everything comes once."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from streamer.store import tables
from streamer.store.database import Database
from streamer.store.listing import events
from streamer.store.rows import milliseconds
from tests.stores import NOON, all_rows

EVENTS = 300


@pytest.fixture
def filled(database: Database) -> Database:
    """Events at two cameras, a second from each other, stored in quite another order than they happened in."""
    rows = [
        {
            "key": f"e{i}",
            "kind": "visit_started",
            "camera": "yard" if i % 3 else "door",
            "at": milliseconds(NOON + second),
        }
        for i, second in enumerate(i * 37 % EVENTS for i in range(EVENTS))
    ]
    with database.write() as connection:
        connection.execute(insert(tables.events), rows)
    return database


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
@pytest.mark.parametrize("cameras", [("door",), ("door", "yard")])
@pytest.mark.parametrize(("first", "last"), [(0, EVENTS), (100, 110), (EVENTS, EVENTS + 9)])
def test_pages_hold_every_event_of_the_time_once_in_the_order_in_which_they_were_stored(
    filled: Database, limit: int, cameras: tuple[str, ...], first: int, last: int
) -> None:
    begin, end = milliseconds(NOON + first), milliseconds(NOON + last)
    found: list[str] = []
    cursor, page = "", None
    while page != []:
        with filled.read(10) as connection:
            page, following = events(connection, cameras, begin, end, cursor=cursor, limit=limit)
        assert len(page) <= limit
        found += [row["key"] for row in page]
        cursor = following or ""
    stored = all_rows(filled, tables.events)
    assert found == [row["key"] for row in stored if row["camera"] in cameras and begin <= row["at"] < end]
