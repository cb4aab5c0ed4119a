"""What is told again after a restart, out of a real store."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from streamer.integrations.counts import CountsToday, DayCounts
from streamer.integrations.recall import recall_from
from streamer.store.batch import write_rows
from streamer.store.database import Database
from streamer.store.interrupted import close_interrupted
from streamer.store.rows import rows_of
from streamer.types import Event
from tests.made_up_events import crossing, visit
from tests.stores import Story

MIDNIGHT = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
NOON = MIDNIGHT + 12 * 3600


def keep(database: Database, *events: Event) -> None:
    with database.write() as connection:
        write_rows(connection, rows_of(events, session="s", group_of=lambda _: "unknown"))


def test_the_store_counts_the_day_as_the_run_did_that_wrote_it(tmp_path: Path) -> None:
    events = (
        crossing("1", MIDNIGHT - 1),  # yesterday
        crossing("2", MIDNIGHT),
        crossing("3", NOON - 60),
        crossing("4", NOON - 60, "out"),
        crossing("5", NOON - 60, line="gate", camera="yard"),
        visit("v1", NOON - 60),
        visit("v2", MIDNIGHT + 1, began=MIDNIGHT - 1),
        visit("v3", NOON - 60, static=True),
    )
    run = CountsToday(NOON, "UTC")
    for event in events:
        run.add(event)
    with closing(Database(f"sqlite:///{tmp_path}/figures.sqlite3")) as database:
        keep(database, *events)
        found = recall_from(database)(MIDNIGHT, NOON)
    assert found == {camera: run.of(camera) for camera in ("door", "yard")}
    assert found["door"] == DayCounts(1, {("entrance", "in"): 2, ("entrance", "out"): 1})


def test_what_this_run_has_stored_already_is_not_counted_twice(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/figures.sqlite3")) as database:
        keep(database, crossing("1", NOON - 1), crossing("2", NOON), visit("v", NOON + 5, began=NOON + 1))
        assert recall_from(database)(MIDNIGHT, NOON) == {"door": DayCounts(0, {("entrance", "in"): 1})}


def test_visits_that_a_kill_cut_off_count_before_and_after_they_are_closed(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/figures.sqlite3")) as database:
        keep(database, visit("over", NOON - 60), Story("cut off").starts(NOON - 30))
        keep(database, Story("yesterday's").starts(MIDNIGHT - 1))
        recall = recall_from(database)
        assert recall(MIDNIGHT, NOON) == {"door": DayCounts(2)}
        with database.write() as connection:
            assert close_interrupted(connection, ["door"]) == 2
        keep(database, Story("of this run").starts(NOON + 1))
        assert recall(MIDNIGHT, NOON) == {"door": DayCounts(2)}
