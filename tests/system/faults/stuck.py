"""Viewers that take nothing, next to nothing, or are not there any more, beside one that is served all the while."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.media import make_video
from tests.system.faults.crawling import crawls
from tests.system.faults.figures import Figure, Process, counter
from tests.system.faults.gaps import Gaps
from tests.system.faults.rtp import access_units, steady
from tests.system.faults.rtsp_script import ScriptedRtsp, plays
from tests.system.program import Program, eventually
from tests.system.raw_viewer import RawViewer

__all__ = ["stuck_viewers"]

_STUCK = 20
_WARM = 75  # messages that a viewer in good order takes first
_SO_ATTACH_FILTER = 26  # of Linux
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # BPF: return 0, the bytes of a packet that are let through
_AT_LENGTH = 20  # times from which a vanished viewer is waited for, too: it takes 20 s


def stuck_viewers(folder: Path, times: int) -> list[Figure]:
    """Twenty that never read, one that reads 1 KB a second, one that dies; in the long report, one that dies idle."""
    units = access_units(make_video(folder / "clip.mp4", seconds=4, size=(1280, 720)))
    with ScriptedRtsp(plays(lambda: steady(units))) as camera:
        config = {"cameras": [{"id": "cam", "source": camera.url}], "store": {"url": "none"}}
        with Program(folder, config) as program:
            program.wait_for_state("cam", "live", 15)
            with Gaps(program) as gaps:
                figures = [*_never_reads(program, gaps), *crawls(program, gaps), *_dies(program, gaps)]
                return [*figures, *(_dies_idle(program) if times >= _AT_LENGTH else ())]


def _evicted(program: Program) -> float:
    return counter(program, "streamer_viewers_evicted_total", 'reason="stuck"')


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
        seconds, ready = time.monotonic() - begin, program.is_ready()
    return [
        Figure.at_most(fault, "cut off in", seconds, 6),
        Figure.at_most(fault, "memory", highest - memory, 40, "MB more"),
        Figure.at_most(fault, "longest gap of another viewer", gaps.longest(), 1),
        Figure.at_least(fault, "/readyz says ready", float(ready), 1, ""),
    ]


def _dies(program: Program, gaps: Gaps) -> list[Figure]:
    """Half open: its machine is switched off in the middle of its pictures, and acknowledges nothing any more."""
    fault, evicted = "a viewer whose machine is dead", _evicted(program)
    with RawViewer(urlsplit(program.url).port or 0) as viewer:
        viewer.subscribe(cameras=["cam"], frames="annotated")
        for _ in range(_WARM):
            viewer.receive()
        _switch_off(viewer.socket)
        begin = time.monotonic()
        eventually("it is cut off", lambda: _evicted(program) > evicted, 60)
        seconds = time.monotonic() - begin
    return [
        Figure.at_most(fault, "cut off in", seconds, 6),
        Figure.at_most(fault, "longest gap of another viewer", gaps.longest(), 1),
    ]


def _dies_idle(program: Program) -> list[Figure]:
    """Half open, and sent so little that it never gets stuck: it answers no ping."""

    def seen() -> int:
        return int(program.get("/api/v1/status")["viewers"]["websocket"])

    others = seen()
    with RawViewer(urlsplit(program.url).port or 0) as viewer:
        viewer.subscribe(cameras=[], frames="none")
        eventually("it is there", lambda: seen() > others)
        _switch_off(viewer.socket)
        begin = time.monotonic()
        eventually("it is given up", lambda: seen() == others, 60)
        seconds = time.monotonic() - begin
    return [Figure.at_most("a viewer whose machine is dead, sent no pictures", "given up in", seconds, 25)]


def _switch_off(connection: socket.socket) -> None:
    """From now on the kernel drops what comes for it, as if the machine weren't there: nothing is acknowledged."""
    program = ctypes.create_string_buffer(_DROP_ALL)
    connection.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))
