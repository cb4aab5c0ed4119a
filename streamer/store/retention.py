"""How long each kind of row is kept: a little is deleted at a time, between two writes."""

from __future__ import annotations

import time
from collections.abc import Callable

from streamer.config import RetentionConfig
from streamer.store.database import Database
from streamer.store.deletion import KINDS, delete_day
from streamer.store.rollup import DAY
from streamer.store.rows import milliseconds

__all__ = ["Retention"]

_LOOK_SECONDS = 600.0  # between two looks for what has become too old
_STEP_SECONDS = 0.2  # of deleting, while events wait


class Retention:
    """Deletes what is older than so many days of its kind. For one thread."""

    def __init__(self, days: RetentionConfig, *, clock: Callable[[], float] = time.time) -> None:
        """clock: UTC, s."""
        self._days = {kind: getattr(days, kind) for kind in KINDS}
        self._clock = clock
        self._next = 0.0
        self._deleted = False

    def step(self, database: Database) -> None:
        """Delete the oldest days of what is too old, if it is time to look. Raises StoreError."""
        now = self._clock()
        if now < self._next:
            return
        begun = time.monotonic()
        for kind, days in self._days.items():
            while days is not None:
                with database.write() as connection:
                    if delete_day(connection, kind, 0, milliseconds(now) - days * DAY) is None:
                        break
                self._deleted = True
                if time.monotonic() - begun > _STEP_SECONDS:
                    return  # it goes on with the next step
        if self._deleted:
            database.shrink()
            self._deleted = False
        self._next = now + _LOOK_SECONDS
