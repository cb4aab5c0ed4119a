"""What the tests of the store share: events as the analytics make them, and a writer that can be waited for."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from sqlalchemy import Table, select

from streamer.analytics.age_groups import AgeGroups
from streamer.analytics.heat import HeatMaps
from streamer.config import RetentionConfig, StoreConfig
from streamer.monitoring.health import Health
from streamer.monitoring.metrics import Metrics
from streamer.store.batch import write_rows
from streamer.store.database import Database
from streamer.store.rows import Item, rows_of
from streamer.store.writer import StoreWriter
from streamer.types import CameraState, CameraStatus, Event, EventKind, Gender, Track

__all__ = ["FOR_EVER", "NOON", "Story", "Writing", "all_rows", "keep", "live", "status", "track", "writing"]

NOON = 1_764_072_000.0
"""2025-11-25 12:00:00 UTC."""


FOR_EVER = RetentionConfig(visits=None, crossings=None, stays=None, occupancy=None, uptime=None, heat=None, events=None)


def track(number: int = 1, *, age: float | None = 30.0, gender: Gender = "female") -> Track:
    """As much of a face as the store looks at."""
    nothing = (0.0, 0.0, 1.0, 1.0), np.zeros((5, 2), np.float32)
    if age is None:
        return Track(number, *nothing, 0.9, 0.0, 1.0)
    return Track(
        number, *nothing, 0.9, 0.0, 1.0,
        age=age, age_low=age - 3, age_high=age + 3, gender=gender, gender_confidence=0.9, samples=5,
    )  # fmt: skip


class Story:
    """The events of one visit, with keys as the analytics give them. All have what is known of the visitor by then."""

    def __init__(self, visit: str, camera: str = "door", *, who: Track | None = None) -> None:
        self.visit, self.camera, self.who = visit, camera, who or track()

    def starts(self, at: float) -> Event:
        """A visit."""
        return self._event(EventKind.VISIT_STARTED, at)

    def crosses(self, at: float, line: str = "entrance", direction: Literal["in", "out"] = "in") -> Event:
        """A line."""
        return self._event(EventKind.LINE_CROSSED, at, rule=line, direction=direction)

    def enters(self, at: float, zone: str = "till") -> Event:
        """A zone."""
        return self._event(EventKind.ZONE_ENTERED, at, rule=zone)

    def leaves(self, at: float, entered_at: float, zone: str = "till") -> Event:
        """A zone."""
        data = {"entered_at": entered_at, "dwell": at - entered_at}
        return self._event(EventKind.ZONE_LEFT, at, rule=zone, data=data)

    def ends(self, at: float, started_at: float, *, static: bool = False) -> Event:
        """All is known that will ever be."""
        data = {"started_at": started_at} | ({"static": True} if static else {})
        return self._event(EventKind.VISIT_ENDED, at, data=data)

    def _event(self, kind: EventKind, at: float, **more: Any) -> Event:
        key = f"{self.visit}-{kind.value}-{at:.3f}"
        return Event(kind, self.camera, at, self.who, key=key, visit=self.visit, **more)


def status(camera: str, state: CameraState, since: float) -> CameraStatus:
    """Of a camera's reader."""
    return CameraStatus(camera, camera, "demo", state, since)


def live(camera: str, since: float) -> CameraStatus:
    """A camera that has just come up."""
    return status(camera, CameraState.LIVE, since)


def all_rows(database: Database, table: Table) -> list[dict[str, Any]]:
    """The whole table, ordered by its key."""
    with database.read(10) as connection:
        return [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]


def keep(database: Database, *items: Item, session: str = "run") -> None:
    """Write them, in one transaction."""
    with database.write() as connection:
        write_rows(connection, rows_of(items, session=session, group_of=AgeGroups().of))


class Writing:
    """A writer at work, what it reports, and what it counts."""

    def __init__(
        self,
        database: Database,
        config: StoreConfig | None = None,
        *,
        session: str = "run",
        heat: HeatMaps | None = None,
    ) -> None:
        self.metrics = Metrics()
        self.health = Health(self.metrics)
        self.database = database
        self.writer = StoreWriter(
            database,
            config or StoreConfig(retention=FOR_EVER),
            session=session,
            cameras=("door", "yard"),
            group_of=AgeGroups().of,
            heat=heat,
            metrics=self.metrics,
            health=self.health,
        )

    @property
    def problem(self) -> str | None:
        """What the writer says is wrong."""
        return self.health.degraded.get("store")

    def dropped(self, kind: str) -> float:
        """So many of a kind were counted as not kept."""
        return float(self.metrics.registry.get_sample_value("streamer_store_dropped_total", {"kind": kind}) or 0)

    def waiting(self) -> float:
        """Items in the queue."""
        return float(self.metrics.registry.get_sample_value("streamer_store_queue_depth") or 0)

    def until(self, what: str, condition: Callable[[], object], seconds: float = 10.0) -> float:
        """Return when it holds, with how long that took (s)."""
        begin = time.monotonic()
        pause = threading.Event()
        while not condition():
            assert time.monotonic() < begin + seconds, f"not within {seconds} s: {what} ({self.problem})"
            pause.wait(0.02)
        return time.monotonic() - begin


@contextlib.contextmanager
def writing(
    url: str, config: StoreConfig | None = None, *, session: str = "run", heat: HeatMaps | None = None
) -> Iterator[Writing]:
    """A writer that runs, and has written everything when the context ends."""
    found = Writing(Database(url), config, session=session, heat=heat)
    found.writer.start()
    try:
        yield found
    finally:
        assert found.writer.stop(10)
