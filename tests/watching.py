"""Runs a camera's reader in tests, and waits for what it does instead of sleeping."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from streamer.capture.demo import Files
from streamer.capture.frame_queue import FrameQueue
from streamer.capture.reader import CameraReader
from streamer.config import CameraConfig
from streamer.monitoring.metrics import Metrics
from streamer.types import CameraState, CameraStatus, Frame

__all__ = ["Watch", "camera"]


def camera(source: str, **settings: Any) -> CameraConfig:
    """A camera that doesn't wait long for anything."""
    quick = {"open_timeout": 5, "stall_timeout": 1, "reconnect_min": 0.1, "reconnect_max": 0.5}
    return CameraConfig.model_validate({"id": "cam", "source": source} | quick | settings)


class Watch:
    """A running reader, whose frames are taken from the queue as a worker would, and whose states are kept."""

    def __init__(self, config: CameraConfig, *, store: Files | None = None, take: bool = True) -> None:
        self._changed = threading.Condition()
        self._take = take
        self.frames: list[Frame] = []
        self.statuses: list[CameraStatus] = []
        self.metrics = Metrics()
        self.queue = FrameQueue(2, on_put=self._on_put)
        self.reader = CameraReader(config, self.queue, self.metrics, on_status=self._on_status, store=store)

    def _on_status(self, status: CameraStatus) -> None:
        with self._changed:
            self.statuses.append(status)
            self._changed.notify_all()

    def _on_put(self) -> None:
        with self._changed:
            if self._take and (frame := self.queue.take()) is not None:
                self.frames.append(frame)
            self._changed.notify_all()

    @property
    def states(self) -> list[CameraState]:
        """The states so far, in order."""
        return [status.state for status in self.statuses]

    def wait(self, condition: Callable[[], bool], seconds: float = 10.0, what: str = "what was waited for") -> float:
        """Wait until the condition holds; returns the seconds it took."""
        began = time.monotonic()
        with self._changed:
            held = self._changed.wait_for(condition, seconds)
        shown = [f"{status.state} ({status.reason})" for status in self.statuses]
        assert held, f"{what} did not come within {seconds} s; {len(self.frames)} frames, states: {shown}"
        return time.monotonic() - began

    def wait_for_frames(self, count: int, seconds: float = 10.0) -> float:
        """Wait until so many more frames were delivered."""
        target = len(self.frames) + count
        return self.wait(lambda: len(self.frames) >= target, seconds, f"{count} more frames")

    def wait_for_state(self, state: CameraState, seconds: float = 10.0) -> CameraStatus:
        """Wait until the reader is in this state."""
        self.wait(lambda: bool(self.statuses) and self.statuses[-1].state is state, seconds, f"the state {state}")
        return self.statuses[-1]

    def wait_for_states(self, *states: CameraState, seconds: float = 10.0, since: int = 0) -> None:
        """Wait until the reader has gone through these states, in this order, from the `since`-th change on."""

        def came() -> bool:
            passed = iter(self.states[since:])
            return all(state in passed for state in states)

        self.wait(came, seconds, " → ".join(states))

    def metric(self, name: str, **labels: str) -> float:
        """The value of a metric of this camera."""
        return self.metrics.registry.get_sample_value(name, {"camera": "cam"} | labels) or 0.0

    def __enter__(self) -> Self:
        self.reader.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.queue.close()
        self.reader.stop(timeout=15)
