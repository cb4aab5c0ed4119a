"""What changes under a running program: a camera's codec, and the machine's clock."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tests.media import make_video
from tests.system.faults.figures import Figure
from tests.system.faults.gaps import Gaps
from tests.system.faults.scene import ROUND, ZONE, Told, visits_and_stays
from tests.system.program import Program, eventually
from tests.system.rtsp_server import RtspServer

__all__ = ["changes"]

_HOUR = 3600.0
_STEPS = (_HOUR, -_HOUR, 0.0)  # what the clock is wrong by, one after the other: + 1 h, - 2 h, + 1 h
_STEP_EVERY = 7.0  # s, so that all of them come within one round of the scene
_SETTLED = 3.0  # s in which all who are in the picture at first are told of
_LONGEST_VISIT = 40.0  # s; nobody is in the demo scene for more than 26 s


def changes(folder: Path, _times: int) -> list[Figure]:
    """One camera that sends H.265 after its restart; the demo scene, while the wall clock is set."""
    return [*_codec(folder), *_clock(folder)]


def _codec(folder: Path) -> list[Figure]:
    old = make_video(folder / "h264.mp4", seconds=4, keyframe_every=25)
    new = make_video(folder / "h265.mp4", seconds=4, keyframe_every=25, codec="libx265")
    quick = {"stall_timeout": 2, "reconnect_min": 0.2, "reconnect_max": 1}
    with RtspServer({"cam": old}) as server:
        config = {"cameras": [{"id": "cam", "source": server.url("cam"), **quick}], "store": {"url": "none"}}
        with Program(folder, config) as program:
            program.wait_for_state("cam", "live", 15)
            server.kill()
            program.wait_for_state("cam", "reconnecting", 15)
            ready = program.is_ready()
            with RtspServer({"cam": new}, port=server.port, codec="h265"):
                seconds = program.wait_for_state("cam", "live", 30)
                codec = eventually("the codec is told", lambda: program.camera("cam")["codec"], 5)
    fault = "H.264 becomes H.265 as the camera restarts"
    return [
        Figure.at_most(fault, "/readyz says ready meanwhile", float(ready), 0, ""),
        Figure.at_most(fault, "frames again", seconds, 5),
        Figure.at_least(fault, "told as what it is", float(codec in {"hevc", "h265"}), 1, ""),
    ]


def _clock(folder: Path) -> list[Figure]:
    wrong = folder / "clock"
    wrong.write_text("0")
    config = {"cameras": [{"id": "demo", "source": "demo", "max_fps": 8, "zones": [ZONE]}]}
    environ = {"STREAMER_TEST_CLOCK": str(wrong)}
    with Program(folder, config, environ=environ, module="tests.system.faults.clock_program") as program:
        program.wait_for_state("demo", "live", 120)
        with Gaps(program) as gaps, Told(program) as told:
            pause = threading.Event()
            begin = time.monotonic() + _SETTLED
            for step in _STEPS:
                pause.wait(_STEP_EVERY)
                wrong.write_text(str(step))
            pause.wait(begin + ROUND - time.monotonic())
            gap = gaps.longest()
            reconnects = program.camera("demo")["reconnects"]
        ended = [each.event for each in told.heard if each.event.kind == "visit_ended"]
    fault = "wall clock set by + 1, - 2 and + 1 h"
    lasted = [event.timestamp - float(event.data["started_at"]) for event in ended]
    return [
        Figure.at_most(fault, "longest gap of results", gap, 1),
        Figure.at_most(fault, "reconnects", reconnects, 0, ""),
        *visits_and_stays(fault, told, "demo", begin),
        Figure.at_most(fault, "visits told to end twice", len(ended) - len({event.key for event in ended}), 0, ""),
        Figure.at_most(fault, f"visits of less than 0 or more than {_LONGEST_VISIT:g} s", _odd(lasted), 0, ""),
    ]


def _odd(visits: list[float]) -> int:
    return sum(not 0 <= seconds <= _LONGEST_VISIT for seconds in visits)
