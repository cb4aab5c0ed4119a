"""Viewers that send rubbish, or come and go in crowds, beside one that is served all the while."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from tests.media import make_video
from tests.system.faults.crowd import crowd
from tests.system.faults.figures import Figure, Process
from tests.system.faults.fuzz import fuzz
from tests.system.faults.rtp import access_units, steady
from tests.system.faults.rtsp_script import ScriptedRtsp, plays
from tests.system.faults.websocket_cases import flood, message_cases, protocol_cases
from tests.system.program import Program, eventually
from tests.system.raw_viewer import RawViewer

__all__ = ["fuzz", "ill_viewers"]

_AT_LENGTH = 100  # times from which 500 viewers are there at once, for a whole minute
_CROWD, _STAY = 3000, 10.0  # viewers, s
_FUZZED_A_TIME = 100  # frames
_EXECUTOR = 6  # threads that asyncio makes as they are needed, on two cores


def ill_viewers(folder: Path, times: int) -> list[Figure]:
    """times: 100 fuzzed frames each, and 5 viewers that come and go; in the long report, a crowd of them."""
    viewers, stay = (_CROWD, _STAY) if times >= _AT_LENGTH else (5 * times, 1.0)
    units = access_units(make_video(folder / "clip.mp4", seconds=4))
    with ScriptedRtsp(plays(lambda: steady(units))) as camera:
        config = {
            "cameras": [{"id": "cam", "source": camera.url}],
            "store": {"url": "none"},
            "server": {"max_viewers": 1000},
        }
        with Program(folder, config) as program:
            program.wait_for_state("cam", "live", 15)
            port = urlsplit(program.url).port or 0
            fuzz(port, 20)  # what is made once is made
            asyncio.run(crowd(program.url, 10, 0.5))
            before = Process.of(program)
            frames = times * _FUZZED_A_TIME
            figures = [
                *fuzz(port, frames).figures(frames),
                *protocol_cases(port),
                *message_cases(port),
                flood(port),
            ]
            serves = _serves(port)
            figures.append(Figure.at_least("all of these", "serves on", float(serves), 1, ""))
            if not serves:
                return figures
            figures += asyncio.run(crowd(program.url, viewers, stay))
            ready = program.is_ready()
            eventually("all are gone", lambda: program.get("/api/v1/status")["viewers"]["websocket"] == 0, 15)
            eventually("descriptors are let go", lambda: Process.of(program).descriptors <= before.descriptors + 2, 15)
            after = Process.of(program)
        tracebacks = sum("Traceback" in line for line in program.log)
    return [
        *figures,
        Figure.at_least("all of these", "/readyz says ready", float(ready), 1, ""),
        Figure.at_most("all of these", "memory", after.memory - before.memory, 40, "MB more"),
        Figure.at_most("all of these", "threads", after.threads - before.threads, _EXECUTOR, "more"),
        Figure.at_most("all of these", "descriptors", after.descriptors - before.descriptors, 2, "more"),
        Figure.at_most("all of these", "tracebacks in the log", tracebacks, 0, ""),
    ]


def _serves(port: int) -> bool:
    try:
        with RawViewer(port) as viewer:
            viewer.receive()
    except OSError:
        return False
    return True
