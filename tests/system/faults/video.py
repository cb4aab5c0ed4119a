"""A real camera's server that goes away and comes back, or freezes."""

from __future__ import annotations

import signal
import statistics
import time
from pathlib import Path
from typing import Any

from tests.media import make_video
from tests.system.faults.figures import Figure, Process, counter
from tests.system.program import Program, eventually
from tests.system.rtsp_server import RtspServer

__all__ = ["frozen_server", "killed_server"]

_BACK_IN = "frames again after its return"

_QUICK = {"open_timeout": 5, "stall_timeout": 2, "reconnect_min": 0.2, "reconnect_max": 1}
_FPS = 25
_KEYFRAMES = 25  # frames from one to the next


def _config(cameras: list[dict[str, Any]]) -> dict[str, Any]:
    return {"cameras": cameras, "store": {"url": "none"}}


def _clip(folder: Path) -> Path:
    return make_video(folder / "clip.mp4", seconds=8, keyframe_every=_KEYFRAMES)


def killed_server(folder: Path, times: int) -> list[Figure]:
    """Killed and started again, so many times, while another camera goes on."""
    clip = _clip(folder)
    fault = f"server killed and restarted, {times} times"
    noticed, back, ready = [], [], True
    with RtspServer({"cam": clip}) as other, RtspServer({"cam": clip}) as server:
        cameras = [{"id": n, "source": s.url("cam"), **_QUICK} for n, s in (("ill", server), ("other", other))]
        with Program(folder, _config(cameras)) as program:
            program.wait_for_state("other", "live", 15)
            eventually("the thread that comes last is there", lambda: _has_thread(program, "asyncio"), 60)
            begin, frames, before = 0.0, 0.0, None
            for number in range(times + 1):
                program.wait_for_state("ill", "live", 15)
                if number == 1:  # after the first, all that is made once is made
                    before, begin, frames = Process.of(program), time.monotonic(), _captured(program, "other")
                if number == times:
                    break
                server.kill()
                noticed.append(program.wait_for_state("ill", "reconnecting", 10))
                ready = program.is_ready() and ready
                server.start()
                back.append(program.wait_for_state("ill", "live", 10))
            assert before is not None, "one time is too few to compare"
            seconds = time.monotonic() - begin
            lost = 1 - (_captured(program, "other") - frames) / (seconds * _FPS)
            # Asked all the while, since the server lets go of an idle thread only as it is asked.
            eventually("no more threads than before", lambda: _threads(program) <= before.threads, 25)
            after = Process.of(program)
    return [
        Figure.at_most(fault, "noticed, at most", max(noticed), 5),
        Figure.at_most(fault, f"{_BACK_IN}, at most", max(back), 3),
        Figure.at_most(fault, f"{_BACK_IN}, median", statistics.median(back), 3),
        Figure.at_most(fault, "memory", after.memory - before.memory, 20, "MB more"),
        Figure.at_most(fault, "threads", after.threads - before.threads, 0, "more"),
        Figure.at_most(fault, "descriptors", after.descriptors - before.descriptors, 0, "more"),
        Figure.at_most(fault, "frames lost by another camera", 100 * max(0.0, lost), 5, "%"),
        Figure.at_least(fault, "/readyz says ready each time, for another camera", float(ready), 1, ""),
    ]


def _captured(program: Program, camera: str) -> float:
    """Its frames by now; what the API tells of them is up to half a second old."""
    return counter(program, "streamer_frames_captured_total", f'camera="{camera}"')


def _has_thread(program: Program, name: str) -> bool:
    return f'streamer_thread_cpu_seconds{{threads="{name}"' in program.text("/metrics")


def _threads(program: Program) -> int:
    program.camera("other")
    return Process.of(program).threads


def frozen_server(folder: Path, _times: int) -> list[Figure]:
    """Stopped in mid-stream with its connections open, with the time-outs as they are by default."""
    fault = "server frozen (SIGSTOP)"
    with RtspServer({"cam": _clip(folder)}) as server:
        with Program(folder, _config([{"id": "cam", "source": server.url("cam")}])) as program:
            program.wait_for_state("cam", "live", 15)
            server.freeze()
            begin = time.monotonic()
            program.wait_for_state("cam", "stalled", 12)
            stalled = time.monotonic() - begin
            program.wait_for_state("cam", "reconnecting", 12)
            reconnecting = time.monotonic() - begin
            ready = program.is_ready()
            begin = time.monotonic()
            program.signal(signal.SIGTERM)
            code = program.wait(15)
            stopped = time.monotonic() - begin
        server.thaw()
    return [
        Figure.at_most(fault, "stalled is told", stalled, 5),
        Figure.at_most(fault, "reconnecting is told", reconnecting, 10),
        Figure.at_most(fault, "/readyz says ready", float(ready), 0, ""),
        Figure.at_most(fault, "the program stops", stopped, 6),
        Figure.at_most(fault, "its exit code", code, 0, ""),
    ]
