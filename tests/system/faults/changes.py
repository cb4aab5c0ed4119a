"""What changes under a running program: a camera's codec, and the machine's clock."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from streamer.client import EventMessage, connect
from tests.media import make_video
from tests.system.faults.figures import Figure
from tests.system.faults.gaps import Gaps
from tests.system.program import Program, eventually
from tests.system.rtsp_server import RtspServer

__all__ = ["changes"]

_HOUR = 3600.0
_STEPS = (_HOUR, -_HOUR, 0.0)  # what the clock is wrong by, one after the other: + 1 h, - 2 h, + 1 h
_STEP_EVERY = 9.0  # s
_LONGEST_STAY = 40.0  # s; nobody is in the demo scene for more than 26 s


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
            with RtspServer({"cam": new}, port=server.port, codec="h265"):
                seconds = program.wait_for_state("cam", "live", 30)
                codec = eventually("the codec is told", lambda: program.camera("cam")["codec"], 5)
    fault = "H.264 becomes H.265 as the camera restarts"
    return [
        Figure.at_most(fault, "frames again", seconds, 5),
        Figure.at_least(fault, "told as what it is", float(codec in {"hevc", "h265"}), 1, ""),
    ]


def _clock(folder: Path) -> list[Figure]:
    told = folder / "clock"
    told.write_text("0")
    stays: list[float] = []
    keys: list[str] = []
    stopping = threading.Event()

    async def listen(url: str) -> None:
        async with connect(url, events="*", frames="none") as stream:
            async for message in stream:
                if isinstance(message, EventMessage) and message.kind == "visit_ended":
                    stays.append(message.timestamp - float(message.data["started_at"]))
                    keys.append(message.key)
                if stopping.is_set():
                    return

    config = {"cameras": [{"id": "demo", "source": "demo", "max_fps": 8}]}
    environ = {"STREAMER_TEST_CLOCK": str(told)}
    with Program(folder, config, environ=environ, module="tests.system.faults.clock_program") as program:
        program.wait_for_state("demo", "live", 120)
        listener = threading.Thread(target=lambda: asyncio.run(listen(program.url)), name="listener")
        listener.start()
        with Gaps(program) as gaps:
            pause = threading.Event()
            for wrong in _STEPS:
                pause.wait(_STEP_EVERY)
                told.write_text(str(wrong))
            begin = time.monotonic()
            eventually("visits ended", lambda: len(stays) >= 5 and time.monotonic() - begin > _STEP_EVERY, 60)
            gap = gaps.longest()
            reconnects = program.camera("demo")["reconnects"]
            stopping.set()
            listener.join(15)
    fault = "wall clock set by + 1, - 2 and + 1 h"
    return [
        Figure.at_most(fault, "longest gap of results", gap, 1),
        Figure.at_most(fault, "reconnects", reconnects, 0, ""),
        Figure.at_most(fault, "visits told to end twice", len(keys) - len(set(keys)), 0, ""),
        Figure.at_most(fault, f"stays of less than 0 or more than {_LONGEST_STAY:g} s", _odd(stays), 0, ""),
    ]


def _odd(stays: list[float]) -> int:
    return sum(not 0 <= stay <= _LONGEST_STAY for stay in stays)
