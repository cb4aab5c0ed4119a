"""What takes events and figures out of the program: the store, MQTT, webhooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Protocol

from streamer.types import CameraStatus, Event, OccupancyMinute

__all__ = ["Sink", "stop_all"]


class Sink(Protocol):
    """Takes what happened, from any thread. No call blocks, raises, or calls back; what can't be kept is counted."""

    def start(self) -> None:
        """Begin to work; called once, before anything is handed over."""

    def event(self, event: Event) -> None:
        """Something happened once; `event.key` tells whether it is known already."""

    def minute(self, minute: OccupancyMinute) -> None:
        """How many were there in a minute that is over."""

    def status(self, status: CameraStatus) -> None:
        """Where a camera stands: at each change of state, and every few seconds besides."""

    def stop(self, timeout: float) -> bool:
        """Hand on what is still here, and end; False if that took longer than `timeout` seconds."""


def stop_all(sinks: Sequence[Sink], timeout: float) -> list[Sink]:
    """Stop them side by side, each with the whole time; returns those that did not end in it."""
    ended: list[Sink] = []

    def stop(sink: Sink) -> None:
        if sink.stop(timeout):
            ended.append(sink)

    deadline = time.monotonic() + timeout
    # Daemons: one that hangs in its stop must not keep the process
    threads = [
        threading.Thread(target=stop, args=(sink,), name=f"stop {type(sink).__name__}", daemon=True) for sink in sinks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    in_time = tuple(ended)
    return [sink for sink in sinks if sink not in in_time]
