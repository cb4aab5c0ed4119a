"""`kill -9` while events flow: what was committed stays, nothing comes twice, and at most some seconds are gone."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, create_engine, func, inspect, or_, select

from streamer.store import tables
from streamer.store.rollup import COUNTED, LASTING
from streamer.store.rows import milliseconds
from streamer.types import EventKind
from tests.store_victims import MINUTE, PEOPLE, Told, journal_of
from tests.system.program import eventually

pytestmark = pytest.mark.system

CYCLES = 50
LONG = 7  # the cycle that lives long enough for five seconds to matter
KEPT_AS = {  # of each kind, where whatever was kept of it stands
    EventKind.VISIT_STARTED: "visits",
    EventKind.VISIT_ENDED: "visits",
    EventKind.LINE_CROSSED: "crossings",
    EventKind.ZONE_LEFT: "stays",
}


@dataclass(frozen=True)
class Kept:
    """What stands in the database. counted: the visits of which there are visits, crossings and stays.

    told: kind and visit of each event. minutes: session, and the minute's beginning in ms. ended: of the visits whose
    end was told. closed: those that a start has ended, as a kill had left them open. open: those without an end.
    last_up: until when the camera was up, ms.
    """

    counted: Mapping[str, frozenset[str]]
    told: frozenset[tuple[str, str]]
    minutes: frozenset[tuple[str, int]]
    ended: Mapping[str, int]
    closed: Mapping[str, int]
    open: frozenset[str]
    last_up: int

    def has(self, told: Told) -> bool:
        """Whether it has arrived."""
        if told.kind == MINUTE:
            return (told.of, milliseconds(told.since)) in self.minutes
        return (told.kind, told.of) in self.told


NOTHING = Kept({name: frozenset() for name in COUNTED}, frozenset(), frozenset(), {}, {}, frozenset(), 0)


@contextlib.contextmanager
def victims(url: str, journal: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store_victims", url, str(journal)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process


def test_fifty_kills_lose_at_most_what_was_not_committed(tmp_path: Path) -> None:
    file, journal = tmp_path / "store.sqlite3", tmp_path / "journal"
    chance, pause = random.Random(9), threading.Event()
    before = NOTHING
    longest_lost = 0.0
    with victims(f"sqlite:///{file}", journal) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for cycle in range(CYCLES):
            noted = journal.stat().st_size if journal.exists() else 0
            print("live", file=process.stdin, flush=True)
            child = int(process.stdout.readline())
            eventually("events flow", lambda size=noted: journal.exists() and journal.stat().st_size > size)  # type: ignore[misc]
            pause.wait(6.5 if cycle == LONG else chance.uniform(0.05, 1.1))
            os.kill(child, signal.SIGKILL)
            killed_at = time.time()
            assert process.stdout.readline() == "dead\n"
            kept, happened = look(file), journal_of(journal)
            check_nothing_lost(before, kept)
            check_all_was_told(kept, happened)
            own = [told for told in happened if told.of == f"run{cycle}" or told.of.startswith(f"c{cycle}-")]
            if any(kept.has(told) for told in own):
                assert not before.open & kept.open, "a visit of an earlier run is open still"
            longest_lost = max([longest_lost, *(killed_at - told.at for told in own if not kept.has(told))])
            if cycle == LONG:
                assert 0 <= killed_at - kept.last_up / 1000 < 5
            before = kept
    assert 0 < longest_lost < 5
    assert min(len(keys) for keys in (*before.counted.values(), before.ended, before.minutes)) > 300
    assert len(before.closed) > 100


def check_nothing_lost(before: Kept, kept: Kept) -> None:
    """What had been committed is there, as it was."""
    for name, keys in before.counted.items():
        assert keys <= kept.counted[name], f"{name} lost: {sorted(keys - kept.counted[name])[:5]}"
    assert before.told <= kept.told
    assert before.minutes <= kept.minutes
    assert before.ended.items() <= kept.ended.items()
    assert before.closed.items() <= kept.closed.items()


def check_all_was_told(kept: Kept, happened: list[Told]) -> None:
    """Nothing is there that nobody told, and each event that arrived has left its row."""
    noted = {(told.kind, told.of): told for told in happened}
    assert kept.told <= noted.keys()
    assert kept.minutes <= {(told.of, milliseconds(told.since)) for told in happened if told.kind == MINUTE}
    for name in COUNTED:
        arrived = {visit for kind, visit in kept.told if KEPT_AS.get(EventKind(kind)) == name}
        # a start after a kill has closed the stays that were under way then
        closed = {visit for kind, visit in kept.told if kind == EventKind.ZONE_ENTERED} & kept.closed.keys()
        may_be = arrived | closed if name == "stays" else arrived
        assert arrived <= kept.counted[name] <= may_be, name
    assert {visit: at for visit, at in kept.ended.items() if at != milliseconds(noted["visit_ended", visit].at)} == {}


def look(file: Path) -> Kept:
    """What is kept, once it was seen that nothing stands twice, and that all sums are those of the rows."""
    with contextlib.closing(sqlite3.connect(file)) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    engine = create_engine(f"sqlite:///{file}")
    try:
        with engine.connect() as connection:
            if not set(tables.metadata.tables) <= set(inspect(connection).get_table_names()):
                return NOTHING  # killed before it had made them
            check_sums(connection)
            check_persons(connection)
            return _kept(connection)
    finally:
        engine.dispose()


def _kept(connection: Connection) -> Kept:
    visit, row, minute = tables.visits.c, tables.events.c, tables.occupancy.c
    counted = {
        "visits": _once(connection, visit.key),
        "crossings": _once(connection, tables.crossings.c.visit),  # each visit crosses once, and stays once
        "stays": _once(connection, tables.stays.c.visit),
    }
    told = connection.execute(select(row.kind, row.visit)).all()
    assert len(told) == len(set(told))
    ends = connection.execute(select(visit.key, visit.ended_at, visit.interrupted)).all()
    return Kept(
        counted,
        frozenset((kind, of) for kind, of in told),
        frozenset((session, at) for session, at in connection.execute(select(minute.session, minute.minute))),
        {key: at for key, at, interrupted in ends if at is not None and not interrupted},
        {key: at for key, at, interrupted in ends if interrupted},
        frozenset(key for key, at, _ in ends if at is None),
        connection.scalar(select(func.max(tables.uptime.c.until))) or 0,
    )


def _once(connection: Connection, column: Any) -> frozenset[str]:
    """Keys that may stand there once only."""
    keys = connection.scalars(select(column)).all()
    assert len(keys) == len(set(keys)), column
    return frozenset(keys)


def check_sums(connection: Connection) -> None:
    """All sums that are kept are those of the rows."""
    for name, source in COUNTED.items():
        lasted = func.coalesce(func.sum(source.until - source.at), 0)
        count, timed, lasted_ms = connection.execute(
            select(func.count(), func.count(source.until), lasted).select_from(source.table)
        ).one()
        for sums in (tables.hours, tables.quarter_days, tables.quarter_hours):
            assert _sums(connection, sums, name, "count", "timed", "milliseconds") == (count, timed, lasted_ms), sums
        if name in LASTING:
            assert _sums(connection, tables.spans, name, "count") == (timed,)
    minutes = connection.scalar(select(func.count()).select_from(tables.occupancy)) or 0
    row = tables.occupancy_hours.c
    people, observed = connection.execute(
        select(func.coalesce(func.sum(row.people), 0), func.coalesce(func.sum(row.observed), 0))
    ).one()
    assert (people, observed) == (minutes * 60 * PEOPLE, minutes * 60)


def _sums(connection: Connection, table: Table, counted: str, *names: str) -> tuple[int, ...]:
    sums = select(*(func.coalesce(func.sum(table.c[name]), 0) for name in names))
    return tuple(connection.execute(sums.where(table.c.counted == counted)).one())


def check_persons(connection: Connection) -> None:
    """A crossing and a stay are of the person whom the visit is of, once that is settled."""
    visit = tables.visits.c
    for table in (tables.crossings, tables.stays):
        other = or_(table.c.gender != visit.gender, table.c.age_group != visit.age_group)
        of_visit = select(table.c.key).join(tables.visits, visit.key == table.c.visit)
        strangers = connection.scalars(of_visit.where(visit.ended_at.is_not(None), other)).all()
        assert not strangers, strangers[:5]
