"""Where figures go falls ill: disk and database, broker and webhook. The video must not care."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.media import make_video
from tests.postgres import Postgres, postgres_is_installed
from tests.receiver import Answer, Receiver
from tests.requirements import require
from tests.small_disk import fill, small_disk
from tests.system.faults.figures import Figure
from tests.system.faults.gaps import Gaps
from tests.system.faults.rtp import access_units, steady
from tests.system.faults.rtsp_script import ScriptedRtsp, plays
from tests.system.mosquitto import Mosquitto
from tests.system.program import Program, eventually

__all__ = ["ill_sinks"]

_TOLD_IN, _BACK_IN, _GAP = 5.0, 10.0, 1.0  # s
_WEBHOOK = "webhook shop"


class _Fault(NamedTuple):
    """part: what is degraded by it. begin, end: bring it about, and end it."""

    name: str
    part: str
    begin: Callable[[], object]
    end: Callable[[], object]


def ill_sinks(folder: Path, _times: int) -> list[Figure]:
    """One program for the database in a file, the broker and the webhook; another one for PostgreSQL."""
    units = access_units(make_video(folder / "clip.mp4", seconds=4))
    with ScriptedRtsp(plays(lambda: steady(units))) as camera:
        cameras = [{"id": "cam", "source": camera.url}]
        return [*_beside_files(folder, cameras), *_beside_postgres(folder, cameras)]


def _beside_files(folder: Path, cameras: list[dict[str, Any]]) -> list[Figure]:
    answer = [Answer(act="stall")]
    with small_disk(folder) as disk, Mosquitto(folder) as broker, Receiver(lambda _: answer[0]) as receiver:
        file = disk / "figures.sqlite3"
        config = {
            "cameras": cameras,
            "store": {"url": f"sqlite:///{file}"},
            "mqtt": {"host": "127.0.0.1", "port": broker.port},
            "webhooks": {"targets": [{"name": "shop", "url": receiver.url, "timeout": 2}]},
        }
        lock = contextlib.ExitStack()

        def hold() -> None:
            lock.enter_context(_locked(file))

        faults = (
            _Fault("disk full", "store", lambda: fill(disk), (disk / "ballast").unlink),
            _Fault("database locked by another program", "store", hold, lock.close),
            _Fault("database file deleted under us", "store", lambda: _delete(file), lambda: None),
            _Fault("MQTT broker gone", "mqtt", broker.kill, broker.start),
        )
        with Program(folder, config) as program:
            program.wait_for_state("cam", "live", 15)
            begin = time.monotonic()  # the camera that came up is the event that the webhook stalls on
            with Gaps(program) as gaps:
                eventually("the stalled webhook is told", lambda: _WEBHOOK in _degraded(program), 20)
                told = time.monotonic() - begin
                answer[0] = Answer()
                begin = time.monotonic()
                receiver.wait("the event comes after all", lambda r: r.delivered, 30)
                eventually("it works again", lambda: _WEBHOOK not in _degraded(program), 30)
                name = "webhook target stalls (time-out 2 s)"
                figures = [
                    Figure.at_most(name, "told as degraded", told, 2 + _TOLD_IN),
                    Figure.at_most(name, "works again", time.monotonic() - begin, _BACK_IN),
                    Figure.at_most(name, "longest gap of results", gaps.longest(), _GAP),
                ]
                figures += [figure for fault in faults for figure in _under(fault, program, gaps)]
        figures += _at_the_end(file)
    return figures


def _beside_postgres(folder: Path, cameras: list[dict[str, Any]]) -> list[Figure]:
    require(postgres_is_installed(), "PostgreSQL (Debian: postgresql)")
    with Postgres() as server:
        config = {"cameras": cameras, "store": {"url": server.new_database()}}
        with Program(folder, config) as program:
            program.wait_for_state("cam", "live", 15)
            with Gaps(program) as gaps:
                return _under(_Fault("PostgreSQL restarted", "store", server.stop, server.start), program, gaps)


def _under(fault: _Fault, program: Program, gaps: Gaps) -> list[Figure]:
    eventually(f"{fault.part} is well", lambda: fault.part not in _degraded(program), 20)
    gaps.longest()
    begin = time.monotonic()
    fault.begin()
    eventually(f"{fault.name} is told", lambda: fault.part in _degraded(program), 20)
    told = time.monotonic() - begin
    ready = program.is_ready()  # the cameras are; what is degraded stands beside it
    fault.end()
    begin = time.monotonic()
    eventually(f"after {fault.name} it works again", lambda: fault.part not in _degraded(program), 30)
    back = time.monotonic() - begin
    return [
        Figure.at_most(fault.name, "told as degraded", told, _TOLD_IN),
        Figure.at_least(fault.name, "/readyz says ready, and degraded", float(ready), 1, ""),
        Figure.at_most(fault.name, "works again", back, _BACK_IN),
        Figure.at_most(fault.name, "longest gap of results", gaps.longest(), _GAP),
    ]


def _degraded(program: Program) -> dict[str, str]:
    found: dict[str, str] = program.get("/readyz")["degraded"]
    return found


def _at_the_end(file: Path) -> list[Figure]:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        kept = connection.execute("SELECT count(*) FROM uptime").fetchone()[0]
    return [
        Figure.at_least("all of these", "integrity_check is ok", float(sound), 1, ""),
        Figure.at_least("all of these", "times of the camera kept since the file was deleted", kept, 1, ""),
    ]


@contextlib.contextmanager
def _locked(file: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


def _delete(file: Path) -> None:
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        (file.parent / name).unlink(missing_ok=True)
