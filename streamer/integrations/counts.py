"""Today's figures: visits and crossings since midnight, by camera. Pure but for the time zone's rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from streamer.types import Event, EventKind

__all__ = ["CountsToday", "DayCounts", "Recall"]


@dataclass(slots=True)
class DayCounts:
    """Of one camera on one day. visits: begun on this day, and over. crossings: by line and direction."""

    visits: int = 0
    crossings: dict[tuple[str, Literal["in", "out"]], int] = field(default_factory=dict)


Recall = Callable[[float, float], Mapping[str, DayCounts]]
"""What was counted from one moment to another (UTC s) by camera, from where events are kept. Raises StoreError."""


class CountsToday:
    """Counts each event once, on the day on which it happened. Not for two threads.

    A visit counts when it is over, as only then it is known to be a person's, on the day on which it began. So no
    figure ever falls but at midnight, and the days are those of the store.
    """

    def __init__(self, now: float, timezone: str | None = None) -> None:
        """now: UTC s. timezone: whose midnight it is; None: the machine's."""
        self._zone = ZoneInfo(timezone) if timezone else None
        self._counts: dict[str, DayCounts] = {}
        self._keys: set[str] = set()
        self._day = self._date(now)

    def of(self, camera: str) -> DayCounts:
        """What was counted today."""
        return self._counts.get(camera, DayCounts())

    @property
    def midnight(self) -> float:
        """When today began, UTC s."""
        return self._begin(self._day)

    @property
    def next_midnight(self) -> float:
        """When today ends, UTC s."""
        return self._begin(self._day + timedelta(days=1))

    def restore(self, counts: Mapping[str, DayCounts]) -> None:
        """Add these, of earlier runs today."""
        for camera, found in counts.items():
            known = self._counts.setdefault(camera, DayCounts())
            known.visits += found.visits
            for way, count in found.crossings.items():
                known.crossings[way] = known.crossings.get(way, 0) + count

    def turn(self, now: float) -> bool:
        """Begin a new day if it is time; returns whether it was."""
        today = self._date(now)
        if today == self._day:
            return False
        self._day = today
        self._counts.clear()
        self._keys.clear()
        return True

    def add(self, event: Event) -> bool:
        """Count an event, unless it is none that counts, known, or of another day; returns whether it was counted."""
        match event.kind:
            case EventKind.VISIT_ENDED if not event.data.get("static"):
                at = float(event.data.get("started_at", event.at))
            case EventKind.LINE_CROSSED if event.rule is not None and event.direction is not None:
                at = event.at
            case _:
                return False
        if self._date(at) != self._day or event.key in self._keys:
            return False
        self._keys.add(event.key)
        counts = self._counts.setdefault(event.camera, DayCounts())
        if event.kind is EventKind.LINE_CROSSED and event.rule is not None and event.direction is not None:
            way = (event.rule, event.direction)
            counts.crossings[way] = counts.crossings.get(way, 0) + 1
        else:
            counts.visits += 1
        return True

    def _date(self, at: float) -> date:
        return datetime.fromtimestamp(at, UTC).astimezone(self._zone).date()

    def _begin(self, day: date) -> float:
        return datetime.combine(day, time.min, self._zone).timestamp()
