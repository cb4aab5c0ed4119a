"""The end of all sinks together: none of them has to wait for another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from streamer.sinks import stop_all
from streamer.types import CameraStatus, Event, OccupancyMinute


class Recorded:
    """A sink whose stop takes what a test makes it take; timeouts: what it was given for it."""

    def __init__(self, stopping: Callable[[], bool]) -> None:
        self.stopping = stopping
        self.timeouts: list[float] = []

    def start(self) -> None: ...

    def event(self, event: Event) -> None: ...

    def minute(self, minute: OccupancyMinute) -> None: ...

    def status(self, status: CameraStatus) -> None: ...

    def stop(self, timeout: float) -> bool:
        self.timeouts.append(timeout)
        return self.stopping()


@pytest.fixture
def stuck() -> Iterator[Recorded]:
    """One that does not even keep to its time."""
    released = threading.Event()
    yield Recorded(lambda: released.wait(30))
    released.set()


def test_a_stuck_sink_takes_nothing_of_the_time_of_a_good_one(stuck: Recorded) -> None:
    good = Recorded(lambda: True)
    begin = time.monotonic()
    assert stop_all([stuck, good], 1.0) == [stuck]
    assert time.monotonic() - begin < 5
    assert good.timeouts == stuck.timeouts == [1.0]


def test_sinks_stop_side_by_side() -> None:
    meeting = threading.Barrier(3)  # passed by none unless all are in their stop
    sinks = [Recorded(lambda: meeting.wait(10) >= 0) for _ in range(3)]
    assert stop_all(sinks, 20) == []


def test_a_sink_that_says_it_did_not_end_is_named() -> None:
    slow, good = Recorded(lambda: False), Recorded(lambda: True)
    assert stop_all([good, slow], 5) == [slow]


def test_without_sinks_there_is_nothing_to_stop() -> None:
    assert stop_all([], 5) == []
