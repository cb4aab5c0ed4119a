"""The webhook sink: every event is sent over HTTP to the programs that asked for its kind, at least once."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from streamer.errors import ConfigError, StoreError
from streamer.integrations.config import WebhooksConfig
from streamer.integrations.delivery import Target
from streamer.integrations.loop_thread import LoopThread, Signals
from streamer.integrations.outbox import Outbox
from streamer.monitoring.health import Health
from streamer.monitoring.metrics import Metrics
from streamer.pacing import Throttle
from streamer.types import CameraStatus, Event, OccupancyMinute

__all__ = ["WebhookSink"]

log = logging.getLogger(__name__)

_MOST_IN_MEMORY = 1000  # events that wait to be written while the disk refuses
_RETRY_SECONDS = 5.0
_LOOK_SECONDS = 60.0


class WebhookSink:
    """See `streamer.sinks.Sink`. Events go to a file first; from there each target takes them at its own speed."""

    def __init__(
        self, config: WebhooksConfig, *, encode: Callable[[Event], str], health: Health, metrics: Metrics
    ) -> None:
        """encode: an event as JSON. Raises ConfigError without the package `httpx`, StoreError for the queue's file."""
        try:
            import httpx
        except ImportError:
            raise ConfigError("webhooks: needs the package httpx: pip install httpx") from None
        self._httpx = httpx
        for library in ("httpx", "httpcore"):  # they log every URL, and all that a server answers
            logging.getLogger(library).setLevel(logging.WARNING)
        self._config = config
        self._encode = encode
        self._health = health
        self._metrics = metrics
        self._dropped = metrics.webhook_dropped
        self._overflow = Throttle()
        self._kinds = {target.name: frozenset(target.events) for target in config.targets}
        self._outbox = Outbox(config.queue_file, {target.name: target.queue_size for target in config.targets})
        self._thread = LoopThread("webhooks", self._work)
        self._lock = threading.Lock()  # guards the events; held for a moment
        self._events: deque[Event] = deque()

    def start(self) -> None:
        """See `Sink.start`."""
        self._thread.start()

    def event(self, event: Event) -> None:
        """See `Sink.event`."""
        if not any(event.kind in kinds for kinds in self._kinds.values()):
            return
        with self._lock:
            self._events.append(event)
            overflowed = len(self._events) > _MOST_IN_MEMORY
            oldest = self._events.popleft() if overflowed else None
        if oldest is not None:
            self._count_dropped({name: 1 for name, kinds in self._kinds.items() if oldest.kind in kinds})
        self._thread.wake()

    def minute(self, minute: OccupancyMinute) -> None:
        """See `Sink.minute`: webhooks tell of events only."""

    def status(self, status: CameraStatus) -> None:
        """See `Sink.status`: that a camera comes or goes is an event."""

    def stop(self, timeout: float) -> bool:
        """See `Sink.stop`. What was not delivered stays in the file."""
        ended = self._thread.stop(timeout)
        if ended:
            self._outbox.close()
        return ended

    def _count_dropped(self, dropped: dict[str, int]) -> None:
        for target, count in dropped.items():
            self._dropped.labels(target).inc(count)
        if dropped and (times := self._overflow.count(time.monotonic())):
            log.warning("webhooks: a queue is full, the oldest events are dropped (%d times so far)", times)

    # -- on the sink's own loop ----------------------------------------------------------------------------------

    async def _work(self, signals: Signals) -> None:
        targets = [
            Target(config, self._outbox, health=self._health, metrics=self._metrics) for config in self._config.targets
        ]
        async with self._httpx.AsyncClient(follow_redirects=False, timeout=None) as client:
            deliveries = [asyncio.create_task(target.work(client, signals)) for target in targets]
            try:
                await self._write(targets, signals)
            finally:
                for task in deliveries:
                    task.cancel()
                await asyncio.gather(*deliveries, return_exceptions=True)

    async def _write(self, targets: list[Target], signals: Signals) -> None:
        """Put what comes into the outbox, until asked to stop."""
        while True:
            stopping = signals.stopping.is_set()
            written = self._write_events()
            for target in targets:
                target.queued.set()
            if stopping:
                return
            if written:
                await signals.woken(_LOOK_SECONDS)
            else:
                await signals.pause(_RETRY_SECONDS)

    def _write_events(self) -> bool:
        """False where the disk refuses: the events wait in memory then."""
        with self._lock:
            events = tuple(self._events)
        if not events:
            return True
        deliveries = [
            (name, event.key, self._encode(event).encode())
            for event in events
            for name, kinds in self._kinds.items()
            if event.kind in kinds
        ]
        try:
            dropped = self._outbox.put(deliveries)
        except StoreError as error:
            self._health.report("webhooks", str(error))
            return False
        with self._lock:
            written = {id(event) for event in events}
            self._events = deque(event for event in self._events if id(event) not in written)
        self._health.report("webhooks", None)
        self._count_dropped(dropped)
        return True
