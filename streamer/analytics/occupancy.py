"""How many were there, minute by minute of UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streamer.types import OccupancyMinute

__all__ = ["OccupancyMinutes"]

SET_BACK = 0.05  # s; a clock that goes back by more was set
HOLDS = 2.0  # s for which a frame tells how many are there; what lies beyond was not observed


@dataclass(slots=True)
class _Sum:
    """observed: s. people: people x s."""

    observed: float = 0.0
    people: float = 0.0
    peak: int = 0


class OccupancyMinutes:
    """Sums up what the frames of one camera show. A step back of the clock may make a minute come a second time."""

    def __init__(self, camera: str) -> None:
        self._camera = camera
        self._minute = 0  # UTC, that is being summed up
        self._sums: dict[str, _Sum] = {}  # by zone
        self._at: float | None = None  # of the newest frame,
        self._utc = 0.0  # and the same moment in UTC
        self._occupancy: Mapping[str, int] = {}

    def update(self, occupancy: Mapping[str, int], at: float, wall_time: float) -> tuple[OccupancyMinute, ...]:
        """So many are there from this frame on, by zone; returns the minutes that are over.

        at: the frame's `captured_at`. wall_time: the same moment in UTC.
        """
        seconds = 0.0 if self._at is None else at - self._at
        over: list[OccupancyMinute] = []
        if wall_time - seconds < self._utc - SET_BACK:
            over += self._finish()
        if 0 < seconds <= HOLDS:
            then = wall_time - seconds
            while then < wall_time:
                over += self._turn(then)
                until = min(wall_time, self._minute + 60.0)
                self._add(until - then)
                then = until
        over += self._turn(wall_time)
        self._at, self._utc, self._occupancy = at, wall_time, dict(occupancy)
        return tuple(over)

    def pass_time(self, wall_time: float) -> tuple[OccupancyMinute, ...]:
        """No frame came, and nothing is known of how many are there; returns the minutes that are over."""
        return tuple(self._turn(wall_time))

    def close(self) -> tuple[OccupancyMinute, ...]:
        """The minute under way, as far as it was observed."""
        self._at = None
        return tuple(self._finish())

    def _turn(self, wall_time: float) -> list[OccupancyMinute]:
        """Begin another minute, if it is another."""
        minute = int(wall_time // 60) * 60
        if minute == self._minute:
            return []
        over = self._finish()
        self._minute = minute
        return over

    def _add(self, seconds: float) -> None:
        for zone, count in self._occupancy.items():
            total = self._sums.setdefault(zone, _Sum())
            total.observed += seconds
            total.people += seconds * count
            total.peak = max(total.peak, count)

    def _finish(self) -> list[OccupancyMinute]:
        sums, self._sums = self._sums, {}
        return [
            OccupancyMinute(self._camera, zone, self._minute, s.people / s.observed, s.peak, min(s.observed, 60.0))
            for zone, s in sums.items()
            if s.observed > 0
        ]
