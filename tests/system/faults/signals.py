"""Signals at any moment of a start and of a run, and once more while it stops."""

from __future__ import annotations

import contextlib
import random
import signal
import sqlite3
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.media import make_video
from tests.system.faults.figures import Figure
from tests.system.faults.rtp import access_units, steady
from tests.system.faults.rtsp_script import ScriptedRtsp, plays
from tests.system.program import Program, eventually

__all__ = ["signals"]

_AT_LENGTH = 20
_RUN_SECONDS = 1.5
_AT_ONCE = 130  # the exit code of a second signal
_CAMERA = {"id": "cam", "source": "rtsp://127.0.0.1:9/x"}  # nobody is there

_Ends = dict[signal.Signals, list[tuple[int, float]]]
"""Exit code and seconds to the end, by the signal that was sent."""


def signals(folder: Path, times: int) -> list[Figure]:
    """So many of each, at random moments; kill -9 in between, after which the next one starts all the same."""
    dice = random.Random(9)
    cycles = times if times >= _AT_LENGTH else 1
    config = {"cameras": [_CAMERA]}
    return [
        *_judged("while it starts", _while_it_starts(folder, config, dice, cycles)),
        *_judged("while it runs", _while_it_runs(folder, config, dice, cycles)),
        *_again_while_it_stops(folder, max(1, cycles // 4)),
    ]


def _while_it_starts(folder: Path, config: Mapping[str, Any], dice: random.Random, cycles: int) -> _Ends:
    """From the moment on at which it takes signals; before, Python loads what the command line needs."""
    ends: _Ends = {signal.SIGTERM: [], signal.SIGINT: [], signal.SIGKILL: []}
    with Program(folder, config, waits=False) as program:
        _wait_until_it_takes_signals(program)
        begin = time.monotonic()
        program.wait_until_served()
        usual = time.monotonic() - begin
    for _ in range(cycles):
        for number, found in ends.items():
            with Program(folder, config, waits=False) as program:
                _wait_until_it_takes_signals(program)
                found.append(_end(program, number, after=dice.uniform(0, usual)))
    return ends


def _while_it_runs(folder: Path, config: Mapping[str, Any], dice: random.Random, cycles: int) -> _Ends:
    ends: _Ends = {signal.SIGTERM: [], signal.SIGINT: [], signal.SIGKILL: []}
    for _ in range(cycles):
        for number, found in ends.items():
            with Program(folder, config) as program:
                found.append(_end(program, number, after=dice.uniform(0, _RUN_SECONDS)))
    return ends


def _wait_until_it_takes_signals(program: Program) -> None:
    eventually("it takes signals", lambda: program.catches(signal.SIGTERM), 60)


def _end(program: Program, number: signal.Signals, *, after: float) -> tuple[int, float]:
    threading.Event().wait(after)
    begin = time.monotonic()
    program.signal(number)
    return program.wait(30), time.monotonic() - begin


def _judged(when: str, ends: _Ends) -> list[Figure]:
    figures = []
    for number, found in ends.items():
        if number is signal.SIGKILL:
            continue
        fault = f"{number.name} {when}, {len(found)} times"
        figures.append(Figure.at_most(fault, "to the end, at most", max(seconds for _, seconds in found), 5))
        figures.append(Figure.at_most(fault, "exit code not 0", sum(code != 0 for code, _ in found), 0, ""))
    return figures


def _again_while_it_stops(folder: Path, cycles: int) -> list[Figure]:
    """The database is locked by another program, which holds up the end by a second: the second SIGINT doesn't wait."""
    fault = f"SIGINT again while it stops, {cycles} times"
    file = folder / "held.sqlite3"
    units = access_units(make_video(folder / "clip.mp4", seconds=4))
    codes, seconds = [], []
    with ScriptedRtsp(plays(lambda: steady(units))) as camera:
        config = {"cameras": [{"id": "cam", "source": camera.url}], "store": {"url": f"sqlite:///{file}"}}
        for _ in range(cycles):
            with Program(folder, config) as program:
                program.wait_for_state("cam", "live", 15)
                with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as other:
                    other.execute("BEGIN EXCLUSIVE")
                    program.signal(signal.SIGINT)
                    eventually("it has let go of the camera", lambda: not camera.connected, 20)
                    code, needed = _end(program, signal.SIGINT, after=0)
            codes.append(code)
            seconds.append(needed)
    return [
        Figure.at_most(fault, "to the end, at most", max(seconds), 0.5),
        Figure.at_most(fault, f"exit code not {_AT_ONCE}", cycles - codes.count(_AT_ONCE), 0, ""),
    ]
