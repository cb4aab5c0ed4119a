"""Ended at once, or asked to end, while its cameras are in every state there is; and started again."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import time
from itertools import islice, pairwise
from pathlib import Path

from tests.media import make_video
from tests.system.faults.figures import Figure
from tests.system.faults.rtp import access_units, steady
from tests.system.faults.rtsp_script import ScriptedRtsp, plays, refuses, says_nothing
from tests.system.program import Program

__all__ = ["ends_in_every_state"]

_AT_LENGTH = 20
_FRAMES = 25  # until the camera stalls


def ends_in_every_state(folder: Path, times: int) -> list[Figure]:
    """kill -9, each followed by a start, twice as many times in the long report; then SIGTERM."""
    cycles = 2 * times if times >= _AT_LENGTH else 2
    units = access_units(make_video(folder / "clip.mp4", seconds=4))

    scripts = {
        "live": plays(lambda: steady(units)),
        "connecting": says_nothing(),
        "reconnecting": refuses("404 Stream Not Found"),
        "stalled": plays(lambda: islice(steady(units), _FRAMES)),
    }
    file = folder / "figures.sqlite3"
    unsound, kept = 0, []
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(ScriptedRtsp(script)) for name, script in scripts.items()}
        cameras = [
            {"id": name, "source": server.url, "open_timeout": 60, "stall_timeout": 1}
            for name, server in servers.items()
        ]
        config = {"cameras": cameras, "store": {"url": f"sqlite:///{file}"}}
        for _ in range(cycles):
            with Program(folder, config) as program:
                _wait_for_states(program, list(scripts))
                program.signal(signal.SIGKILL)
                program.wait(10)
            unsound += not _is_sound(file)
            kept.append(_up_until(file))
        with Program(folder, config) as program:
            _wait_for_states(program, list(scripts))
            asked = time.time()
            begin = time.monotonic()
            program.signal(signal.SIGTERM)
            code = program.wait(15)
            seconds = time.monotonic() - begin
    kills = f"kill -9 with a camera in each state, {cycles} times"
    term = "SIGTERM with a camera in each state"
    return [
        Figure.at_least(kills, "clean starts after it", len(kept), cycles, ""),
        Figure.at_most(kills, "databases that weren't sound", unsound, 0, ""),
        Figure.at_most(kills, "times of the camera that were lost", sum(b < a for a, b in pairwise(kept)), 0, ""),
        Figure.at_most(term, "to the end", seconds, 5),
        Figure.at_most(term, "exit code", code, 0, ""),
        Figure.at_most(term, "camera time not kept", asked - _up_until(file), 1),
    ]


def _wait_for_states(program: Program, names: list[str]) -> None:
    for name in names:
        program.wait_for_state(name, name, 20)


def _is_sound(file: Path) -> bool:
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchone() == ("ok",))


def _up_until(file: Path) -> float:
    """UTC seconds until which the live camera is known to have been up; 0 where nothing is known yet."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        found = connection.execute("SELECT max(until) FROM uptime WHERE camera = 'live'").fetchone()[0]
    return (found or 0) / 1000
