"""Where figures go falls ill: disk and database, broker and webhook. The video must not care, and no loss go uncounted.

The demo scene tells of some five events a second, more than a queue of twenty holds for long.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.postgres import Postgres, postgres_is_installed
from tests.receiver import Answer, Receiver
from tests.requirements import require
from tests.small_disk import fill, small_disk
from tests.system.faults.figures import Figure, counter
from tests.system.faults.gaps import Gaps
from tests.system.faults.scene import Told
from tests.system.mosquitto import Listener, Mosquitto
from tests.system.program import Program, eventually, weights

__all__ = ["ill_sinks"]

_TOLD_IN, _BACK_IN, _GAP = 5.0, 10.0, 1.0  # s
_QUEUE = {"queue_size": 20}
_STRIPS = 8  # zones beside each other: whoever walks through leaves one and enters the next


class _Sink(NamedTuple):
    """part: as /readyz names it. dropped: the metric that counts its losses, and a label. arrived: keys of events."""

    part: str
    dropped: tuple[str, str]
    arrived: Callable[[], set[str]]


class _Fault(NamedTuple):
    """begin, end: bring it about, and end it. lasts: until the queue is full; else it is over as soon as it is told."""

    name: str
    sink: _Sink
    begin: Callable[[], object]
    end: Callable[[], object]
    lasts: bool = True


def ill_sinks(folder: Path, _times: int) -> list[Figure]:
    """One program for the database in a file, the broker and the webhook; another one for PostgreSQL."""
    return [*_beside_files(folder), *_beside_postgres(folder)]


def _config(store: str) -> dict[str, Any]:
    edges = [strip / _STRIPS for strip in range(_STRIPS + 1)]
    zones = [
        {"name": f"strip {number}", "points": [[left, 0], [right, 0], [right, 1], [left, 1]]}
        for number, (left, right) in enumerate(itertools.pairwise(edges))
    ]
    return {
        "cameras": [{"id": "demo", "source": "demo", "max_fps": 8, "zones": zones}],
        "models": {**weights(), "attributes": "none"},
        "store": {"url": store, **_QUEUE},
    }


def _beside_files(folder: Path) -> list[Figure]:
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(small_disk(folder, megabytes=4))
        broker, receiver = stack.enter_context(Mosquitto(folder)), stack.enter_context(Receiver())
        file = disk / "figures.sqlite3"
        config = {
            **_config(f"sqlite:///{file}"),
            "mqtt": {"host": "127.0.0.1", "port": broker.port, **_QUEUE},
            "webhooks": {"targets": [{"name": "shop", "url": receiver.url, **_QUEUE}]},
        }
        listeners = [stack.enter_context(Listener(broker.port))]

        def start_broker() -> None:
            broker.start()
            listeners.append(stack.enter_context(Listener(broker.port)))

        store = _Sink("store", ("streamer_store_dropped_total", 'kind="event"'), lambda: _keys_in_file(file))
        mqtt = _Sink("mqtt", ("streamer_events_dropped_total", 'queue="mqtt"'), lambda: _keys_heard(listeners))
        webhook = _Sink(
            "webhook shop", ("streamer_webhook_dropped_total", 'target="shop"'), lambda: set(receiver.delivered)
        )
        lock = contextlib.ExitStack()
        faults = (
            _Fault("disk full", store, lambda: _fill(disk, file), (disk / "ballast").unlink),
            _Fault("database locked by another program", store, lambda: lock.enter_context(_locked(file)), lock.close),
            _Fault("database file deleted under us", store, lambda: _delete(file), lambda: None, lasts=False),
            _Fault("MQTT broker gone", mqtt, broker.kill, start_broker),
            _Fault(
                "webhook target stalls",
                webhook,
                lambda: setattr(receiver, "answer", lambda _: Answer(act="stall")),
                lambda: setattr(receiver, "answer", lambda _: Answer()),
            ),
        )
        figures = _one_after_the_other(folder, config, faults)
        figures += _at_the_end(file)
    return figures


def _beside_postgres(folder: Path) -> list[Figure]:
    require(postgres_is_installed(), "PostgreSQL (Debian: postgresql)")
    with Postgres() as server:
        url = server.new_database()
        store = _Sink("store", ("streamer_store_dropped_total", 'kind="event"'), lambda: _keys_in_postgres(url))
        fault = _Fault("PostgreSQL restarted", store, server.stop, server.start)
        return _one_after_the_other(folder, _config(url), (fault,))


def _one_after_the_other(folder: Path, config: dict[str, Any], faults: tuple[_Fault, ...]) -> list[Figure]:
    with Program(folder, config) as program:
        program.wait_for_state("demo", "live", 120)
        with Gaps(program) as gaps, Told(program) as told:
            return [figure for fault in faults for figure in _under(fault, program, gaps, told)]


def _under(fault: _Fault, program: Program, gaps: Gaps, told: Told) -> list[Figure]:
    name, sink = fault.name, fault.sink
    eventually(f"{sink.part} is well", lambda: sink.part not in program.degraded, 20)
    gaps.longest()
    before, dropped = set(told.keys), counter(program, *sink.dropped)
    begin = time.monotonic()
    fault.begin()
    eventually(f"{name} is told", lambda: sink.part in program.degraded, 20)
    told_in = time.monotonic() - begin
    if fault.lasts:
        eventually(f"{name}: its queue is full", lambda: counter(program, *sink.dropped) > dropped, 60)
    ready = program.is_ready()  # the cameras are; what is degraded stands beside it
    fault.end()
    begin, until_now = time.monotonic(), set(told.keys)
    eventually(f"after {name} it works again", lambda: sink.part not in program.degraded, 30)
    back = time.monotonic() - begin
    eventually(f"after {name} a new event arrives", lambda: sink.arrived() & (set(told.keys) - until_now), 30)
    arrived = time.monotonic() - begin
    meanwhile = set(told.keys) - before

    def uncounted() -> int:
        return round(len(meanwhile - sink.arrived()) - (counter(program, *sink.dropped) - dropped))

    with contextlib.suppress(AssertionError):  # else it is a figure that doesn't hold
        eventually("what was under way arrives", lambda: uncounted() <= 0, 10)
    figures = [
        Figure.at_most(name, "told as degraded", told_in, _TOLD_IN),
        Figure.at_least(name, "/readyz says ready, and degraded", float(ready), 1, ""),
        Figure.at_most(name, "works again", back, _BACK_IN),
        Figure.at_most(name, "a new event arrives", arrived, _BACK_IN),
        Figure.at_most(name, "events lost and not counted", max(0, uncounted()), 0, ""),
        Figure.at_most(name, "longest gap of results", gaps.longest(), _GAP),
    ]
    if fault.lasts:
        figures.append(
            Figure.at_least(name, "events counted as dropped", counter(program, *sink.dropped) - dropped, 1, "")
        )
    return figures


def _at_the_end(file: Path) -> list[Figure]:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = connection.execute("SELECT count(*) FROM uptime").fetchone()[0]
    return [
        Figure.at_least("all of these", "integrity_check is ok", float(sound), 1, ""),
        Figure.at_least("all of these", "times of the camera kept since the file was deleted", kept, 1, ""),
    ]


def _keys_in_file(file: Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return {key for (key,) in connection.execute("SELECT key FROM events")}


def _keys_in_postgres(url: str) -> set[str]:
    import psycopg

    with psycopg.connect(url) as connection:
        return {key for (key,) in connection.execute("SELECT key FROM events")}


def _keys_heard(listeners: list[Listener]) -> set[str]:
    payloads = [payload for listener in listeners for payload in listener.payloads("streamer/demo/event")]
    return {json.loads(payload)["key"] for payload in payloads}


def _fill(disk: Path, file: Path) -> None:
    """With nothing left of SQLite's log, in which it would find room for some seconds more."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    fill(disk)


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


def _delete(file: Path) -> None:
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        (file.parent / name).unlink(missing_ok=True)
