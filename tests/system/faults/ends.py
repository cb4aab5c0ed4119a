"""Ended at once, or asked to end, while its cameras are in every state there is; and started again."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from tests.media import make_video
from tests.system.faults.figures import Figure
from tests.system.faults.rtp import access_units, steady
from tests.system.faults.rtsp_script import ScriptedRtsp, plays, refuses, says_nothing
from tests.system.faults.told import Told
from tests.system.program import Program, eventually

__all__ = ["ends_in_every_state"]

_AT_LENGTH = 20
_FRAMES = 25  # until the camera stalls
_MIDDLE = {"name": "middle", "start": [0.5, 1.0], "end": [0.5, 0.0]}
_OF_VISITS = {"visit_started", "visit_ended", "line_crossed"}


def ends_in_every_state(folder: Path, times: int) -> list[Figure]:
    """kill -9, each followed by a start, in the long report twice as many times; then SIGTERM and SIGINT."""
    kills, stops = (2 * times, times // 4) if times >= _AT_LENGTH else (2, 1)
    file = folder / "figures.sqlite3"
    with _cameras(folder) as cameras:
        config = {"cameras": cameras, "store": {"url": f"sqlite:///{file}"}}
        figures = _killed(folder, config, file, kills)
        for number in (signal.SIGTERM, signal.SIGINT):
            figures += _asked(folder, config, file, number, stops)
    return figures


@contextlib.contextmanager
def _cameras(folder: Path) -> Iterator[list[dict[str, Any]]]:
    """Each is called as the state is in which it will be; the live one shows people who come and go."""
    units = access_units(make_video(folder / "clip.mp4", seconds=4))
    scripts = {
        "connecting": says_nothing(),
        "reconnecting": refuses("404 Stream Not Found"),
        "stalled": plays(lambda: islice(steady(units), _FRAMES)),
    }
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(ScriptedRtsp(script)) for name, script in scripts.items()}
        yield [
            {"id": "live", "source": "demo", "max_fps": 10, "lines": [_MIDDLE]},
            {"id": "failed", "source": str(folder / "gone.mp4")},
            *(
                {"id": name, "source": server.url, "open_timeout": 60, "stall_timeout": 1, "reconnect_max": 2}
                for name, server in servers.items()
            ),
        ]


def _killed(folder: Path, config: dict[str, Any], file: Path, times: int) -> list[Figure]:
    fault = f"kill -9 with a camera in each state, {times} times"
    before = _Left(sound=True, events=frozenset(), up_until=0.0, under_way=0)
    starts = unsound = lost = earlier = 0
    for _ in range(times):
        with Program(folder, config) as program:
            _wait_for_states(program, config)
            starts += 1
            program.signal(signal.SIGKILL)
            program.wait(10)
        left = _look(file)
        unsound += not left.sound
        lost += len(before.events - left.events)
        earlier += left.up_until < before.up_until
        before = left
    return [
        Figure.at_least(fault, "clean starts", starts, times, ""),
        Figure.at_most(fault, "databases that weren't sound", unsound, 0, ""),
        Figure.at_most(fault, "events lost that had been kept", lost, 0, ""),
        Figure.at_most(fault, "times of the camera that were lost", earlier, 0, ""),
    ]


def _asked(folder: Path, config: dict[str, Any], file: Path, number: signal.Signals, times: int) -> list[Figure]:
    fault = f"{number.name} with a camera in each state, {times} times"
    seconds, lost_time, codes, forgotten, under_way = [], [], [], 0, 0
    for _ in range(times):
        with Program(folder, config) as program, Told(program) as told:
            eventually(
                "an event that isn't kept yet, with a camera in each state",
                lambda program=program, told=told: told.wait_for_next(_OF_VISITS) and _in_states(program, config),  # type: ignore[misc]
                90,
            )
            asked, begin = time.time(), time.monotonic()
            program.signal(number)
            codes.append(program.wait(30))
            seconds.append(time.monotonic() - begin)
        left = _look(file)
        lost_time.append(asked - left.up_until)
        forgotten += len({event.key for event in told.events} - left.events)
        under_way += left.under_way
    return [
        Figure.at_most(fault, "to the end, at most", max(seconds), 5),
        Figure.at_most(fault, "exit code not 0", len(codes) - codes.count(0), 0, ""),
        Figure.at_most(fault, "camera time not kept, at most", max(lost_time), 1),
        Figure.at_most(fault, "events that were told and not kept", forgotten, 0, ""),
        Figure.at_most(fault, "visits kept without an end", under_way, 0, ""),
    ]


def _wait_for_states(program: Program, config: dict[str, Any]) -> None:
    for camera in config["cameras"]:
        program.wait_for_state(camera["id"], camera["id"], 30)


def _in_states(program: Program, config: dict[str, Any]) -> bool:
    return all(program.camera(camera["id"])["state"] == camera["id"] for camera in config["cameras"])


class _Left(NamedTuple):
    """What an ended program left. events: their keys. up_until: UTC seconds until which the live camera was up.

    under_way: visits that have no end.
    """

    sound: bool
    events: frozenset[str]
    up_until: float
    under_way: int


def _look(file: Path) -> _Left:
    """At a copy: whoever opens the database itself mends it, and the next start is to find what the last one left."""
    with tempfile.TemporaryDirectory(dir=file.parent) as folder:
        for part in (file, *(file.with_name(f"{file.name}-{end}") for end in ("wal", "shm"))):
            if part.exists():
                shutil.copy(part, folder)
        with contextlib.closing(sqlite3.connect(Path(folder) / file.name)) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            events = frozenset(key for (key,) in connection.execute("SELECT key FROM events"))
            up_until = connection.execute("SELECT max(until) FROM uptime WHERE camera = 'live'").fetchone()[0] or 0
            under_way = connection.execute("SELECT count(*) FROM visits WHERE ended_at IS NULL").fetchone()[0]
    return _Left(sound, events, up_until / 1000, under_way)
