"""A few threads that work for all cameras, and for whoever else needs the nets, turn by turn.

A thread whose work hangs (a net that never returns) is left behind, and another takes its place.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from streamer.inference.hangs import Hangs
from streamer.inference.share import Share
from streamer.monitoring.metrics import Metrics

__all__ = ["InferencePool", "Lane", "Work"]

log = logging.getLogger(__name__)

_LOOKS = 5
"""Times that a piece of work is seen under way before it counts as hanging. Looks are counted, not seconds: while the
whole process was suspended, nobody looked."""
_RECENT_SECONDS = 1.0


class Work(Protocol):
    """A piece of work, done on one of the pool's threads."""

    def run(self) -> None:
        """Do it. Must not raise."""

    def give_up(self, thread: threading.Thread) -> Callable[[], None] | None:
        """It hangs in this thread, and shall change nothing more if it comes round after all.

        Returns what is left to do in its place, which another thread of the pool then does; None where it can't be
        given up, and `run` has to end by itself. Called in any thread, at times more than once: what is done in its
        place may hang too. Must not block.
        """


class Lane(Protocol):
    """One of those whom the pool serves, with what waits for a worker; it calls `InferencePool.wake` when more does."""

    @property
    def waiting(self) -> bool:
        """Whether there may be work. Called under the pool's lock."""

    @property
    def begun(self) -> bool:
        """Whether what waits goes on with something: it is done before anything new, so that nothing grows old halfway.

        Called under the pool's lock.
        """

    def take(self) -> Work | None:
        """The next piece of work; None if there is none after all. Called under the pool's lock: it must not block."""

    def give_up(self) -> None:
        """Its work has hung too often: it gets no worker for the next minute. Must not block."""

    def close(self) -> None:
        """Take nothing more; what waits is let go."""


@dataclass(slots=True)
class _Served:
    """A lane, as the pool sees it."""

    name: str
    lane: Lane
    share: Share = field(default_factory=Share)
    hangs: Hangs = field(default_factory=Hangs)
    at_work: int = 0  # workers

    def wants_a_worker(self, now: float) -> bool:
        allowed = self.hangs.workers_allowed(now)
        return (allowed is None or self.at_work < allowed) and self.lane.waiting


@dataclass(slots=True, eq=False)
class _Job:
    """What a worker has in hand. do: `work.run`, or what is left of work that hung. looks: see _LOOKS."""

    served: _Served
    work: Work
    do: Callable[[], None]
    looks: int = 0


class _Worker(threading.Thread):
    """job: what it has in hand; None while it waits, and when it was left behind."""

    def __init__(self, name: str, work: Callable[[_Worker], None], job: _Job | None = None) -> None:
        super().__init__(name=name, target=lambda: work(self), daemon=True)
        self.job = job


class InferencePool:
    """Runs the work of its lanes on `workers` threads.

    What was begun is finished first. Else the lane that has had least of the workers' time is served next, so that a
    busy one, or one whose pieces of work are long, can't starve the others: start-time fair queueing (Goyal, Vin and
    Cheng 1996). Time that a lane had no use for is not saved up.
    """

    def __init__(self, *, workers: int, metrics: Metrics, hang_after: float | None = None) -> None:
        """hang_after: seconds after which a piece of work counts as hanging, up to a fifth more; None: never."""
        self._busy = metrics.workers_busy
        self._replaced = metrics.workers_replaced
        self._hang_after = hang_after
        self._lanes: dict[str, _Served] = {}
        self._virtual_time = 0.0  # of the lane served last
        lock = threading.Lock()
        self._more = threading.Condition(lock)  # work waits, or the pool stops
        self._done = threading.Condition(lock)  # a piece of work is done
        self._stopping = threading.Event()
        self._busy_seconds = 0.0
        self._made = 0  # workers, since the start
        self._workers = [self._make_worker() for _ in range(workers)]
        self._left_behind: list[_Worker] = []
        self._watch = threading.Thread(target=self._watch_workers, name="inference-watch", daemon=True)

    @property
    def workers(self) -> int:
        """Number of threads that work."""
        return len(self._workers)

    @property
    def busy_seconds(self) -> float:
        """Seconds that all threads together have worked."""
        return self._busy_seconds

    def is_alone(self, name: str) -> bool:
        """Whether no other lane has had work in the last second. Any thread."""
        since = time.monotonic() - _RECENT_SECONDS
        return all(served.name == name or served.share.served_at < since for served in list(self._lanes.values()))

    def add(self, name: str, lane: Lane) -> None:
        """Begin to serve a lane."""
        with self._more:
            if name in self._lanes:
                raise ValueError(f"{name} is in the pool already")
            self._lanes[name] = _Served(name, lane)
            self._more.notify_all()

    def remove(self, name: str) -> None:
        """Serve a lane no more."""
        with self._more:
            served = self._lanes.pop(name)
        served.lane.close()

    def wake(self) -> None:
        """Something waits in a lane. Any thread; never blocks for long."""
        with self._more:
            self._more.notify()

    def start(self) -> None:
        """Start the threads."""
        for worker in self._workers:
            worker.start()
        if self._hang_after is not None:
            self._watch.start()

    def stop(self, timeout: float = 3.0) -> bool:
        """End the threads after what they work on. False if one did not end in time."""
        with self._more:
            self._stopping.set()
            lanes = [served.lane for served in self._lanes.values()]
            self._more.notify_all()
        for lane in lanes:
            lane.close()
        deadline = time.monotonic() + timeout
        if self._watch.ident is not None:
            self._watch.join(timeout)  # first: it makes new threads
        workers = [*self._workers, *self._left_behind]
        for worker in workers:
            if worker.ident is not None:
                worker.join(max(0.0, deadline - time.monotonic()))
        return not any(worker.is_alive() for worker in workers)

    def wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until a condition holds that only the pool's work brings about; False if it doesn't in time."""
        with self._done:
            return self._done.wait_for(condition, timeout)

    # The workers.

    def _make_worker(self, job: _Job | None = None) -> _Worker:
        self._made += 1
        return _Worker(f"inference-{self._made - 1}", self._run, job)

    def _run(self, worker: _Worker) -> None:
        while job := worker.job or self._next(worker):
            begin = time.monotonic()
            job.do()
            with self._done:
                if worker.job is not job:  # given up: another one works in this one's place
                    return
                worker.job = None
                self._account(job, time.monotonic() - begin)
                self._done.notify_all()

    def _account(self, job: _Job, seconds: float) -> None:
        """A worker is free again. Called under the lock."""
        self._busy.dec()
        job.served.at_work -= 1
        self._busy_seconds += seconds
        job.served.share.correct(seconds)

    def _next(self, worker: _Worker) -> _Job | None:
        """Wait for work, and take it; None when the pool stops."""
        with self._more:
            while not self._stopping.is_set():
                now = time.monotonic()
                waiting = [served for served in self._lanes.values() if served.wants_a_worker(now)]
                if not waiting:
                    self._more.wait()
                    continue
                served = min(waiting, key=self._turn)
                begun, work = served.lane.begun, served.lane.take()
                if work is not None:
                    began = served.share.charge(self._virtual_time)
                    if not begun:  # out of turn, though it is charged: nobody else's turn moves by it
                        self._virtual_time = began
                    served.at_work += 1
                    self._busy.inc()
                    worker.job = _Job(served, work, work.run)
                    return worker.job
            return None

    def _turn(self, served: _Served) -> tuple[bool, float, float]:
        return not served.lane.begun, *served.share.turn(self._virtual_time)

    # Watching them.

    def _watch_workers(self) -> None:
        assert self._hang_after is not None  # noqa: S101 - it isn't started otherwise
        while not self._stopping.wait(self._hang_after / _LOOKS):
            for index in range(len(self._workers)):
                self._look_at(index, self._hang_after)
            with self._more:
                self._more.notify_all()  # a lane may have a worker again

    def _look_at(self, index: int, hang_after: float) -> None:
        """Leave a worker behind if its work hangs; another one begins with what is left of it."""
        with self._done:
            hanging = self._workers[index]
            if (job := hanging.job) is None:
                return
            job.looks += 1
            if job.looks <= _LOOKS or (rest := job.work.give_up(hanging)) is None:
                return
            hanging.job = None
            self._busy_seconds += hang_after
            self._left_behind = [left for left in self._left_behind if left.is_alive()] + [hanging]
            worker = self._workers[index] = self._make_worker(_Job(job.served, job.work, rest))
            last_straw = job.served.hangs.add(time.monotonic())
        self._replaced.inc()
        log.error(
            "%s: the analysis hangs since %.3g s; its thread is left behind, and another one takes its place",
            job.served.name, hang_after,
        )  # fmt: skip
        worker.start()
        if last_straw:
            job.served.lane.give_up()
