"""The writer against what can go wrong with a database: it tells, waits, goes on, and counts what it could not keep."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamer.config import StoreConfig
from streamer.store import tables
from streamer.store.rows import milliseconds
from streamer.types import Event, EventKind
from tests.postgres import Postgres, postgres_is_installed
from tests.requirements import require
from tests.small_disk import fill, small_disk
from tests.stores import FOR_EVER, NOON, Story, Writing, all_rows, live, writing


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'store.sqlite3'}"


def test_while_another_program_holds_the_lock_events_wait_within_a_bound(tmp_path: Path) -> None:
    with writing(sqlite_url(tmp_path), StoreConfig(queue_size=1000, retention=FOR_EVER)) as here:
        here.writer.status(live("door", NOON))
        here.writer.event(Story("before").starts(NOON))
        here.until("it writes", lambda: here.waiting() == 0)
        with contextlib.closing(sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for i in range(1200):
                here.writer.event(Story(f"v{i:04}").starts(NOON + i))
            assert here.until("it is told", lambda: here.problem) < 5
            assert "locked" in (here.problem or "")
            other.execute("ROLLBACK")
        assert here.until("it works again", lambda: here.problem is None) < 10
        here.until("all is written", lambda: here.waiting() == 0)
        kept = [row["key"] for row in all_rows(here.database, tables.visits)]
        assert kept == ["before", *(f"v{i:04}" for i in range(1000))]  # what came first is kept
        assert here.dropped("event") == 200
        # the time of what was lost is no uptime
        here.until("a new interval begins", lambda: len(all_rows(here.database, tables.uptime)) == 2)


def test_a_file_that_is_removed_under_it_is_told_and_begun_anew(tmp_path: Path) -> None:
    with writing(sqlite_url(tmp_path)) as here:
        here.writer.event(Story("lost").starts(NOON))
        here.until("it writes", lambda: here.waiting() == 0)
        for file in tmp_path.glob("store.sqlite3*"):
            file.unlink()
        here.writer.event(Story("kept").starts(NOON + 1))
        assert here.until("it is told", lambda: here.problem) < 5
        assert "was removed or replaced" in (here.problem or "")
        assert here.until("it works again", lambda: here.problem is None) < 10
        assert [row["key"] for row in all_rows(here.database, tables.visits)] == ["kept"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path) as found:
        yield found


def test_a_full_disk_is_told_and_writing_goes_on_when_there_is_room_again(disk: Path) -> None:
    with writing(sqlite_url(disk)) as here:
        here.writer.status(live("door", NOON))
        here.writer.event(Story("before").starts(NOON))
        here.until("it writes", lambda: here.waiting() == 0)
        ballast = fill(disk)
        for i in range(300):
            here.writer.event(Story(f"v{i}").starts(NOON + i))
        assert here.until("it is told", lambda: here.problem) < 5
        assert "full" in (here.problem or "")
        ballast.unlink()
        assert here.until("it works again", lambda: here.problem is None) < 10
        here.until("all is written", lambda: here.waiting() == 0)
        assert len(all_rows(here.database, tables.visits)) == 301
        up = all_rows(here.database, tables.uptime)
        assert len(up) == 1
        assert up[0]["until"] > up[0]["since"]
    with contextlib.closing(sqlite3.connect(disk / "store.sqlite3")) as after:
        assert after.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_postgresql_that_restarts_is_told_and_found_again() -> None:
    require(postgres_is_installed(), "PostgreSQL (Debian: postgresql)")
    with Postgres() as server, writing(server.new_database()) as here:
        here.writer.event(Story("before").starts(NOON))
        here.until("it writes", lambda: here.waiting() == 0)
        server.stop()
        here.writer.event(Story("meanwhile").starts(NOON + 1))
        assert here.until("it is told", lambda: here.problem) < 5
        server.start()
        assert here.until("it works again", lambda: here.problem is None) < 10
        here.until("all is written", lambda: here.waiting() == 0)
        assert [row["key"] for row in all_rows(here.database, tables.visits)] == ["before", "meanwhile"]


def test_a_postgresql_that_answers_nothing_is_told_and_writing_goes_on_when_it_does() -> None:
    require(postgres_is_installed(), "PostgreSQL (Debian: postgresql)")

    def told(here: Writing) -> str | None:
        here.writer.look(time.monotonic())
        return here.problem

    with Postgres() as server, writing(server.new_database()) as here:
        here.writer.event(Story("before").starts(NOON))
        here.until("it writes", lambda: here.waiting() == 0)
        assert told(here) is None
        server.freeze()
        try:
            here.writer.event(Story("meanwhile").starts(NOON + 1))
            here.until("it is told", lambda: told(here))
            assert "no answer for 3 s" in (here.problem or "")
        finally:
            server.thaw()
        here.until("it works again", lambda: here.problem is None)
        here.until("all is written", lambda: here.waiting() == 0)
        assert [row["key"] for row in all_rows(here.database, tables.visits)] == ["before", "meanwhile"]


def test_a_row_that_the_database_refuses_holds_up_no_other(tmp_path: Path) -> None:
    with writing(sqlite_url(tmp_path)) as here:
        here.writer.event(Story("one").starts(NOON))
        here.writer.event(Event(EventKind.LINE_CROSSED, "door", NOON, key="no line", visit="one"))
        here.writer.event(Story("two").starts(NOON))
        here.until("all is written", lambda: here.waiting() == 0)
        here.until("the bad one is counted", lambda: here.dropped("refused") == 1)
        assert [row["key"] for row in all_rows(here.database, tables.visits)] == ["one", "two"]


def test_what_is_too_old_goes_and_the_file_shrinks(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    with writing(sqlite_url(tmp_path)) as here:
        for i in range(4000):  # over ten days, long ago
            here.writer.event(Story(f"v{i}").crosses(NOON - 500 * 86400 + 216 * i))
            here.writer.event(Story(f"v{i}").starts(NOON - 500 * 86400 + 216 * i))
        here.until("all is written", lambda: here.waiting() == 0)
    large = file.stat().st_size
    keep = StoreConfig(retention=FOR_EVER.model_copy(update={"crossings": 30, "events": 30}))
    with writing(sqlite_url(tmp_path), keep) as here:
        here.until("the room is given back", lambda: file.stat().st_size < large * 0.7, 20)
        assert all_rows(here.database, tables.crossings) == []
        assert len(all_rows(here.database, tables.visits)) == 4000
        kinds = {row["counted"] for row in all_rows(here.database, tables.hours)}
        assert kinds == {"visits"}


def test_a_start_without_a_database_waits_for_it(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    folder.write_text("a file where a folder should be")
    with writing(f"sqlite:///{folder / 'store.sqlite3'}") as here:
        here.writer.event(Story("v").starts(NOON))
        here.until("it is told", lambda: here.problem)
        folder.unlink()
        here.until("it works", lambda: here.problem is None)
        here.until("all is written", lambda: here.waiting() == 0)
        [row] = all_rows(here.database, tables.visits)
        assert row["started_at"] == milliseconds(NOON)
