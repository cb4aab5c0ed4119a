"""What waits to be sent to one viewer, and what goes next. No socket, clock or thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from streamer.monitoring.metrics import Metrics
from streamer.pacing import RateLimit
from streamer.server.hub import Update
from streamer.server.pictures import EncodedPicture, Variant
from streamer.server.protocol import Subscribe
from streamer.types import Event, Result

__all__ = ["EVENT_CAPACITY", "Outbox", "Slot"]

EVENT_CAPACITY = 256
_NOTICE_CAPACITY = 64


@dataclass(slots=True, eq=False)
class Slot:
    """One camera of one viewer.

    wanted: the newest frame that is due. encoding: whether one was handed to the encoder. ready: what can be sent.
    newest: `captured_at` of the newest frame that was taken up, so that none is sent twice or after a newer one.
    """

    limit: RateLimit
    wanted: Update | None = None
    encoding: bool = False
    ready: Result | EncodedPicture | None = None
    newest: float = float("-inf")


@dataclass(slots=True)
class _Counts:
    sent: int = 0
    replaced: int = 0
    events_dropped: int = 0


@dataclass(slots=True)
class Outbox:
    """Holds for each camera at most one frame that waits (the same for all viewers), and one JPEG or result."""

    metrics: Metrics
    counts: _Counts = field(default_factory=_Counts)
    variant: Variant | None = None
    events_wanted: bool | Literal["*"] = False
    slots: dict[str, Slot] = field(default_factory=dict)
    events: deque[Event] = field(default_factory=deque)
    notices: deque[str] = field(default_factory=lambda: deque(maxlen=_NOTICE_CAPACITY))
    stats: str | None = None

    def subscribe(self, subscription: Subscribe, cameras: Iterable[str]) -> None:
        """Forget what was wanted before, and want this of these cameras; events that are wanted still stay queued."""
        kind = subscription.frames
        self.variant = None if kind == "none" else Variant.of(kind, subscription.width, subscription.quality)
        self.events_wanted = subscription.events
        self.slots = {camera: Slot(RateLimit(subscription.max_fps)) for camera in cameras}
        self.events = deque(event for event in self.events if self._wants(event))

    def offer(self, update: Update, now: float) -> bool:
        """Take up an update if it is wanted; the one that waited is replaced. now: monotonic seconds."""
        slot = self.slots.get(update.result.camera)
        if slot is None or update.result.captured_at <= slot.newest or not slot.limit.allows(now):
            return False
        if slot.wanted is not None:
            self._replaced(update.result.camera)
        slot.wanted = update
        return True

    def offer_event(self, event: Event) -> bool:
        """Queue an event if it is wanted; when the queue is full, the oldest goes and is counted."""
        if not self._wants(event):
            return False
        if len(self.events) >= EVENT_CAPACITY:
            self.events.popleft()
            self.counts.events_dropped += 1
            self.metrics.events_dropped.labels("viewer").inc()
        self.events.append(event)
        return True

    def _wants(self, event: Event) -> bool:
        return self.events_wanted == "*" or (bool(self.events_wanted) and event.camera in self.slots)

    def to_encode(self) -> list[tuple[Slot, Update]]:
        """The frames to hand to the encoder now, to be called when something can be sent. Results become ready."""
        jobs = []
        for camera, slot in self.slots.items():
            update = slot.wanted
            if update is None or slot.encoding:
                continue
            slot.wanted = None
            if update.result.captured_at <= slot.newest:  # a newer one was encoded in its place
                continue
            slot.newest = update.result.captured_at
            if self.variant is None:
                self._make_ready(camera, slot, update.result)
            else:
                slot.encoding = True
                jobs.append((slot, update))
        return jobs

    def encoded(self, slot: Slot, picture: EncodedPicture | None) -> None:
        """Take back a slot from the encoder, with a picture unless that failed."""
        slot.encoding = False
        if picture is None:
            return
        slot.newest = max(slot.newest, picture.result.captured_at)
        self._make_ready(picture.result.camera, slot, picture)

    def next_frame(self) -> Result | EncodedPicture | None:
        """The picture or result to send next; cameras take turns."""
        for camera, slot in self.slots.items():
            if slot.ready is not None:
                frame, slot.ready = slot.ready, None
                del self.slots[camera]  # to the end of the line
                self.slots[camera] = slot
                self.counts.sent += 1
                return frame
        return None

    def drop_outdated(self) -> None:
        """Let go what was ready and has been overtaken, after nothing could be sent for a while."""
        for camera, slot in self.slots.items():
            if slot.ready is not None and slot.wanted is not None:
                slot.ready = None
                self._replaced(camera)

    def _make_ready(self, camera: str, slot: Slot, frame: Result | EncodedPicture) -> None:
        if slot.ready is not None:
            self._replaced(camera)
        slot.ready = frame

    def _replaced(self, camera: str) -> None:
        if self.variant is not None:
            self.counts.replaced += 1
            self.metrics.pictures_replaced.labels(camera).inc()
