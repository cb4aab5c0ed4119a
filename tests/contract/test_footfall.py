"""Footfall over every database: sums that are kept and rows that are counted give the same answer."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete

from streamer.analytics.age_groups import AgeGroups
from streamer.store import tables
from streamer.store.batch import write_rows, write_uptime
from streamer.store.calendar import Bucket
from streamer.store.database import Database
from streamer.store.footfall import GROUPS, Group, Question, footfall
from streamer.store.lasting import dwell
from streamer.store.listing import visits
from streamer.store.occupancy import occupancy
from streamer.store.rollup import DAY, HOUR
from streamer.store.rows import Item, milliseconds, rows_of, uptime_rows
from streamer.store.uptime import Interval
from streamer.types import OccupancyMinute
from tests.stores import Story, track

BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2025, 10, 20, tzinfo=BERLIN)  # six days on, clocks are set back
DAYS = 10


Begun = list[tuple[str, float, int]]


@pytest.fixture(scope="module")
def begun() -> Begun:
    """(camera, UTC s, seconds) of 400 visits over ten days."""
    chance = random.Random(6)
    return [
        (chance.choice(["door", "yard"]), BEGIN.timestamp() + chance.uniform(0, DAYS * 86400), chance.randrange(1, 900))
        for _ in range(400)
    ]


@pytest.fixture(scope="module")
def filled(database_of_module: Database, begun: Begun) -> Database:
    """Not to be written to."""
    fill(database_of_module, begun)
    return database_of_module


def fill(database: Database, begun: Begun) -> None:
    items: list[Item] = []
    for i, (camera, at, lasted) in enumerate(begun):
        visit = Story(f"v{i}", camera=camera, who=track(age=float(i % 90), gender="female" if i % 3 else "male"))
        items += [visit.starts(at), visit.crosses(at + 0.5, direction="in" if i % 2 else "out")]
        items += [visit.leaves(at + lasted, at + 0.5), visit.ends(at + lasted, at)]
        items.append(OccupancyMinute(camera, "", int(at) // 60 * 60, 0.5, 1, 30.0))
    end = (BEGIN + timedelta(days=DAYS)).timestamp()
    up = [Interval(camera, BEGIN.timestamp(), end) for camera in ("door", "yard")]
    with database.write() as connection:
        write_rows(connection, rows_of(items, session="run", group_of=AgeGroups().of))
        write_uptime(connection, uptime_rows(up, session="run"))


def question(counted: str, bucket: Bucket, zone: ZoneInfo = BERLIN, group_by: tuple[Group, ...] = ()) -> Question:
    begin, end = BEGIN.timestamp(), (BEGIN + timedelta(days=DAYS)).timestamp()
    return Question(counted, ("door", "yard"), "", milliseconds(begin), milliseconds(end), bucket, group_by, zone)


@pytest.mark.parametrize("counted", ["visits", "crossings", "stays"])
@pytest.mark.parametrize("bucket", ["hour", "day", "week", "total"])
def test_each_bucket_counts_what_began_in_it(filled: Database, begun: Begun, counted: str, bucket: Bucket) -> None:
    moments = [milliseconds(at if counted == "visits" else at + 0.5) / 1000 for _, at, _ in begun]
    # Of whole hours, at either side of UTC, or on a quarter of its days; of half hours, and of quarters
    whole = "Europe/Berlin", "America/Los_Angeles", "Asia/Omsk", "Asia/Tokyo"
    for zone in map(ZoneInfo, (*whole, "Asia/Kolkata", "Asia/Kathmandu", "America/St_Johns")):
        with filled.read(10) as connection:
            rows = footfall(connection, question(counted, bucket, zone))
        assert [row["count"] for row in rows] == [
            sum(row["start"] <= moment < row["end"] for moment in moments) for row in rows
        ]
        assert {row["up"] for row in rows} == {1.0}


def test_the_day_on_which_clocks_are_set_back_has_25_hours_that_add_up(filled: Database) -> None:
    with filled.read(10) as connection:
        days = footfall(connection, question("visits", "day"))
        hours = footfall(connection, question("visits", "hour"))
    [long] = [day for day in days if day["time"].startswith("2025-10-26")]
    assert long["end"] - long["start"] == 25 * 3600
    within = [hour for hour in hours if long["start"] <= hour["start"] < long["end"]]
    assert (len(within), sum(hour["count"] for hour in within)) == (25, long["count"])
    assert [hour["time"][11:] for hour in within][2:4] == ["02:00:00+02:00", "02:00:00+01:00"]


@pytest.mark.parametrize("counted", ["visits", "crossings", "stays"])
@pytest.mark.parametrize("bucket", ["hour", "day", "week"])
def test_where_clocks_are_half_an_hour_off_sums_say_the_same_as_rows(
    filled: Database, counted: str, bucket: Bucket
) -> None:
    for zone in map(ZoneInfo, ("Asia/Kolkata", "Asia/Kathmandu", "Europe/Berlin")):
        for group_by in ((), ("direction",), ("gender", "age_group"), ("camera", "gender")):
            asked = question(counted, bucket, zone, group_by)
            with filled.read(10) as connection:
                rows = [row for row in footfall(connection, asked) if row["count"]]
                minutes = [row for row in footfall(connection, replace(asked, bucket="minute")) if row["count"]]
            for row in rows:
                within = [
                    minute
                    for minute in minutes
                    if row["start"] <= minute["start"] < row["end"]
                    and all(minute[group] == row[group] for group in group_by)
                ]
                assert row["count"] == sum(minute["count"] for minute in within)
            assert sum(row["count"] for row in rows) == 400


@pytest.mark.parametrize("counted", ["visits", "crossings", "stays"])
def test_groups_add_up_to_the_whole(filled: Database, counted: str) -> None:
    groups: dict[str, tuple[Group, ...]] = {
        "visits": ("camera", "gender", "age_group"),
        "crossings": ("camera", "line", "direction", "gender", "age_group"),
        "stays": ("camera", "zone", "gender", "age_group"),
    }
    buckets: tuple[Bucket, ...] = ("minute", "day", "total")
    for bucket in buckets:
        with filled.read(10) as connection:
            found = footfall(connection, question(counted, "day" if bucket == "minute" else bucket))
            grouped = footfall(connection, question(counted, bucket, group_by=groups[counted]))
        assert sum(row["count"] or 0 for row in grouped) == sum(row["count"] or 0 for row in found) == 400
        assert all(set(groups[counted]) <= set(row) for row in grouped)
    assert set(GROUPS) == set().union(*groups.values())


def test_dwell_occupancy_and_lists_are_answered_alike(filled: Database, begun: Begun) -> None:
    asked = question("visits", "total")
    with filled.read(10) as connection:
        lasted = dwell(connection, asked.cameras, asked.begin, asked.end)
        crossed = dwell(connection, asked.cameras, asked.begin, asked.end, line="entrance")
        seen = occupancy(connection, ("door",), "", begin=asked.begin, end=asked.end, bucket="day", zone=BERLIN)
        page, following = visits(connection, ("door",), asked.begin, asked.end, cursor="", limit=50)
        days = [dwell(connection, asked.cameras, at, at + DAY) for at in range(asked.begin, asked.end, DAY)]
    middle = sorted(seconds for _, _, seconds in begun)[199]
    assert lasted["median"] == pytest.approx(middle, rel=0.05)  # of ten days: from the sums of hours
    assert lasted["spans"] == [
        span | {"count": sum(day["spans"][i]["count"] for day in days)} for i, span in enumerate(lasted["spans"])
    ]
    assert sum(span["count"] for span in lasted["spans"]) == 400
    assert crossed == lasted
    assert len(seen) == DAYS
    assert {row["mean"] for row in seen} == {0.5}
    assert len(page) == 50
    assert following is not None


def test_how_long_those_stayed_who_crossed_a_line_is_the_same_of_sums_as_of_rows(
    database: Database, begun: Begun
) -> None:
    fill(database, begun)
    by_the_back = [(i, *each) for i, each in enumerate(begun) if i % 3 == 0]
    late: list[Item] = []  # told after the visits' ends
    for i, camera, at, _ in by_the_back:
        visit = Story(f"v{i}", camera=camera)
        late += [visit.crosses(at + 0.7, "back door"), visit.crosses(at + 0.8, "back door", "out")]
    with database.write() as connection:
        write_rows(connection, rows_of(late, session="run", group_of=AgeGroups().of))
    asked = question("visits", "total")
    with database.read(10) as connection:
        lasted = dwell(connection, asked.cameras, asked.begin, asked.end, line="back door")
        week = dwell(connection, asked.cameras, asked.begin, asked.begin + 7 * DAY, line="back door")
        days = [
            dwell(connection, asked.cameras, at, at + DAY, line="back door")
            for at in range(asked.begin, asked.end, DAY)
        ]
        people = footfall(connection, replace(asked, counted="crossings", name="back door", group_by=("gender",)))
    assert lasted["spans"] == [
        span | {"count": sum(day["spans"][i]["count"] for day in days)} for i, span in enumerate(lasted["spans"])
    ]
    assert sum(span["count"] for span in lasted["spans"]) == len(by_the_back)
    seconds = sorted(seconds for *_, seconds in by_the_back)
    assert lasted["median"] == pytest.approx(seconds[(len(seconds) - 1) // 2], rel=0.05)
    first = sorted(seconds for _, _, at, seconds in by_the_back if milliseconds(at) < asked.begin + 7 * DAY)
    assert week["median"] == first[(len(first) - 1) // 2]
    assert {row["gender"]: row["count"] for row in people} == {"male": 2 * len(by_the_back)}


@pytest.mark.parametrize("name", ["Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu"])
def test_occupancy_rests_on_sums_wherever_the_place_is_and_whenever_the_time_asked_for_ends(
    database: Database, name: str
) -> None:
    first = int(BEGIN.timestamp())
    seen: list[Item] = [
        OccupancyMinute("door", "", first + 60 * i, i % 7 / 2, i % 11, 30.0 + i % 30) for i in range(0, 4 * 1440, 7)
    ]
    begin, end = milliseconds(first) + 23 * 60_000, milliseconds(first) + 4 * DAY - 41 * 60_000
    with database.write() as connection:
        write_rows(connection, rows_of(seen, session="run", group_of=AgeGroups().of))

    def asked(bucket: Bucket) -> list[dict[str, Any]]:
        with database.read(10) as connection:
            return occupancy(connection, ("door",), "", begin=begin, end=end, bucket=bucket, zone=ZoneInfo(name))

    minutes = [row for row in asked("minute") if row["observed"]]
    minute = tables.occupancy.c.minute
    with database.write() as connection:  # of whole hours the sums are left
        whole_hours = minute >= begin // HOUR * HOUR + HOUR, minute < end // HOUR * HOUR
        connection.execute(delete(tables.occupancy).where(*whole_hours))
    buckets: tuple[Bucket, ...] = ("hour", "day", "week", "total")
    for bucket in buckets:
        rows = asked(bucket)
        for row in rows:
            within = [each for each in minutes if row["start"] <= each["start"] < row["end"]]
            people, observed = (
                sum(each["mean"] * each["observed"] for each in within),
                sum(each["observed"] for each in within),
            )
            assert row["observed"] == pytest.approx(observed)
            assert row["mean"] == (pytest.approx(people / observed, abs=0.001) if within else None)
            assert row["peak"] == (max(each["peak"] for each in within) if within else None)
        assert sum(row["observed"] for row in rows) == pytest.approx(sum(each["observed"] for each in minutes))
