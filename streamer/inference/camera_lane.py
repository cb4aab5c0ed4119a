"""One camera's way through the pool: bounded, never stale, in order, and alive after a failed frame."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from streamer.capture.frame_queue import FrameQueue
from streamer.inference.effort import Effort
from streamer.inference.pipeline import CameraPipeline, Followed, Found
from streamer.inference.pool import Work
from streamer.inference.sequencer import Sequencer
from streamer.inference.turn import Dismissed
from streamer.monitoring.metrics import Metrics
from streamer.pacing import Throttle
from streamer.types import FaceReading, Frame

__all__ = ["CameraLane", "LaneCounts"]

log = logging.getLogger(__name__)

_LONGEST_REASON = 200  # characters


def _ignore() -> None:
    return None


@dataclass(frozen=True, slots=True)
class LaneCounts:
    """What became of a lane's frames since the start.

    offered: came to the queue. evicted: newer ones took their place there, or their turn. stale: too old at their turn,
    or when it was theirs to be delivered. taken: out of the queue; waited: seconds that these have waited, all
    together.
    """

    offered: int
    evicted: int
    stale: int
    taken: int
    waited: float


class CameraLane:
    """Takes a camera's frames from its queue to its pipeline.

    Finding faces in a frame is one piece of work for the pool, and reading those that are due another one. What needs
    the order of capture is done by the worker that has finished the frame whose turn it is: see `Sequencer`.

    Frames older than `max_frame_age` seconds are dropped at their turn, before work is spent on them; None keeps all,
    for files. A frame whose analysis fails is counted, logged at most once a minute, and skipped.
    """

    def __init__(
        self,
        pipeline: CameraPipeline,
        *,
        queue_size: int,
        max_frame_age: float | None,
        long_wait: float = math.inf,
        most_under_way: int,
        metrics: Metrics,
        wake: Callable[[], None],
        on_give_up: Callable[[], None] = _ignore,
    ) -> None:
        """A queue without an age limit loses no frame: putting waits for room.

        long_wait: seconds in the queue after which a frame makes way for a newer one; at few frames a second all would
        else be that late where there is too much to do. most_under_way: frames taken and not delivered yet; more would
        only wait, with their pictures, for the one whose turn it is. wake: called when a frame waits. on_give_up:
        called when the analysis of frames has hung too often; it must not block.
        """
        self.queue = FrameQueue(queue_size, lossless=max_frame_age is None, on_put=wake)
        self._pipeline = pipeline
        self._camera = pipeline.camera
        self._on_give_up = on_give_up
        self._max_frame_age = max_frame_age
        self._long_wait = long_wait
        self._most_under_way = most_under_way
        self._following: Sequencer[Found | None] = Sequencer(self._follow)
        self._reporting: Sequencer[tuple[Followed, Sequence[FaceReading] | None]] = Sequencer(self._report)
        self._to_read: deque[_Reading] = deque()
        self._skips_readings = False
        self._wake = wake
        self._metrics = metrics
        self.failures = 0  # frames whose analysis failed
        self.analyzed = 0  # frames whose results were delivered
        self.to_be_read, self.were_read = 0, 0  # frames in which the nets were to look at faces, and those that told
        self.failure = ""  # why the last frame's analysis failed; '' once another one's didn't
        # Written under the pool's lock, but for the last one, which belongs to the thread whose turn it is to follow
        self._taken, self._waited, self._passed_over, self._stale_in_queue, self._stale_later = 0, 0.0, 0, 0, 0
        self._failures_to_tell = Throttle()
        metrics.queue_depth.labels(self._camera).set_function(lambda: len(self.queue))

    @property
    def waiting(self) -> bool:
        """See `Lane`."""
        return bool(self._to_read) or (len(self.queue) > 0 and self._under_way < self._most_under_way)

    @property
    def begun(self) -> bool:
        """See `Lane`: a frame whose faces are found waits, and keeps those behind it waiting."""
        return bool(self._to_read)

    @property
    def drained(self) -> bool:
        """The queue is closed, and everything that was in it has been handled."""
        return self.queue.drained and not self._under_way

    @property
    def _under_way(self) -> int:
        """Frames taken, and neither reported nor dropped."""
        return self._following.outstanding + self._reporting.outstanding

    @property
    def counts(self) -> LaneCounts:
        """As they stand. Any thread."""
        stale = self._stale_in_queue + self._stale_later
        evicted = self.queue.evicted + self._passed_over
        return LaneCounts(self.queue.offered, evicted, stale, self._taken, self._waited)

    def set_effort(self, effort: Effort) -> None:
        """See `CameraPipeline.set_effort`."""
        self._pipeline.set_effort(effort)

    def take(self) -> Work | None:
        """See `Lane`. The order in which frames are taken is that in which their results are delivered."""
        with contextlib.suppress(IndexError):
            return self._to_read.popleft()  # first: later frames wait for it
        frame = self._next()
        if frame is None:
            return None
        self._taken += 1
        self._waited += time.monotonic() - frame.captured_at
        if self._is_stale(frame):
            self._stale_in_queue += 1
            self._drop("stale")
            return None
        return _Search(self, frame, self._following.issue())

    def _next(self) -> Frame | None:
        """The frame that has waited longest, but none that has waited too long while there is a newer."""
        frame = self.queue.take()
        while frame is not None and time.monotonic() - frame.captured_at > self._long_wait and len(self.queue):
            self._passed_over += 1
            self._drop("evicted")
            frame = self.queue.take()
        return frame

    def give_up(self) -> None:
        """See `Lane`. The camera takes no more frames."""
        self.close()
        self._on_give_up()

    def close(self) -> None:
        """See `Lane`. Frames of a camera that were followed already are reported, without what would be read."""
        self.queue.close()
        self._skips_readings = self._max_frame_age is not None
        self._skip_readings()

    # What `_Search` and `_Reading` do, on threads of the pool.

    def detect(self, frame: Frame) -> Found | None:
        """The first half of the way; None where it failed."""
        waited = time.monotonic() - frame.captured_at
        try:
            found = self._pipeline.detect(frame)
        except Exception as error:  # noqa: BLE001 - one frame's failure must not cost the camera, or the pool its thread
            self._count_failure(error)
            return None
        if self._max_frame_age is not None:
            found.timings["wait"] = round(waited * 1000, 2)
        return found

    def found(self, ticket: int, found: Found | None) -> None:
        """Goes on in turn. Raises Dismissed in a thread that `relieve` was called for."""
        self._following.complete(ticket, found)

    def read(self, followed: Followed) -> Sequence[FaceReading] | None:
        """See `CameraPipeline.read`."""
        return self._pipeline.read(followed)

    def have_read(self, ticket: int, followed: Followed, readings: Sequence[FaceReading] | None) -> None:
        """Goes on in turn."""
        self._reporting.complete(ticket, (followed, readings))

    def take_away(self, thread: threading.Thread) -> bool:
        """See `CameraPipeline.take_away`."""
        return self._pipeline.take_away(thread)

    def relieve(self, thread: threading.Thread) -> None:
        """Go on in the place of a thread from which its frame was taken away."""
        self._following.relieve(thread)

    def count_hang(self) -> None:
        """A frame was given up because its analysis hung."""
        self._drop("hung")
        self.failure = "the analysis hangs"
        self.failures += 1

    def count_hung_reading(self) -> None:
        """A frame does without its readings, because they hung."""
        self._metrics.reading_failures.labels(self._camera).inc()

    def _is_stale(self, frame: Frame) -> bool:
        return self._max_frame_age is not None and time.monotonic() - frame.captured_at > self._max_frame_age

    def _follow(self, found: Found | None) -> None:
        if found is None:
            return
        if self._is_stale(found.frame):  # it waited for an earlier frame that took long
            self._stale_later += 1
            self._drop("stale")
            return
        try:
            followed = self._pipeline.follow(found)
        except Dismissed:  # counted by whoever dismissed this thread, which must leave the sequencer as it is
            raise
        except Exception as error:  # noqa: BLE001 - as in detect
            self._count_failure(error)
            return
        ticket = self._reporting.issue()
        if followed.chosen is None:
            self._reporting.complete(ticket, (followed, None))
        else:
            self.to_be_read += 1
            self._to_read.append(_Reading(self, followed, ticket))
            self._skip_readings()
            self._wake()

    def _skip_readings(self) -> None:
        """Once the lane is closed, whoever comes last sees to it that no frame waits for a worker any more."""
        while self._skips_readings:
            try:
                reading = self._to_read.popleft()
            except IndexError:
                return
            reading.skip()

    def _report(self, item: tuple[Followed, Sequence[FaceReading] | None]) -> None:
        followed, readings = item
        try:
            self._pipeline.report(followed, readings)
            self.were_read += readings is not None
            self.failure, self.analyzed = "", self.analyzed + 1
        except Exception as error:  # noqa: BLE001 - as in detect
            self._count_failure(error)
        if self._max_frame_age is not None:
            age = time.monotonic() - followed.frame.captured_at
            self._metrics.frame_age.labels(self._camera, "analyzed").observe(age)

    def _drop(self, reason: str) -> None:
        self._metrics.frames_dropped.labels(self._camera, reason).inc()

    def _count_failure(self, error: Exception) -> None:
        self._drop("failed")
        self.failure = (str(error) or type(error).__name__).partition("\n")[0][:_LONGEST_REASON]
        self.failures += 1
        if count := self._failures_to_tell.count(time.monotonic()):
            log.error(
                "camera %s: the analysis of %d frame(s) failed; the last error", self._camera, count, exc_info=error
            )


class _Search:
    """The `Work` of finding a frame's faces. A thread that hangs there, or in what follows in turn, is relieved."""

    def __init__(self, lane: CameraLane, frame: Frame, ticket: int) -> None:
        self._lane = lane
        self._frame = frame
        self._ticket = ticket
        self._handed_in = threading.Lock()  # never released: the one who gets it hands in what was detected, or nothing

    def run(self) -> None:
        """See `Work`."""
        found = self._lane.detect(self._frame)
        if not self._handed_in.acquire(blocking=False):
            return
        self._hand_in(found)

    def give_up(self, thread: threading.Thread) -> Callable[[], None] | None:
        """See `Work`."""
        if self._handed_in.acquire(blocking=False):
            self._lane.count_hang()
            return lambda: self._hand_in(None)
        if not self._lane.take_away(thread):
            return None
        self._lane.count_hang()
        return lambda: self._relieve(thread)

    def _hand_in(self, found: Found | None) -> None:
        with contextlib.suppress(Dismissed):
            self._lane.found(self._ticket, found)

    def _relieve(self, thread: threading.Thread) -> None:
        with contextlib.suppress(Dismissed):
            self._lane.relieve(thread)


class _Reading:
    """The `Work` of reading faces of a frame that was followed."""

    def __init__(self, lane: CameraLane, followed: Followed, ticket: int) -> None:
        self._lane = lane
        self._followed = followed
        self._ticket = ticket
        self._handed_in = threading.Lock()  # never released, as in `_Search`

    def run(self) -> None:
        """See `Work`."""
        readings = self._lane.read(self._followed)
        if self._handed_in.acquire(blocking=False):
            self._lane.have_read(self._ticket, self._followed, readings)

    def give_up(self, _thread: threading.Thread) -> Callable[[], None] | None:
        """See `Work`."""
        if not self._handed_in.acquire(blocking=False):
            return None
        self._lane.count_hung_reading()
        return lambda: self._lane.have_read(self._ticket, self._followed, None)

    def skip(self) -> None:
        """Go on without."""
        self._lane.have_read(self._ticket, self._followed, None)
