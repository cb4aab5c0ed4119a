"""Visits: one for each confirmed face that counts, from when it was first seen to when it was last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

from streamer.types import Event, EventKind, Track

__all__ = ["Visits"]


class Visits:
    """The visits of one camera that are under way. Pure; times in and out as in `Track` and `Event`."""

    def __init__(self, camera: str, session: str) -> None:
        """session: tells this run of the program from all others, so that a visit's key is unique for ever."""
        self._camera = camera
        self._session = session
        self._open: dict[int, str] = {}  # keys by track
        self._begun = 0

    def key(self, track: int) -> str:
        """Of the visit of a track; '' if it isn't one."""
        return self._open.get(track, "")

    def update(self, tracks: Sequence[Track], ended: Sequence[Track], utc: Callable[[float], float]) -> list[Event]:
        """The beginnings and ends of visits, at the times when a face was seen first and last.

        A visit that turns out to be a picture's ends then, with the word that it didn't count. Should the picture move
        after all, its visit starts anew. utc: turns a time of the camera's timeline into UTC.
        """
        events = []
        for track in tracks:
            if track.counted and track.id not in self._open:
                self._begun += 1
                self._open[track.id] = f"{self._session}-{self._camera}-{self._begun}"
                events.append(self._event(EventKind.VISIT_STARTED, utc(track.first_seen), track))
            elif not track.counted and track.id in self._open:
                events.append(self._end(track, utc, {"static": True}))
        events += [self._end(track, utc, {}) for track in ended if track.id in self._open]
        return events

    def _end(self, track: Track, utc: Callable[[float], float], data: dict[str, object]) -> Event:
        known = {"started_at": round(utc(track.first_seen), 3), **data}
        event = self._event(EventKind.VISIT_ENDED, utc(track.last_seen), track, known)
        del self._open[track.id]
        return event

    def _event(self, kind: EventKind, at: float, track: Track, data: dict[str, object] | None = None) -> Event:
        visit = self._open[track.id]
        key = f"{visit}-{kind.value}"
        return Event(kind, self._camera, at, track, data=MappingProxyType(data or {}), key=key, visit=visit)
