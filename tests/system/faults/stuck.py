"""Viewers that take nothing, next to nothing, or are not there any more, beside one that is served all the while."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.media import make_video
from tests.system.faults.figures import Figure, Process
from tests.system.faults.gaps import Gaps
from tests.system.faults.rtp import access_units, steady
from tests.system.faults.rtsp_script import ScriptedRtsp, plays
from tests.system.program import Program, eventually
from tests.system.raw_viewer import RawViewer

__all__ = ["stuck_viewers"]

_STUCK = 20
_WARM = 75  # messages that a viewer in good order takes first
_CRAWLS = 10  # seconds, at 1 KB each
_AT_LENGTH = 20  # times from which a vanished viewer is waited for, too: it takes 20 s
_EVICTED = re.compile(r'^streamer_viewers_evicted_total\{reason="stuck"\} (\S+)', re.MULTILINE)


def stuck_viewers(folder: Path, times: int) -> list[Figure]:
    """Twenty that never read, one that reads 1 KB a second and, in the long report, one that answers no ping."""
    units = access_units(make_video(folder / "clip.mp4", seconds=4, size=(1280, 720)))
    with ScriptedRtsp(plays(lambda: steady(units))) as camera:
        config = {"cameras": [{"id": "cam", "source": camera.url}], "store": {"url": "none"}}
        with Program(folder, config) as program:
            program.wait_for_state("cam", "live", 15)
            with Gaps(program) as gaps:
                figures = [*_never_reads(program, gaps), *_crawls(program, gaps)]
                return [*figures, *(_vanishes(program) if times >= _AT_LENGTH else ())]


def _evicted(program: Program) -> float:
    found = _EVICTED.search(program.text("/metrics"))
    return float(found[1]) if found else 0.0


def _never_reads(program: Program, gaps: Gaps) -> list[Figure]:
    fault = f"{_STUCK} viewers that never read"
    port = urlsplit(program.url).port or 0
    with RawViewer(port) as first:  # what is made once is made
        first.subscribe(cameras=["cam"], frames="annotated")
        for _ in range(_WARM):
            first.receive()
    memory = Process.of(program).memory
    gaps.longest()
    with contextlib.ExitStack() as stack:
        viewers = [stack.enter_context(RawViewer(port, receive_buffer=4096)) for _ in range(_STUCK)]
        for viewer in viewers:
            viewer.subscribe(cameras=["cam"], frames="annotated")
        begin, highest = time.monotonic(), memory

        def all_gone() -> bool:
            nonlocal highest
            highest = max(highest, Process.of(program).memory)
            return _evicted(program) >= _STUCK

        eventually("all are cut off", all_gone, 30)
        seconds = time.monotonic() - begin
    return [
        Figure.at_most(fault, "cut off in", seconds, 6.5),
        Figure.at_most(fault, "memory", highest - memory, 40, "MB more"),
        Figure.at_most(fault, "longest gap of another viewer", gaps.longest(), 1),
    ]


def _crawls(program: Program, gaps: Gaps) -> list[Figure]:
    fault = f"a viewer that reads 1 KB a second, for {_CRAWLS} s"
    memory, pause = Process.of(program).memory, threading.Event()
    highest = memory
    with RawViewer(urlsplit(program.url).port or 0, receive_buffer=4096) as viewer:
        viewer.subscribe(cameras=["cam"], frames="annotated")
        with contextlib.suppress(ConnectionError):  # it may be cut off: for the server it takes nothing
            for _ in range(_CRAWLS):
                viewer.socket.recv(1024)
                highest = max(highest, Process.of(program).memory)
                pause.wait(1)
    return [
        Figure.at_most(fault, "memory", highest - memory, 10, "MB more"),
        Figure.at_most(fault, "longest gap of another viewer", gaps.longest(), 1),
    ]


def _vanishes(program: Program) -> list[Figure]:
    """Half open: it is sent so little that it never gets stuck, and it answers no ping."""

    def seen() -> int:
        return int(program.get("/api/v1/status")["viewers"]["websocket"])

    others = seen()
    with RawViewer(urlsplit(program.url).port or 0) as viewer:
        viewer.subscribe(cameras=[], frames="none")
        eventually("it is there", lambda: seen() > others)
        begin = time.monotonic()
        eventually("it is given up", lambda: seen() == others, 60)
        return [Figure.at_most("a viewer that is gone without a word", "given up in", time.monotonic() - begin, 25)]
