"""When cameras were live and what happened there was kept. Pure: it knows no time but what it is told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

__all__ = ["Interval", "Uptime"]


@dataclass(slots=True)
class Interval:
    """One stretch of time without a break; s, UTC."""

    camera: str
    since: float
    until: float


@dataclass(slots=True)
class Uptime:
    """The intervals that are open, and those that have ended but were not stored yet. Not for two threads."""

    _open: dict[str, Interval] = field(default_factory=dict)
    _ended: list[Interval] = field(default_factory=list)
    _live: set[str] = field(default_factory=set)
    _losing: bool = False
    _told: int = 0  # of the ended ones, how many `until` gave last

    def status(self, camera: str, *, live: bool, at: float) -> None:
        """A camera is live, or isn't, since then."""
        if live:
            self._live.add(camera)
            if camera not in self._open and not self._losing:
                self._open[camera] = Interval(camera, at, at)
        else:
            self._live.discard(camera)
            self._end(camera, at)

    def lost(self, at: float) -> None:
        """From here on something that happened is not kept: an hour of it must not pass for a quiet one."""
        self._losing = True
        for camera in tuple(self._open):
            self._end(camera, at)

    def kept(self, at: float) -> None:
        """Everything is kept again."""
        if self._losing:
            self._losing = False
            self._open = {camera: Interval(camera, at, at) for camera in self._live}

    def until(self, now: float) -> list[Interval]:
        """All that has to be stored, the open ones as far as now."""
        for interval in self._open.values():
            interval.until = max(interval.until, now)
        self._told = len(self._ended)
        return [replace(interval) for interval in (*self._ended, *self._open.values())]

    def stored(self) -> None:
        """What `until` gave last is stored."""
        del self._ended[: self._told]
        self._told = 0

    def _end(self, camera: str, at: float) -> None:
        interval = self._open.pop(camera, None)
        if interval is not None:
            interval.until = max(interval.until, at)
            self._ended.append(interval)
