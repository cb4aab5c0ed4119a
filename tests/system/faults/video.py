"""A real camera's server that goes away and comes back, freezes, or whose packets are lost and garbled on their way."""

from __future__ import annotations

import contextlib
import signal
import statistics
import time
from pathlib import Path
from typing import Any

from tests.media import make_video
from tests.system.faults.figures import Figure, Process, is_ready
from tests.system.faults.proxy import Fault, RtspProxy, flips, jitter, loses, truncates
from tests.system.program import Program, eventually
from tests.system.rtsp_server import RtspServer

__all__ = ["frozen_server", "killed_server", "spoiled_packets"]

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
    noticed, back = [], []
    with RtspServer({"cam": clip}) as other, RtspServer({"cam": clip}) as server:
        cameras = [{"id": n, "source": s.url("cam"), **_QUICK} for n, s in (("ill", server), ("other", other))]
        with Program(folder, _config(cameras)) as program:
            program.wait_for_state("other", "live", 15)
            begin, frames, before = 0.0, 0, None
            for number in range(times + 1):
                program.wait_for_state("ill", "live", 15)
                if number == 1:  # after the first, all that is made once is made
                    before, begin, frames = Process.of(program), time.monotonic(), program.camera("other")["frames"]
                if number == times:
                    break
                server.kill()
                noticed.append(program.wait_for_state("ill", "reconnecting", 10))
                server.start()
                back.append(program.wait_for_state("ill", "live", 10))
            assert before is not None, "one time is too few to compare"
            seconds = time.monotonic() - begin
            lost = 1 - (program.camera("other")["frames"] - frames) / (seconds * _FPS)
            eventually("no more threads than before", lambda: Process.of(program).threads <= before.threads, 10)
            after = Process.of(program)
    return [
        Figure.at_most(fault, "noticed, at most", max(noticed), 5),
        Figure.at_most(fault, "frames again after its return, at most", max(back), 3),
        Figure.at_most(fault, "frames again after its return, median", statistics.median(back), 3),
        Figure.at_most(fault, "memory", after.memory - before.memory, 20, "MB more"),
        Figure.at_most(fault, "threads", after.threads - before.threads, 0, "more"),
        Figure.at_most(fault, "descriptors", after.descriptors - before.descriptors, 0, "more"),
        Figure.at_most(fault, "frames lost by another camera", 100 * max(0.0, lost), 5, "%"),
    ]


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
            ready = is_ready(program)
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


def spoiled_packets(folder: Path, _times: int) -> list[Figure]:
    """For some seconds each, and then none: lost and late over UDP, flipped bytes and cut packets over TCP."""
    faults: dict[str, tuple[str, Fault]] = {
        "5 % of UDP packets lost, 200 ms jitter": ("udp", jitter(0.2, loses(0.05))),
        "bytes flipped in 5 % of packets": ("tcp", flips(0.05)),
        "5 % of packets cut short": ("tcp", truncates(0.05)),
    }
    figures = []
    with contextlib.ExitStack() as stack:
        # One server each: GStreamer's serves TCP and UDP badly at a time.
        clip = _clip(folder)
        servers = {name: stack.enter_context(RtspServer({"cam": clip})) for name in ("tcp", "udp")}
        proxies = [stack.enter_context(RtspProxy(servers[transport].port)) for transport, _ in faults.values()]
        cameras: list[dict[str, Any]] = [
            {"id": f"cam{n}", "source": proxies[n].url("cam"), "transport": transport, **_QUICK}
            for n, (transport, _) in enumerate(faults.values())
        ]
        cameras.append({"id": "other", "source": servers["tcp"].url("cam"), **_QUICK})
        program = stack.enter_context(Program(folder, _config(cameras)))
        for camera in cameras:
            program.wait_for_state(camera["id"], "live", 15)
        frames = program.camera("other")["frames"]
        begin = time.monotonic()
        for proxy, (_, fault) in zip(proxies, faults.values(), strict=True):
            proxy.fault = fault
        eventually("packets are spoiled everywhere", lambda: all(proxy.spoiled >= 20 for proxy in proxies), 30)
        for n, (name, proxy) in enumerate(zip(faults, proxies, strict=True)):
            figures.append(Figure.at_least(name, "packets spoiled", proxy.spoiled, 20, ""))
            proxy.fault = None
            figures.append(Figure.at_most(name, "whole frames again", _recovery(program, f"cam{n}"), 3))
            figures.append(Figure.at_least(name, "frames and packets counted as corrupt", _corrupt(program, n), 1, ""))
        lost = 1 - (program.camera("other")["frames"] - frames) / ((time.monotonic() - begin) * _FPS)
        figures.append(Figure.at_most("all of these", "frames lost by another camera", 100 * max(0.0, lost), 5, "%"))
    return figures


def _corrupt(program: Program, number: int) -> float:
    return float(program.camera(f"cam{number}")["corrupt"])


def _recovery(program: Program, name: str) -> float:
    """Seconds until a camera is live and half a second's frames have come."""
    begin = time.monotonic()
    frames = program.camera(name)["frames"]

    def again() -> bool:
        status = program.camera(name)
        return status["state"] == "live" and bool(status["frames"] >= frames + _FPS // 2)

    eventually(f"{name} is whole again", again, 15)
    return time.monotonic() - begin
