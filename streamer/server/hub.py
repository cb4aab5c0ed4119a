"""The bridge from the analysing threads to the asyncio loop, and the only one.

Three things cross it: the newest result of each camera (a slot each: an older one that nobody has fetched is replaced),
events (a bounded queue: the oldest goes when it is full, counted), and at most one pending wake-up of the loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from streamer.monitoring.metrics import Metrics
from streamer.pacing import Throttle
from streamer.types import Event, Frame, Result

__all__ = ["FRESH_SECONDS", "Hub", "Update"]

log = logging.getLogger(__name__)

FRESH_SECONDS = 10.0  # an older picture shows the past


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """One analysed frame as it was handed over.

    faces: (N, 4) float32, x0 y0 x1 y1 in pixels of the frame: all that blurring has to hide, confirmed or not.
    published_at: monotonic seconds.
    """

    frame: Frame
    result: Result
    faces: NDArray[np.float32]
    published_at: float


@dataclass(eq=False, slots=True)
class _Listener:
    on_update: Callable[[Update], None]
    on_event: Callable[[Event], None]


@dataclass(slots=True)
class _Crossing:
    """What waits for the loop. Touched only under the hub's lock."""

    updates: dict[str, Update] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=deque)


class Hub:
    """Takes results and events from any thread, and gives them to listeners on the loop."""

    def __init__(self, metrics: Metrics, *, event_capacity: int = 1000) -> None:
        self._metrics = metrics
        self._capacity = event_capacity
        # Held for a few dictionary operations at a time, never while a listener runs, so that no publisher waits.
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake_pending = False
        self._crossing = _Crossing()
        self._latest: dict[str, Update] = {}
        self._published: dict[str, int] = {}
        self._overflow = Throttle()
        self._listeners: list[_Listener] = []  # touched on the loop only

    # -- any thread ----------------------------------------------------------------------------------------------

    def publish(self, frame: Frame, result: Result, faces: NDArray[np.float32] | None = None) -> None:
        """Hand over an analysed frame. Never blocks.

        faces: (N, 4) boxes of every face found in it, also of those not confirmed as a track; what `privacy: blur`
        hides besides the tracks.
        """
        tracked = np.array([track.box for track in result.tracks], np.float32).reshape(-1, 4)
        hidden = tracked if faces is None else np.concatenate([tracked, np.asarray(faces, np.float32).reshape(-1, 4)])
        update = Update(frame, result, hidden, time.monotonic())
        with self._lock:
            self._latest[frame.camera] = update
            self._published[frame.camera] = self._published.get(frame.camera, 0) + 1
            self._crossing.updates[frame.camera] = update
            self._wake()

    def publish_event(self, event: Event) -> None:
        """Hand over an event. Never blocks; when the queue is full, the oldest event goes and is counted."""
        overflowed = 0
        with self._lock:
            if len(self._crossing.events) >= self._capacity:
                self._crossing.events.popleft()
                self._metrics.events_dropped.labels("hub").inc()
                overflowed = self._overflow.count(time.monotonic())
            self._crossing.events.append(event)
            self._wake()
        if overflowed:
            log.warning("the event queue is full: %d events dropped, the oldest first", overflowed)

    def latest(self, camera: str) -> tuple[Frame, Result] | None:
        """The newest analysed frame of a camera."""
        update = self.newest(camera)
        return (update.frame, update.result) if update else None

    def newest(self, camera: str) -> Update | None:
        """As `latest`, with what belongs to it."""
        with self._lock:
            return self._latest.get(camera)

    def fresh(self, camera: str) -> Update | None:
        """As `newest`, unless that is so old that nobody should take it for what the camera sees now."""
        update = self.newest(camera)
        return update if update and time.monotonic() - update.frame.captured_at <= FRESH_SECONDS else None

    def published(self, camera: str) -> int:
        """How many frames of this camera were published since the start."""
        with self._lock:
            return self._published.get(camera, 0)

    def _wake(self) -> None:
        """Have the loop fetch what crossed, unless it was told already. Called with the lock held.

        The race with `_fetch`: it clears the flag and takes everything in one hold of the lock, so that what is put
        before is taken with it, and what is put after wakes the loop again. Nothing is left without a wake-up.
        """
        if self._wake_pending or self._loop is None:
            return
        try:
            self._loop.call_soon_threadsafe(self._fetch)  # writes to a non-blocking pipe: fine under the lock
        except RuntimeError:  # the loop was closed without `detach`; publishing goes on, unheard
            self._loop = None
            return
        self._wake_pending = True

    # -- on the loop ---------------------------------------------------------------------------------------------

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Deliver to this loop from now on; what was published before is delivered first."""
        with self._lock:
            self._loop = loop
            self._wake_pending = False  # a wake-up pending in an earlier loop may never run
            if self._crossing.updates or self._crossing.events:
                self._wake()

    def detach(self) -> None:
        """Deliver no more. Publishing stays allowed."""
        with self._lock:
            self._loop = None
            self._wake_pending = False

    def listen(self, on_update: Callable[[Update], None], on_event: Callable[[Event], None]) -> Callable[[], None]:
        """Call these on the loop for each update and event from now on; returns what ends it. They must not block."""
        listener = _Listener(on_update, on_event)
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    def _fetch(self) -> None:
        with self._lock:
            self._wake_pending = False
            if self._loop is None:  # detached after the wake-up was sent
                return
            crossing, self._crossing = self._crossing, _Crossing()
        for listener in tuple(self._listeners):  # a copy: a listener may end itself, or another
            try:
                for update in crossing.updates.values():
                    listener.on_update(update)
                for event in crossing.events:
                    listener.on_event(event)
            except Exception:  # one viewer's fault must not cost the others their frames
                log.exception("a listener of the hub failed")
