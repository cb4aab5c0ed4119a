"""Where the processor's time goes: seconds used by the program's threads, by what they do. Linux only."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

__all__ = ["ThreadTimes"]

_TASKS = Path("/proc/self/task")


class ThreadTimes(Collector):
    """A metric made when it is asked for. Threads are told apart by the first word of their names, as `capture`.

    `other` are those that Python did not start, such as a runtime's own. A gauge: threads that ended are gone from it.
    """

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """See `prometheus_client.registry.Collector`."""
        family = GaugeMetricFamily(
            "streamer_thread_cpu_seconds",
            "Processor time of the threads that run now, by what they do: capture, camera (supervision), inference, "
            "MainThread (the server), other (not started by Python)",
            labels=["threads"],
        )
        for name, seconds in sorted(self._seconds().items()):
            family.add_metric([name], seconds)
        yield family

    @staticmethod
    def _seconds() -> dict[str, float]:
        if not _TASKS.is_dir():
            return {}
        names = {thread.native_id: re.split(r"[-_]", thread.name)[0] for thread in threading.enumerate()}
        ticks = os.sysconf("SC_CLK_TCK")
        used: dict[str, float] = {}
        for task in _TASKS.iterdir():
            try:
                fields = (task / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            except OSError:  # it has just ended
                continue
            name = names.get(int(task.name), "other")
            used[name] = used.get(name, 0.0) + (int(fields[11]) + int(fields[12])) / ticks  # utime, stime
        return used
