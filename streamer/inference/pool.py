"""A few threads that work for all cameras, and for whoever else needs the nets, turn by turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol

from streamer.metrics import Metrics

__all__ = ["InferencePool", "Lane", "Work"]

Work = Callable[[], None]
"""A piece of work, done on one of the pool's threads. It must not raise."""


class Lane(Protocol):
    """One of those whom the pool serves, with what waits for a worker; it calls `InferencePool.wake` when more does."""

    @property
    def waiting(self) -> bool:
        """Whether there may be work. Called under the pool's lock."""

    def take(self) -> Work | None:
        """The next piece of work; None if there is none after all. Called under the pool's lock: it must not block."""

    def close(self) -> None:
        """Take nothing more; what waits is let go."""


class InferencePool:
    """Runs the work of its lanes on `workers` threads.

    The lane that has had least of the workers' time is served next, so that a busy one, or one whose pieces of work are
    long, can't starve the others: start-time fair queueing (Goyal, Vin and Cheng 1996). Time that a lane had no use for
    is not saved up.
    """

    def __init__(self, *, workers: int, metrics: Metrics) -> None:
        self._busy = metrics.workers_busy
        self._lanes: dict[str, Lane] = {}
        self._shares: dict[str, _Share] = {}
        self._virtual_time = 0.0  # of the lane served last
        lock = threading.Lock()
        self._more = threading.Condition(lock)  # work waits, or the pool stops
        self._done = threading.Condition(lock)  # a piece of work is done
        self._stopping = False
        self._busy_seconds = 0.0
        self._threads = [threading.Thread(target=self._run, name=f"inference-{n}", daemon=True) for n in range(workers)]

    @property
    def workers(self) -> int:
        """Number of threads."""
        return len(self._threads)

    @property
    def busy_seconds(self) -> float:
        """Seconds that all threads together have worked."""
        return self._busy_seconds

    def add(self, name: str, lane: Lane) -> None:
        """Begin to serve a lane."""
        with self._more:
            if name in self._lanes:
                raise ValueError(f"{name} is in the pool already")
            self._lanes[name] = lane
            self._shares[name] = _Share()
            self._more.notify_all()

    def remove(self, name: str) -> None:
        """Serve a lane no more."""
        with self._more:
            lane = self._lanes.pop(name)
            del self._shares[name]
        lane.close()

    def wake(self) -> None:
        """Something waits in a lane. Any thread; never blocks for long."""
        with self._more:
            self._more.notify()

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 3.0) -> bool:
        """End the threads after what they work on. False if one did not end in time."""
        with self._more:
            self._stopping = True
            lanes = list(self._lanes.values())
            self._more.notify_all()
        for lane in lanes:
            lane.close()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until a condition holds that only the pool's work brings about; False if it doesn't in time."""
        with self._done:
            return self._done.wait_for(condition, timeout)

    def _run(self) -> None:
        while (found := self._next()) is not None:
            work, share = found
            begin = time.monotonic()
            with self._busy.track_inprogress():
                work()
            with self._done:
                seconds = time.monotonic() - begin
                self._busy_seconds += seconds
                share.correct(seconds)
                self._done.notify_all()

    def _next(self) -> tuple[Work, _Share] | None:
        """Wait for work, and take it; None when the pool stops."""
        with self._more:
            while not self._stopping:
                waiting = [name for name, lane in self._lanes.items() if lane.waiting]
                if not waiting:
                    self._more.wait()
                    continue
                name = min(waiting, key=lambda name: self._shares[name].turn(self._virtual_time))
                work = self._lanes[name].take()
                if work is not None:
                    share = self._shares[name]
                    self._virtual_time = share.charge(self._virtual_time)
                    return work, share
            return None


class _Share:
    """What a lane has had of the workers' time. Not safe to use without the pool's lock."""

    __slots__ = ("_cost", "_finish", "_served_at")

    def __init__(self) -> None:
        self._finish = 0.0  # virtual time at which it has used up what it had
        self._cost = 0.0  # seconds, of its last piece of work: the guess for the next
        self._served_at = 0.0

    def turn(self, now: float) -> tuple[float, float]:
        """The lane with the least is next; among equals the one that has waited longest."""
        return max(self._finish, now), self._served_at

    def charge(self, now: float) -> float:
        """For a piece of work that begins; returns the virtual time."""
        begin = max(self._finish, now)
        self._finish = begin + self._cost
        self._served_at = time.monotonic()
        return begin

    def correct(self, cost: float) -> None:
        """For a piece of work that is done."""
        self._finish += cost - self._cost
        self._cost = cost
