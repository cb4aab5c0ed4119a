"""One suite over every database: what is written can be found, once, after all that a retry or a restart may do."""

from __future__ import annotations

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, text

from streamer.analytics.heat import COLUMNS, ROWS, HeatMaps
from streamer.errors import StoreError
from streamer.store import tables
from streamer.store.batch import write_uptime
from streamer.store.database import Database, migrate
from streamer.store.heat import heat, heat_since
from streamer.store.rollup import SPANS
from streamer.store.rows import milliseconds, uptime_rows
from streamer.store.uptime import Interval
from streamer.types import OccupancyMinute
from tests.stores import NOON, Story, all_rows, keep, live, track, writing

GRID = np.ones((ROWS, COLUMNS), np.float32)


def sums(database: Database) -> dict[tuple[str, ...], int]:
    """By what is counted, its name, direction, gender and age group."""
    return {
        (row["counted"], row["name"], row["direction"], row["gender"], row["age_group"]): row["count"]
        for row in all_rows(database, tables.hours)
    }


def test_the_migrations_make_the_tables_that_the_program_uses(database: Database) -> None:
    with database.write() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_a_database_of_a_newer_version_is_refused(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StoreError, match="newer streamer \\(version 9999\\)"):
        database.open()


def test_a_visit_counts_from_its_start_and_is_described_at_its_end(database: Database) -> None:
    visit = Story("v1", who=track(age=30.2, gender="male"))
    keep(database, visit.starts(NOON), visit.crosses(NOON + 2), visit.leaves(NOON + 8, NOON + 3))
    assert sums(database) == {
        ("visits", "", "", "unknown", "unknown"): 1,
        ("crossings", "entrance", "in", "unknown", "unknown"): 1,
        ("stays", "till", "", "unknown", "unknown"): 1,
    }
    keep(database, visit.ends(NOON + 9, NOON))
    assert sums(database) == {
        ("visits", "", "", "male", "25-34"): 1,
        ("crossings", "entrance", "in", "male", "25-34"): 1,
        ("stays", "till", "", "male", "25-34"): 1,
    }
    [row] = all_rows(database, tables.visits)
    assert (row["started_at"], row["ended_at"]) == (milliseconds(NOON), milliseconds(NOON + 9))
    assert (row["age"], row["age_low"], row["age_high"], row["samples"]) == (30.2, 27.2, 33.2, 5)


def test_what_comes_twice_counts_once(database: Database) -> None:
    visit = Story("v1")
    items = [visit.starts(NOON), visit.crosses(NOON + 1), visit.leaves(NOON + 3, NOON + 2), visit.ends(NOON + 4, NOON)]
    minute = OccupancyMinute("door", "", int(NOON), 1.5, 3, 60.0)
    keep(database, *items, minute)
    once = [all_rows(database, table) for table in tables.metadata.sorted_tables]
    keep(database, *items, minute)
    assert [all_rows(database, table) for table in tables.metadata.sorted_tables] == once


def test_a_picture_taken_for_a_visit_leaves_nothing_behind(database: Database) -> None:
    poster, visitor = Story("poster"), Story("v1")
    keep(database, poster.starts(NOON), poster.crosses(NOON + 1), visitor.starts(NOON))
    keep(database, poster.ends(NOON + 20, NOON, static=True))
    assert sums(database) == {("visits", "", "", "unknown", "unknown"): 1}
    assert [row["key"] for row in all_rows(database, tables.visits)] == ["v1"]


def test_the_sums_are_those_of_the_rows_whatever_came_in_which_order(database: Database) -> None:
    people = [Story(f"v{i}", camera=f"c{i % 2}", who=track(age=5.0 * i, gender="female")) for i in range(12)]
    ends = [person.ends(NOON + 600 * i + 30, NOON + 600 * i) for i, person in enumerate(people)]
    keep(database, *ends[::-1])
    keep(database, *(person.crosses(NOON + 600 * i + 9) for i, person in enumerate(people)))
    with database.read(5) as connection:
        rows = connection.execute(
            text("SELECT camera, started_at - started_at % 3600000, age_group, count(*) FROM visits GROUP BY 1, 2, 3")
        ).all()
        hours = connection.execute(
            text("SELECT camera, hour, age_group, count FROM hours WHERE counted = 'visits'")
        ).all()
    assert sorted(map(tuple, rows)) == sorted(map(tuple, hours))
    assert len(rows) > 6


def test_uptime_grows_under_its_key(database: Database) -> None:
    for until in (NOON, NOON + 5, NOON + 3):
        with database.write() as connection:
            write_uptime(connection, uptime_rows([Interval("door", NOON, until)], session="run"))
    [row] = all_rows(database, tables.uptime)
    assert (row["since"], row["until"]) == (milliseconds(NOON), milliseconds(NOON + 5))


def test_what_was_under_way_at_a_kill_ends_once_when_the_program_was_last_alive(url: str) -> None:
    with writing(url, session="killed") as here:
        here.writer.event(Story("whole").starts(NOON))
        here.writer.event(Story("whole").ends(NOON + 3, NOON))
        open_visit, elsewhere = Story("open"), Story("elsewhere", camera="another program's")
        for event in (
            open_visit.starts(NOON + 1), open_visit.enters(NOON + 2), open_visit.leaves(NOON + 3, NOON + 2),
            open_visit.enters(NOON + 4), open_visit.crosses(NOON + 5), elsewhere.starts(NOON + 1),
        ):  # fmt: skip
            here.writer.event(event)
    with here.database.write() as connection:
        for session, until in (("killed", NOON + 9), ("later", NOON + 99)):
            since = NOON if session == "killed" else NOON + 60
            write_uptime(connection, uptime_rows([Interval("door", since, until)], session=session))
    here.database.close()
    for session in ("next", "after that"):
        with writing(url, session=session) as here:
            here.writer.event(Story("open").starts(NOON + 1))  # told once more, as after a kill
    reader = Database(url)
    reader.open()
    visits = {row["key"]: (row["ended_at"], row["interrupted"]) for row in all_rows(reader, tables.visits)}
    assert visits == {
        "whole": (milliseconds(NOON + 3), False),
        "open": (milliseconds(NOON + 9), True),
        "elsewhere": (None, False),
    }
    stays = [(row["entered_at"], row["left_at"]) for row in all_rows(reader, tables.stays)]
    assert sorted(stays) == [tuple(map(milliseconds, stay)) for stay in ((NOON + 2, NOON + 3), (NOON + 4, NOON + 9))]
    # Who it seemed to be is forgotten with the looks: nothing of the visit says more than the visit itself
    rows = [row for table in (tables.crossings, tables.stays) for row in all_rows(reader, table)]
    assert {(row["visit"], row["gender"], row["age_group"]) for row in rows} == {("open", "unknown", "unknown")}
    timed = {(row["counted"], row["camera"]): 0 for row in all_rows(reader, tables.hours)}
    for row in all_rows(reader, tables.hours):
        timed[row["counted"], row["camera"]] += row["timed"]
    assert timed == {
        ("visits", "door"): 2, ("visits", "another program's"): 0, ("stays", "door"): 2, ("crossings", "door"): 1
    }  # fmt: skip
    reader.close()


def test_what_a_start_after_a_kill_has_closed_is_not_changed_by_ends_that_are_told_late(url: str) -> None:
    visit = Story("open")
    with writing(url, session="killed") as here:
        for event in (visit.starts(NOON), visit.crosses(NOON + 1), visit.enters(NOON + 2)):
            here.writer.event(event)
    with here.database.write() as connection:
        write_uptime(connection, uptime_rows([Interval("door", NOON, NOON + 9)], session="killed"))
    here.database.close()
    with writing(url, session="next") as here:
        for event in (visit.enters(NOON + 2), visit.leaves(NOON + 5, NOON + 2), visit.ends(NOON + 6, NOON)):
            here.writer.event(event)
    reader = Database(url)
    reader.open()
    [kept], [crossing], [stay] = (all_rows(reader, table) for table in (tables.visits, tables.crossings, tables.stays))
    assert (kept["ended_at"], kept["interrupted"]) == (milliseconds(NOON + 9), True)
    assert (stay["entered_at"], stay["left_at"]) == (milliseconds(NOON + 2), milliseconds(NOON + 9))
    assert {(row["gender"], row["age_group"]) for row in (kept, crossing, stay)} == {("unknown", "unknown")}
    assert {row["count"] for row in all_rows(reader, tables.hours)} == {1}
    reader.close()


def test_where_faces_were_adds_up_over_restarts_and_is_asked_for_by_hours(url: str) -> None:
    for session, hours in (("one", (0, 1)), ("two", (1, 5))):
        maps = HeatMaps(["door", "yard"])
        for hour in hours:
            maps.put_back({("door", int(NOON) + 3600 * hour): GRID * (hour + 0.5), ("yard", int(NOON)): GRID})
        with writing(url, session=session, heat=maps):
            pass
        assert maps.take() == {}
    reader = Database(url)
    reader.open()
    with reader.read(5) as connection:
        for begin, end, seconds in ((0, 1, 0.5), (1, 2, 3.0), (0, 6, 9.0), (0.5, 5, 3.0), (6, 9, 0.0)):
            found = heat(connection, "door", NOON + 3600 * begin, NOON + 3600 * end)
            assert found.tolist() == (GRID * seconds).tolist(), (begin, end)
        assert heat(connection, "yard", 0, NOON + 1).tolist() == (GRID * 4).tolist()
        assert (heat_since(connection, "door"), heat_since(connection, "nowhere")) == (NOON, None)
    reader.close()


def test_where_faces_were_waits_while_it_cannot_be_kept(url: str, database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("ALTER TABLE heat RENAME TO away"))
    maps = HeatMaps(["door"])
    maps.put_back({("door", int(NOON)): GRID})
    with writing(url, heat=maps) as here:
        here.until("the trouble is told", lambda: here.problem)
        assert maps.seconds("door", NOON, NOON + 1).tolist() == GRID.tolist()
        with database.write() as connection:
            connection.execute(text("ALTER TABLE away RENAME TO heat"))
        here.until("the trouble is over", lambda: here.problem is None)
    with database.read(5) as connection:
        assert heat(connection, "door", NOON, NOON + 1).tolist() == GRID.tolist()


def test_the_writer_keeps_what_it_is_told_before_it_ends(url: str) -> None:
    with writing(url) as here:
        here.writer.status(live("door", NOON))
        for i in range(3000):
            here.writer.event(Story(f"v{i}").starts(NOON + i))
    assert here.problem is None
    reader = Database(url)
    reader.open()
    assert len(all_rows(reader, tables.visits)) == 3000
    [up] = all_rows(reader, tables.uptime)
    assert up["since"] == milliseconds(NOON)
    assert up["until"] > up["since"]
    reader.close()


def test_no_column_can_hold_who_somebody_was() -> None:
    """A column that is added must be thought about here: no picture, no features, no place, no name."""
    columns = {f"{table.name}.{column.name}" for table in tables.metadata.sorted_tables for column in table.columns}
    place = {"key", "camera", "gender", "age_group"}
    assert columns == {
        *(f"visits.{name}" for name in {"id", "started_at", "ended_at", "gender_confidence"} | place),
        *(f"visits.{name}" for name in ("age", "age_low", "age_high", "samples", "interrupted")),
        *(f"crossings.{name}" for name in {"id", "visit", "line", "direction", "at"} | place),
        *(f"stays.{name}" for name in {"id", "visit", "zone", "entered_at", "left_at"} | place),
        *(f"occupancy.{name}" for name in ("camera", "minute", "zone", "session", "mean", "peak", "observed")),
        *(f"uptime.{name}" for name in ("key", "camera", "since", "until")),
        *(f"events.{name}" for name in ("id", "key", "kind", "camera", "at", "rule", "direction", "visit")),
        *(
            f"{table}.{name}"
            for table in ("hours", "quarter_days")
            for name in ("counted", "hour", "name", "direction", "count", "timed", "milliseconds", *place - {"key"})
        ),
        *(
            f"quarter_hours.{name}"
            for name in ("counted", "camera", "hour", "quarter", "name", "direction", "count", "timed", "milliseconds")
        ),
        *(f"spans.{name}" for name in ("counted", "camera", "hour", "name", "span", "count")),
        *(f"line_spans.{name}" for name in ("camera", "line", "hour", "span", "count")),
        *(f"occupancy_hours.{name}" for name in ("camera", "hour", "zone", "people", "peak", "observed")),
        *(f"occupancy_quarters.{name}" for name in ("camera", "hour", "quarter", "zone", "people", "peak", "observed")),
        *(f"heat.{name}" for name in ("camera", "hour", "cells")),
        *(f"purged.{name}" for name in ("camera", "since", "until")),
        *(f"rules.{name}" for name in ("camera", "document", "changed_at")),
    }


@pytest.mark.parametrize("version", ["0001", "0002"])
def test_figures_of_an_older_version_are_summed_up_when_the_tables_are_brought_up_to_date(
    url: str, version: str
) -> None:
    old = Database(url)
    with old._writer.begin() as connection:
        migrate(connection, "0001")
        begun = milliseconds(NOON) + 20 * 60_000
        visit = {"key": "v", "camera": "door", "started_at": begun, "ended_at": begun + 8_000}
        about = {"gender": "female", "gender_confidence": 0.9, "age_group": "25-34", "samples": 3}
        connection.execute(insert(tables.visits), visit | about)
        for key in ("out", "in"):
            crossing = {"key": key, "visit": "v", "camera": "door", "line": "entrance", "direction": key}
            known = {"at": begun + 1_000, "gender": "female", "age_group": "25-34"}
            connection.execute(insert(tables.crossings), crossing | known)
        minute = {"camera": "door", "minute": milliseconds(NOON), "zone": "", "session": "s"}
        connection.execute(insert(tables.occupancy), minute | {"mean": 1.5, "peak": 2, "observed": 60.0})
        for at, count in ((milliseconds(NOON), 1), (milliseconds(NOON) + 3_600_000, 2)):
            of = {"counted": "visits", "camera": "door", "hour": at, "name": "", "direction": "", "gender": "female"}
            summed = {"age_group": "25-34", "count": count, "timed": 1, "milliseconds": 8_000}
            connection.execute(insert(tables.hours), of | summed)
        migrate(connection, version)
    old.open()
    [span] = all_rows(old, tables.spans)
    assert (span["hour"], SPANS[span["span"]], span["count"]) == (milliseconds(NOON), 7, 1)
    [span] = all_rows(old, tables.line_spans)
    assert (span["line"], span["hour"], SPANS[span["span"]], span["count"]) == ("entrance", milliseconds(NOON), 7, 1)
    [hour] = all_rows(old, tables.occupancy_hours)
    assert (hour["hour"], hour["people"], hour["peak"], hour["observed"]) == (milliseconds(NOON), 90.0, 2, 60.0)
    [part] = all_rows(old, tables.occupancy_quarters)
    assert (part["hour"], part["quarter"], part["people"]) == (milliseconds(NOON), 0, 90.0)
    [part] = [row for row in all_rows(old, tables.quarter_hours) if row["counted"] == "visits"]
    assert (part["hour"], part["quarter"], part["count"], part["timed"]) == (milliseconds(NOON), 1, 1, 1)
    assert part["milliseconds"] == 8_000
    [quarter] = all_rows(old, tables.quarter_days)
    assert (quarter["hour"], quarter["count"], quarter["milliseconds"]) == (milliseconds(NOON), 3, 16_000)
    old.close()
