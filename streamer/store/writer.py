"""The one thread that writes: it gathers what happened for half a second, and keeps it in one transaction.

What can't be written for now waits, within a bound; what finds no room is counted. The cameras never wait.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from sqlalchemy.exc import DBAPIError

from streamer.analytics.heat import Grid, HeatMaps
from streamer.config import RulesConfig, StoreConfig
from streamer.errors import StoreError
from streamer.monitoring.health import Health
from streamer.monitoring.metrics import Metrics
from streamer.store.batch import write_rows, write_uptime
from streamer.store.database import Database
from streamer.store.drawn_rules import read_rules
from streamer.store.heat import add_heat
from streamer.store.interrupted import close_interrupted
from streamer.store.retention import Retention
from streamer.store.rows import GroupOf, Item, rows_of, uptime_rows
from streamer.store.uptime import Uptime
from streamer.types import CameraState, CameraStatus, Event, OccupancyMinute

__all__ = ["StoreWriter"]

log = logging.getLogger(__name__)

_GATHER_SECONDS = 0.5
_HEARTBEAT_SECONDS = 2.0  # between two notes that a camera is still live
_HEAT_SECONDS = 15.0  # between two times that it is noted where faces were
_RETRY_SECONDS = 1.0
_HANGS_AFTER = 2.5  # seconds of a turn; a lock, or a server that can't be reached, is given up after 2
_MOST_AT_ONCE = 2000  # items in one transaction


class StoreWriter:
    """A `Sink` that keeps what happened."""

    def __init__(
        self,
        database: Database,
        config: StoreConfig,
        *,
        session: str,
        cameras: Sequence[str],
        group_of: GroupOf,
        heat: HeatMaps | None = None,
        metrics: Metrics,
        health: Health,
        on_rules: Callable[[Mapping[str, RulesConfig]], None] = lambda _: None,
    ) -> None:
        """session: of this run. cameras: ids of all that it has, and no other run has at the same time.

        heat: is emptied into the database every few seconds. on_rules: is given the drawn rules of all cameras, once
        the database was opened.
        """
        self._database = database
        self._session = session
        self._cameras = tuple(cameras)
        self._begun = False
        self._group_of = group_of
        self._heat = heat or HeatMaps(())
        self._metrics = metrics
        self._health = health
        self._on_rules: Callable[[Mapping[str, RulesConfig]], None] | None = on_rules
        self._capacity = config.queue_size
        self._retention = Retention(config.retention)
        self._lock = threading.Lock()  # guards the two below
        self._waiting: deque[Item] = deque()
        self._uptime = Uptime()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._beaten_at = self._heated_at = 0.0
        self._turn_since: float | None = None  # monotonic s; None between turns
        metrics.store_queue_depth.set_function(lambda: len(self._waiting))

    def start(self) -> None:
        """See `Sink.start`."""
        self._thread.start()

    def event(self, event: Event) -> None:
        """See `Sink.event`."""
        self._put(event, "event")

    def minute(self, minute: OccupancyMinute) -> None:
        """See `Sink.minute`."""
        self._put(minute, "minute")

    def status(self, status: CameraStatus) -> None:
        """See `Sink.status`."""
        with self._lock:
            self._uptime.status(status.camera, live=status.state is CameraState.LIVE, at=status.since)

    def look(self, now: float) -> None:
        """Tell of a database that neither answers nor refuses. Call it every second or so. now: monotonic seconds."""
        since = self._turn_since
        if since is not None and now - since > _HANGS_AFTER:
            self._health.report("store", f"{self._database.shown}: no answer for {now - since:.0f} s")

    def stop(self, timeout: float) -> bool:
        """See `Sink.stop`."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _put(self, item: Item, kind: str) -> None:
        with self._lock:
            if len(self._waiting) >= self._capacity:
                self._uptime.lost(time.time())
                self._metrics.store_dropped.labels(kind).inc()
                return
            self._waiting.append(item)

    def _run(self) -> None:
        """Until stopped, and then once more."""
        works = True
        while not self._stopping.wait(_GATHER_SECONDS if works else _RETRY_SECONDS):
            works = self._turn()
        while self._waiting and self._turn():
            pass
        self._beaten_at = 0.0
        self._turn()
        self._database.close()

    def _turn(self) -> bool:
        """Write what waits; whether the database works."""
        self._turn_since = time.monotonic()
        try:
            self._begin()
            while self._write_some():
                pass
            if not self._stopping.is_set():
                self._retention.step(self._database)
        except StoreError as error:
            self._health.report("store", str(error))
            return False
        except Exception as error:
            log.exception("the store failed unexpectedly")
            self._health.report("store", f"{type(error).__name__}; the log says more")
            return False
        finally:
            self._turn_since = None
        self._health.report("store", None)
        return True

    def _begin(self) -> None:
        self._database.open()
        if not self._begun:
            with self._database.write() as connection:
                closed = close_interrupted(connection, self._cameras)
            if closed:
                log.warning("visits that were under way when the program was killed: %d, closed now", closed)
            self._begun = True
        if self._on_rules is not None:
            with self._database.read(_RETRY_SECONDS) as connection:
                drawn = read_rules(connection)
            self._on_rules(drawn)
            self._on_rules = None

    def _write_some(self) -> bool:
        """One transaction of what waits and of the cameras' uptime; whether there is more."""
        with self._lock:
            items = list(islice(self._waiting, _MOST_AT_ONCE))
            intervals = self._uptime.until(time.time())
        now = time.monotonic()
        if not items and now - self._beaten_at < _HEARTBEAT_SECONDS:
            return False
        uptime = uptime_rows(intervals, session=self._session)
        try:
            with self._metrics.store_write_seconds.time(), self._heat_due(now) as heat, self._database.write() as kept:
                write_rows(kept, rows_of(items, session=self._session, group_of=self._group_of))
                write_uptime(kept, uptime)
                add_heat(kept, heat)
        except DBAPIError:
            self._write_singly(items)
        self._beaten_at = now
        with self._lock:
            for _ in items:
                self._waiting.popleft()
            self._uptime.stored()
            self._uptime.kept(time.time())
            return len(self._waiting) >= _MOST_AT_ONCE

    @contextlib.contextmanager
    def _heat_due(self, now: float) -> Iterator[Mapping[tuple[str, int], Grid]]:
        """Where faces were, if it is time to keep it; what could not be kept is had again."""
        is_due = now - self._heated_at >= _HEAT_SECONDS or self._stopping.is_set()
        taken = self._heat.take() if is_due else {}
        try:
            yield taken
        except BaseException:
            self._heat.put_back(taken)
            raise
        if is_due:
            self._heated_at = now

    def _write_singly(self, items: Sequence[Item]) -> None:
        """Where the database refuses a row for what is in it, the others are kept."""
        for item in items:
            try:
                with self._database.write() as connection:
                    write_rows(connection, rows_of([item], session=self._session, group_of=self._group_of))
            except DBAPIError as error:
                self._metrics.store_dropped.labels("refused").inc()
                log.error("the database refuses a row: %s", error.orig)
