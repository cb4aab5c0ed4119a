"""The MQTT sink: the connection to a broker that hears of counts, occupancy, camera states and events."""

from __future__ import annotations

import asyncio
import logging
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from streamer.analytics.rules import Rules
from streamer.capture.backoff import Backoff
from streamer.errors import ConfigError, StoreError
from streamer.integrations.board import Board, Camera
from streamer.integrations.config import MqttConfig
from streamer.integrations.counts import CountsToday, Recall
from streamer.integrations.discovery import Discovery
from streamer.integrations.loop_thread import LoopThread, Signals
from streamer.integrations.topics import Topics
from streamer.monitoring.health import Health
from streamer.monitoring.metrics import Metrics
from streamer.own_thread import in_own_thread
from streamer.types import CameraStatus, Event, OccupancyMinute

if TYPE_CHECKING:
    import aiomqtt

__all__ = ["MqttSink"]

log = logging.getLogger(__name__)

_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 8.0  # seconds between attempts: however long it was gone, it is found soon
_OPEN_SECONDS = 5.0
_ANSWER_SECONDS = 10.0  # for the broker to acknowledge a message
_KEEPALIVE_SECONDS = 20  # a client gone without a word is noticed after one and a half times this
_PACE_SECONDS = 0.2  # between batches: occupancy may flicker with each frame
_LOOK_SECONDS = 30.0  # at the clock, should it be set while nothing happens
_RECALL_SECONDS = 5.0  # between attempts
_AT_ONCE = 10  # messages under way


class MqttSink:
    """See `streamer.sinks.Sink`. A broker that is gone costs nothing but news: it is looked for again for ever.

    Figures wait for it in their newest state, events in a bounded queue.
    """

    def __init__(
        self,
        config: MqttConfig,
        cameras: Mapping[str, Camera],
        *,
        encode: Callable[[Event], str],
        health: Health,
        metrics: Metrics,
        recall: Recall | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """encode: an event as JSON. recall: where the counts of earlier runs are; None: today's begin at 0.

        Raises ConfigError: the package `aiomqtt` is missing, or the certificates can't be read.
        """
        try:
            import aiomqtt
        except ImportError:
            raise ConfigError("mqtt: needs the package aiomqtt: pip install aiomqtt") from None
        self._mqtt = aiomqtt
        self._config = config
        self._tls = _tls_context(config)
        self._health = health
        self._dropped = metrics.events_dropped.labels("mqtt")
        self._recall = recall
        self._clock = clock
        self._topics = Topics(config.base_topic)
        self._discovery = Discovery(config.discovery, self._topics) if config.discovery else None
        counts = CountsToday(clock(), config.timezone)
        self._earlier = counts.midnight, clock()  # what earlier runs counted today lies between these
        self._lock = threading.Lock()  # guards the board; held for a few dictionary operations
        self._board = Board(
            cameras,
            counts,
            self._topics,
            self._discovery,
            encode=encode,
            most_events=config.queue_size,
            clock=clock,
            counts_known=recall is None,
        )
        self._thread = LoopThread("mqtt", self._work)

    # -- any thread ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """See `Sink.start`."""
        self._thread.start()

    def event(self, event: Event) -> None:
        """See `Sink.event`."""
        with self._lock:
            dropped = self._board.event(event)
        self._dropped.inc(dropped)
        self._thread.wake()

    def minute(self, minute: OccupancyMinute) -> None:
        """See `Sink.minute`: what is told is who is there now."""

    def status(self, status: CameraStatus) -> None:
        """See `Sink.status`."""
        with self._lock:
            news = self._board.status(status)
        if news:
            self._thread.wake()

    def occupancy(self, camera: str, counted: Mapping[str, int]) -> None:
        """Who is in sight now, by zone, '' for the whole picture. Any thread; never blocks."""
        with self._lock:
            news = self._board.occupancy(camera, counted)
        if news:
            self._thread.wake()

    def set_rules(self, camera: str, rules: Rules) -> None:
        """A camera is counted by these from now on: its sensors come and go with them. Any thread; never blocks."""
        with self._lock:
            self._board.set_rules(camera, rules)
        self._thread.wake()

    def stop(self, timeout: float) -> bool:
        """See `Sink.stop`."""
        return self._thread.stop(timeout)

    # -- on the sink's own loop ----------------------------------------------------------------------------------

    async def _work(self, signals: Signals) -> None:
        """Stay connected until asked to stop; what was counted before this start is looked up meanwhile."""
        recall = asyncio.create_task(self._recall_counts(signals))
        try:
            await self._stay_connected(signals)
        finally:
            recall.cancel()

    async def _recall_counts(self, signals: Signals) -> None:
        """Until they can be had."""
        told = False
        while self._recall is not None:
            since, until = self._earlier
            try:
                counts = await in_own_thread(partial(self._recall, since, until), "mqtt-recall")
            except StoreError as error:
                if not told:
                    log.warning("mqtt: counts are not told until those of earlier today can be had: %s", error)
                told = True
                await signals.pause(_RECALL_SECONDS)
            else:
                with self._lock:
                    self._board.restore(counts, since)
                self._recall = None
                signals.wake.set()

    async def _stay_connected(self, signals: Signals) -> None:
        backoff = Backoff(_SHORTEST_PAUSE, _LONGEST_PAUSE)
        host, port = self._config.address
        while not signals.stopping.is_set():
            try:
                await self._probe()
                async with self._client() as client:
                    self._health.report("mqtt", None)
                    backoff.reset()
                    await self._converse(client, signals)
            except (self._mqtt.MqttError, OSError, TimeoutError) as error:
                why = str(error) or "no answer in time"
                self._health.report("mqtt", f"no connection to the broker {host}:{port}: {why}")
                await signals.pause(backoff.next())

    async def _probe(self) -> None:
        """Raises OSError where nobody listens, TimeoutError where nobody answers.

        The library connects, and greets by TLS, in a thread that can't be cancelled: only where this has worked.
        """
        async with asyncio.timeout(_OPEN_SECONDS):
            _reader, writer = await asyncio.open_connection(*self._config.address, ssl=self._tls)
            writer.close()
            await writer.wait_closed()

    def _client(self) -> aiomqtt.Client:
        config = self._config
        host, port = config.address
        return self._mqtt.Client(
            host,
            port,
            username=config.username or None,
            password=config.password.get_secret_value() or None,
            identifier=config.client_id or None,
            tls_context=self._tls,
            keepalive=_KEEPALIVE_SECONDS,
            timeout=_ANSWER_SECONDS,
            will=self._mqtt.Will(self._topics.status, "offline", qos=1, retain=True),
        )

    async def _converse(self, client: aiomqtt.Client, signals: Signals) -> None:
        """Listen and tell until asked to stop. Raises MqttError when the connection is lost."""
        listener = asyncio.create_task(self._listen(client, signals))
        listener.add_done_callback(lambda _: signals.wake.set())
        try:
            if self._discovery is not None:
                # Before anything is said, so that what an earlier run left there comes first
                await client.subscribe([(self._discovery.birth, 1), (self._discovery.devices, 1)])
            await client.publish(self._topics.status, "online", qos=1, retain=True)
            with self._lock:
                self._board.repeat()
            while not signals.stopping.is_set():
                await self._tell(client)
                if listener.done():
                    await listener
                await signals.pause(_PACE_SECONDS)
                await signals.woken(self._seconds_to_wait())
            await self._tell(client)
            await client.publish(self._topics.status, "offline", qos=1, retain=True)
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)

    def _seconds_to_wait(self) -> float:
        """At most until midnight, when counts begin at 0."""
        with self._lock:
            midnight = self._board.next_midnight
        return min(_LOOK_SECONDS, max(0.0, midnight - self._clock()))

    async def _tell(self, client: aiomqtt.Client) -> None:
        """Publish all there is; events that don't get through wait for the next connection."""
        with self._lock:
            messages = self._board.take()
        while messages:
            batch = messages[:_AT_ONCE]
            try:
                await asyncio.gather(*(client.publish(m.topic, m.payload, 1, m.retain) for m in batch))
            except BaseException:
                with self._lock:
                    dropped = self._board.put_back(messages)
                self._dropped.inc(dropped)
                raise
            del messages[:_AT_ONCE]

    async def _listen(self, client: aiomqtt.Client, signals: Signals) -> None:
        """Home Assistant's birth, and what earlier runs have left at the broker."""
        async for message in client.messages:
            if isinstance(message.payload, bytes):
                with self._lock:
                    self._board.hear(str(message.topic), message.payload)
                signals.wake.set()


def _tls_context(config: MqttConfig) -> ssl.SSLContext | None:
    if not config.tls:
        return None
    try:
        return ssl.create_default_context(cafile=config.ca_file)
    except OSError as error:  # ssl.SSLError too
        raise ConfigError(f"mqtt.ca_file: {config.ca_file}: {error.strerror or error}") from None
