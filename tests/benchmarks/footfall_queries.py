"""How fast a year of one shop is answered: 2 million made-up visits with their crossings, minutes and uptime.

    python -m tests.benchmarks.footfall_queries --database FILE.sqlite3 [--visits 2000000] [--repeat 9] [--zone ZONE]

The file is made when it isn't there (some minutes), and asked again when it is. `--zone` is where the shop is: it opens
by the clocks there, and is asked about by them. Prints JSON: for each question the
milliseconds of the fastest, the median and the slowest answer, from the call to the JSON bytes, and how many rows.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from pydantic_core import to_json
from sqlalchemy import Connection, insert, text

from streamer.memory import keep_what_is_loaded
from streamer.store import tables
from streamer.store.database import Database
from streamer.store.footfall import Question, footfall
from streamer.store.lasting import dwell
from streamer.store.listing import events, visits
from streamer.store.occupancy import occupancy
from streamer.store.rollup import COUNTED, HOUR, Hour, refresh, refresh_occupancy

GENDERS = np.array(["female", "male", "unknown"])
AGES = np.array(["0-12", "13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+", "unknown"])
OPEN = np.array([h for h in range(7 * 24) if h // 24 < 6 and 9 <= h % 24 < 21])  # Monday to Saturday, 9 to 21 h


def year(zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when to when."""
    return datetime(2025, 1, 1, tzinfo=zone), datetime(2026, 1, 1, tzinfo=zone)


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def made_up(count: int, zone: ZoneInfo) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(table, rows) of a year: visits in opening hours, two thirds of which cross the entrance."""
    chance = np.random.default_rng(1)
    begins, ends = map(milliseconds, year(zone))
    monday = milliseconds(datetime(2024, 12, 30, tzinfo=zone))
    weeks = chance.integers(0, 53, count)
    at = monday + (weeks * 168 + chance.choice(OPEN, count)) * HOUR + chance.integers(0, HOUR, count)
    at = np.sort(at[(at >= begins) & (at < ends)])
    lasted = (chance.lognormal(3.2, 1.0, len(at)) * 1000).astype(np.int64) + 500
    genders = GENDERS[chance.choice(3, len(at), p=[0.46, 0.44, 0.1])]
    ages = AGES[chance.choice(9, len(at), p=[0.05, 0.06, 0.14, 0.2, 0.18, 0.14, 0.1, 0.07, 0.06])]
    crosses, inward = chance.random(len(at)) < 0.67, chance.random(len(at)) < 0.5
    for begin in range(0, len(at), 50_000):
        some = range(begin, min(begin + 50_000, len(at)))
        yield "visits", [
            {
                "key": f"made-door-{i}", "camera": "door", "started_at": int(at[i]), "ended_at": int(at[i] + lasted[i]),
                "gender": str(genders[i]), "gender_confidence": 0.9, "age_group": str(ages[i]),
                "age": None, "age_low": None, "age_high": None, "samples": 6,
            }
            for i in some
        ]  # fmt: skip
        yield "crossings", [
            {
                "key": f"made-door-{i}-x", "visit": f"made-door-{i}", "camera": "door", "line": "entrance",
                "direction": "in" if inward[i] else "out", "at": int(at[i] + lasted[i] // 2),
                "gender": str(genders[i]), "age_group": str(ages[i]),
            }
            for i in some
            if crosses[i]
        ]  # fmt: skip
    minutes = range(begins, ends, 60_000)
    for begin in range(0, len(minutes), 50_000):
        yield (
            "occupancy",
            [
                {
                    "camera": "door",
                    "minute": minute,
                    "zone": "",
                    "session": "made",
                    "mean": 1.5,
                    "peak": 4,
                    "observed": 60.0,
                }
                for minute in minutes[begin : begin + 50_000]
            ],
        )
    days = range(begins, ends, 6 * HOUR)  # a camera that is lost for a minute four times a day
    yield (
        "uptime",
        [{"key": f"made-door-{day}", "camera": "door", "since": day, "until": day + 6 * HOUR - 60_000} for day in days],
    )
    yield (
        "events",
        [
            {"key": f"made-{i}", "kind": "visit_ended", "camera": "door", "at": int(at[i]), "visit": f"made-door-{i}"}
            for i in range(max(0, len(at) - 200_000), len(at))
        ],
    )


def fill(database: Database, count: int, zone: ZoneInfo) -> None:
    """Write a year, and sum it up with the program's own code."""
    for name, rows in made_up(count, zone):
        with database.write() as connection:
            connection.execute(insert(tables.metadata.tables[name]), rows)
        print(f"{name}: {len(rows)} rows", file=sys.stderr, flush=True)
    begins, ends = map(milliseconds, year(zone))
    hours = range(begins // HOUR * HOUR, ends, HOUR)
    for counted in COUNTED:
        with database.write() as connection:
            refresh(connection, [Hour(counted, "door", hour) for hour in hours])
    with database.write() as connection:
        refresh_occupancy(connection, [("door", hour) for hour in hours])
    with database.write() as connection:
        connection.execute(text("ANALYZE"))


def questions(zone: ZoneInfo) -> dict[str, Callable[[Connection], Any]]:
    """What is asked, by what a user would call it."""

    def ask(counted: str, bucket: str, begin: datetime, end: datetime, *group_by: str) -> Callable[[Connection], Any]:
        span = milliseconds(begin), milliseconds(end)
        asked = Question(counted, ("door",), "", *span, bucket, group_by, zone)  # type: ignore[arg-type]
        return lambda connection: footfall(connection, asked)

    day, following = datetime(2025, 11, 25, tzinfo=zone), datetime(2025, 11, 26, tzinfo=zone)
    week, whole = (day - timedelta(days=6), following), year(zone)
    cut = (whole[0] + timedelta(minutes=7), whole[1] - timedelta(minutes=7))
    spans = {"day": (day, following), "week": week, "month": (day - timedelta(days=29), following), "year": whole}
    ms = {name: (milliseconds(a), milliseconds(b)) for name, (a, b) in spans.items()}
    return {
        "a day by hour": ask("visits", "hour", day, following),
        "a day by hour, in and out": ask("crossings", "hour", day, following, "direction"),
        "a day by minute": ask("visits", "minute", day, following),
        "a week by hour, gender and age": ask("visits", "hour", *week, "gender", "age_group"),
        "a year by day": ask("visits", "day", *whole),
        "a year by day, in and out": ask("crossings", "day", *whole, "direction"),
        "a year by day, gender and age": ask("visits", "day", *whole, "gender", "age_group"),
        "a year by week": ask("visits", "week", *whole),
        "a year by hour": ask("visits", "hour", *whole),
        "a year by hour, in and out": ask("crossings", "hour", *whole, "direction"),
        "a year in one, gender and age": ask("visits", "total", *whole, "gender", "age_group"),
        "a year in one, between the hours": ask("visits", "total", *cut),
        "a day's dwell": lambda c: dwell(c, ("door",), *ms["day"]),
        "a year's dwell": lambda c: dwell(c, ("door",), *ms["year"]),
        "a week's dwell of who crossed a line": lambda c: dwell(c, ("door",), *ms["week"], line="entrance"),
        "a year's dwell of who crossed a line": lambda c: dwell(c, ("door",), *ms["year"], line="entrance"),
        "a day's occupancy by minute": lambda c: occupancy(
            c, ("door",), "", begin=ms["day"][0], end=ms["day"][1], bucket="minute", zone=zone
        ),
        "a year's occupancy by day": lambda c: occupancy(
            c, ("door",), "", begin=ms["year"][0], end=ms["year"][1], bucket="day", zone=zone
        ),
        "a year's occupancy by day, between the hours": lambda c: occupancy(
            c, ("door",), "", begin=milliseconds(cut[0]), end=milliseconds(cut[1]), bucket="day", zone=zone
        ),
        "a year's occupancy by day, by Kolkata's clocks": lambda c: occupancy(
            c, ("door",), "", begin=ms["year"][0], end=ms["year"][1], bucket="day", zone=ZoneInfo("Asia/Kolkata")
        ),
        "a year's occupancy by hour, by Kolkata's clocks": lambda c: occupancy(
            c, ("door",), "", begin=ms["year"][0], end=ms["year"][1], bucket="hour", zone=ZoneInfo("Asia/Kolkata")
        ),
        "a page of visits in mid-year": lambda c: visits(
            c, ("door",), milliseconds(datetime(2025, 7, 1, tzinfo=zone)), ms["year"][1], cursor="", limit=1000
        ),
        "a page of events": lambda c: events(c, ("door",), *ms["day"], cursor="", limit=1000),
        "a month's first page of events": lambda c: events(c, ("door",), *ms["month"], cursor="", limit=1000),
        "a month's tenth page of events": later_page(("door",), *ms["month"], 10),
    }


def later_page(cameras: tuple[str, ...], begin: int, end: int, number: int) -> Callable[[Connection], Any]:
    """The pages before are asked for once only, as a user does it; that answer is the slowest."""
    cursors: list[str] = []

    def ask(connection: Connection) -> Any:
        while not cursors:
            cursor: str | None = ""
            for _ in range(number - 1):
                _, cursor = events(connection, cameras, begin, end, cursor=cursor or "", limit=1000)
            cursors.append(cursor or "")
        return events(connection, cameras, begin, end, cursor=cursors[0], limit=1000)

    return ask


def measure(database: Database, repeat: int, zone: ZoneInfo) -> dict[str, Any]:
    """Milliseconds and rows of each question."""
    found: dict[str, Any] = {}
    for name, question in questions(zone).items():
        took, answer = [], None
        for _ in range(repeat):
            begin = time.perf_counter()
            with database.read(60) as connection:
                answer = question(connection)
            to_json(answer)
            took.append((time.perf_counter() - begin) * 1000)
        rows = answer if isinstance(answer, list) else answer[0] if isinstance(answer, tuple) else []
        figures = {"fastest": min(took), "median": statistics.median(took), "slowest": max(took)}
        found[name] = {key: round(value, 1) for key, value in figures.items()} | {"rows": len(rows)}
    return found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--database", type=Path, required=True)
    parser.add_argument("--visits", type=int, default=2_000_000)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--zone", type=ZoneInfo, default=ZoneInfo("Europe/Berlin"), help="as Asia/Kolkata")
    parser.add_argument("--only-make", action="store_true", help="make the file, and ask nothing")
    arguments = parser.parse_args()
    is_new = not arguments.database.exists()
    database = Database(f"sqlite:///{arguments.database.absolute()}")
    database.open()
    if is_new:
        fill(database, arguments.visits, arguments.zone)
    keep_what_is_loaded()  # as the program does it
    if not arguments.only_make:
        size = arguments.database.stat().st_size
        print(json.dumps({"bytes": size, "ms": measure(database, arguments.repeat, arguments.zone)}, indent=2))
    database.close()


if __name__ == "__main__":
    main()
