"""A made-up shop's history in a database: eight days of visits through one door, its camera down at times."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from streamer.analytics.age_groups import AgeGroups
from streamer.analytics.heat import COLUMNS, ROWS, Grid
from streamer.store.batch import write_rows, write_uptime
from streamer.store.database import Database
from streamer.store.heat import add_heat
from streamer.store.rows import Item, milliseconds, rows_of
from streamer.types import Event, OccupancyMinute
from tests.stores import Story, track

__all__ = ["DOWN_HOUR", "fill"]

DOWN_HOUR = 3
"""Of each day, local time: the camera was down from its beginning to its end."""

_HOURLY = {8: 4, 9: 9, 10: 12, 11: 15, 12: 24, 13: 19, 14: 14, 15: 13, 16: 17, 17: 22, 18: 18, 19: 9}


def fill(url: str, camera: str, now: datetime, *, line: str = "gate", zone: str = "till", days: int = 8) -> None:
    """Days before `now` (aware), and its own up to then; the same figures for the same days."""
    database = Database(url)
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    items: list[Item] = []
    uptime, heat = [], {}
    for i, day in enumerate(first + timedelta(days=i) for i in range(days)):
        heat[camera, int((day + timedelta(hours=12)).timestamp())] = _warm(column=i, seconds=90.0 + i)
    for day in (first + timedelta(days=i) for i in range(days + 1)):
        items += [item for item in _day(camera, day, line, zone) if _time(item) < now.timestamp() - 60]
        for begin, end in ((0, DOWN_HOUR), (DOWN_HOUR + 1, 24)):
            since, until = day + timedelta(hours=begin), min(day + timedelta(hours=end), now)
            if since < until:
                key = f"made-up-{since.timestamp():.0f}"
                stretch = {"since": milliseconds(since.timestamp()), "until": milliseconds(until.timestamp())}
                uptime.append({"key": key, "camera": camera, **stretch})
    with database.write() as connection:
        write_uptime(connection, uptime)
        add_heat(connection, heat)
        write_rows(connection, rows_of(items, session="made-up", group_of=AgeGroups().of))
    database.close()


def _warm(column: int, seconds: float) -> Grid:
    """One cell, halfway down."""
    grid = np.zeros((ROWS, COLUMNS), np.float32)
    grid[ROWS // 2, column] = seconds
    return grid


def _time(item: Item) -> float:
    return item.at if isinstance(item, Event) else item.minute + 60.0


def _day(camera: str, day: datetime, line: str, zone: str) -> Iterator[Item]:
    chance = random.Random(day.toordinal())  # figures that look real, the same each time
    for hour in range(24):
        usual = _HOURLY.get(hour, 0)
        visits = round(usual * chance.uniform(0.6, 1.4) * (0.4 if day.weekday() == 6 else 1.0))
        for number in range(visits):
            begin = (day + timedelta(hours=hour, seconds=chance.uniform(0, 3500))).timestamp()
            yield from _visit(Story(f"made-up-{begin:.3f}-{number}", camera), begin, chance, line, zone)
        for minute in range(60 if hour != DOWN_HOUR else 0):
            at = int((day + timedelta(hours=hour, minutes=minute)).timestamp()) // 60 * 60
            mean = usual / 12 * chance.uniform(0.2, 1.8)
            yield OccupancyMinute(camera, "", at, mean, round(mean * 2) + (mean > 0), 60.0)


def _visit(story: Story, begin: float, chance: random.Random, line: str, zone: str) -> Iterator[Event]:
    age = None if chance.random() < 0.08 else min(max(chance.gauss(37, 16), 4.0), 85.0)
    story.who = track(age=age, gender=chance.choices(("female", "male", "unknown"), (10, 9, 1))[0])
    lasted = chance.lognormvariate(2.9, 0.9)
    yield story.starts(begin)
    if chance.random() < 0.85:
        yield story.crosses(begin + lasted / 2, line, "in" if chance.random() < 0.53 else "out")
    if chance.random() < 0.3:
        yield story.leaves(begin + lasted * 0.9, begin + lasted * 0.4, zone)
    yield story.ends(begin + lasted, begin)
