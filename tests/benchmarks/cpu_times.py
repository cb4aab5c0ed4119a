"""Who used the processor: the program by its threads, the RTSP server, and the viewers."""

from __future__ import annotations

import time

import psutil

from tests.system.program import Program
from tests.system.rtsp_server import RtspServer

__all__ = ["CpuTimes"]


class CpuTimes:
    """Counts from when it is made."""

    def __init__(self, program: Program, server: RtspServer) -> None:
        self._program = program
        self._server = server
        self._began = time.monotonic()
        self._before = self._used()

    def cores(self) -> dict[str, float]:
        """Processor seconds a second since it was made: `streamer` (`streamer.THREADS`: of it), `server`, `viewers`.

        The viewers are this process; `machine` is everything that ran, also what doesn't belong here; `stolen` is what
        the host of a virtual machine took for others.
        """
        elapsed = time.monotonic() - self._began
        after = self._used()
        return {who: round((after[who] - self._before.get(who, 0.0)) / elapsed, 3) for who in after}

    def _used(self) -> dict[str, float]:
        program = psutil.Process(self._program.pid)
        server = psutil.Process(self._server.pid)
        used = {"streamer": _seconds(program)}
        for line in self._program.text("/metrics").splitlines():
            if line.startswith("streamer_thread_cpu_seconds{"):
                name, value = line.split('"')[1], float(line.rsplit(" ", 1)[1])
                used[f"streamer.{name}"] = value
        used["server"] = sum(_seconds(process) for process in (server, *server.children(recursive=True)))
        used["viewers"] = _seconds(psutil.Process())
        whole = psutil.cpu_times()
        used["stolen"] = float(getattr(whole, "steal", 0.0))
        used["machine"] = float(whole.user + whole.nice + whole.system)
        return used


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
