"""A few threads that analyse the frames of all cameras: fairly, the newest first, and none that is too old already."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass, field

from streamer.capture.frame_queue import FrameQueue
from streamer.inference.pipeline import CameraPipeline, Found
from streamer.inference.sequencer import Sequencer
from streamer.metrics import Metrics
from streamer.types import Frame

__all__ = ["InferencePool", "available_cores"]

log = logging.getLogger(__name__)

_LOG_INTERVAL = 60.0


def available_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(slots=True)
class _Lane:
    """One camera's way through the pool."""

    queue: FrameQueue
    pipeline: CameraPipeline
    sequencer: Sequencer[Found | None]
    served_at: float = 0.0  # when a worker last took a frame of this camera
    failures: int = 0  # since the last line in the log
    logged_at: float = field(default=-_LOG_INTERVAL)


@dataclass(frozen=True, slots=True)
class _Job:
    lane: _Lane
    frame: Frame
    ticket: int


class InferencePool:
    """Analyses the frames of the cameras that were added, on `workers` threads.

    The camera that has waited longest for a worker is served next, so that a fast camera can't starve a slow one.
    Frames older than `max_frame_age` seconds are dropped at their turn, before work is spent on them; None keeps all,
    for files. A frame whose analysis fails is counted, logged at most once a minute, and skipped.
    """

    def __init__(self, *, workers: int, max_frame_age: float | None, metrics: Metrics) -> None:
        self._max_frame_age = max_frame_age
        self._metrics = metrics
        self._lanes: dict[str, _Lane] = {}
        self._work = threading.Condition()
        self._stopping = False
        self._threads = [threading.Thread(target=self._run, name=f"inference-{n}", daemon=True) for n in range(workers)]

    @property
    def workers(self) -> int:
        """Number of threads."""
        return len(self._threads)

    def add(self, pipeline: CameraPipeline, *, queue_size: int, lossless: bool = False) -> FrameQueue:
        """Begin to serve a camera; returns the queue into which its frames are to be put."""
        queue = FrameQueue(queue_size, lossless=lossless, on_put=self._wake_one)
        lane = _Lane(queue, pipeline, Sequencer(lambda found: self._follow(lane, found)))
        with self._work:
            if pipeline.camera in self._lanes:
                raise ValueError(f"camera {pipeline.camera} is in the pool already")
            self._lanes[pipeline.camera] = lane
        self._metrics.queue_depth.labels(pipeline.camera).set_function(lambda: len(queue))
        return queue

    def remove(self, camera: str) -> None:
        """Serve a camera no more; what is in its queue is let go."""
        with self._work:
            lane = self._lanes.pop(camera)
        lane.queue.close()
        self._metrics.queue_depth.remove(camera)

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 3.0) -> bool:
        """End the threads after the frames that they work on. False if one did not end in time."""
        with self._work:
            self._stopping = True
            for lane in self._lanes.values():
                lane.queue.close()
            self._work.notify_all()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def wait_until_drained(self, camera: str, timeout: float | None = None) -> bool:
        """Wait until a closed queue is empty and all of its frames have been handled."""
        lane = self._lanes[camera]
        with self._work:
            return self._work.wait_for(lambda: lane.queue.drained and not lane.sequencer.outstanding, timeout)

    def _wake_one(self) -> None:
        with self._work:
            self._work.notify()

    def _run(self) -> None:
        while (job := self._next_job()) is not None:
            with self._metrics.workers_busy.track_inprogress():
                self._analyse(job)
            if job.lane.queue.drained:
                with self._work:
                    self._work.notify_all()  # whoever waits for the end of a file

    def _next_job(self) -> _Job | None:
        """Wait for a frame, and take it; None when the pool stops."""
        with self._work:
            while not self._stopping:
                waiting = [lane for lane in self._lanes.values() if len(lane.queue)]
                if not waiting:
                    self._work.wait()
                    continue
                lane = min(waiting, key=lambda lane: lane.served_at)
                frame = lane.queue.take()
                if frame is None or self._is_stale(frame):
                    continue
                lane.served_at = time.monotonic()
                return _Job(lane, frame, lane.sequencer.issue())
            return None

    def _is_stale(self, frame: Frame) -> bool:
        if self._max_frame_age is None or time.monotonic() - frame.captured_at <= self._max_frame_age:
            return False
        self._metrics.frames_dropped.labels(frame.camera, "stale").inc()
        return True

    def _analyse(self, job: _Job) -> None:
        found: Found | None = None
        waited = time.monotonic() - job.frame.captured_at
        try:
            found = job.lane.pipeline.detect(job.frame)
            if self._max_frame_age is not None:
                found.timings["wait"] = round(waited * 1000, 2)
        except Exception as error:  # noqa: BLE001 - one frame's failure must not cost the camera or the pool its thread
            self._count_failure(job.lane, error)
        job.lane.sequencer.complete(job.ticket, found)

    def _follow(self, lane: _Lane, found: Found | None) -> None:
        if found is None:
            return
        try:
            lane.pipeline.follow(found)
        except Exception as error:  # noqa: BLE001 - as in _analyse
            self._count_failure(lane, error)
        if self._max_frame_age is not None:
            age = time.monotonic() - found.frame.captured_at
            self._metrics.frame_age.labels(lane.pipeline.camera, "analyzed").observe(age)

    def _count_failure(self, lane: _Lane, error: Exception) -> None:
        self._metrics.frames_dropped.labels(lane.pipeline.camera, "failed").inc()
        lane.failures += 1
        now = time.monotonic()
        if now - lane.logged_at >= _LOG_INTERVAL:
            camera, failures = lane.pipeline.camera, lane.failures
            log.error("camera %s: the analysis of %d frame(s) failed; the last error", camera, failures, exc_info=error)
            lane.logged_at, lane.failures = now, 0
