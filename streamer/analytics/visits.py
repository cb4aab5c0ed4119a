"""Visits: one for each confirmed face that counts, from when it was first seen to when it was last."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from streamer.types import Event, EventKind, Track

__all__ = ["Visits"]

UtcOf = Callable[[float], float]
"""Turns a time of the camera's timeline into UTC."""


@dataclass(slots=True)
class _Visit:
    """One that is under way. track: as it was told of last. events: told of it so far."""

    key: str
    track: Track
    events: int = 0


class Visits:
    """The visits of one camera that are under way, and the events that belong to them. Pure."""

    def __init__(self, camera: str, session: str) -> None:
        """session: tells this run of the program from all others, so that a visit's key is unique for ever."""
        self._camera = camera
        self._session = session
        self._open: dict[int, _Visit] = {}  # by track
        self._begun = 0

    def __contains__(self, track: int) -> bool:
        return track in self._open

    @property
    def tracks(self) -> Collection[int]:
        """Those whose visits are under way."""
        return self._open.keys()

    def begin(self, tracks: Sequence[Track], utc: UtcOf) -> list[Event]:
        """Take in the faces in sight; returns the beginnings of visits, at the times when a face was first seen."""
        events = []
        for track in tracks:
            if not track.counted:
                continue
            if visit := self._open.get(track.id):
                visit.track = track
                continue
            self._begun += 1
            self._open[track.id] = _Visit(f"{self._session}-{self._camera}-{self._begun}", track)
            events.append(self.event(EventKind.VISIT_STARTED, track.id, utc(track.first_seen)))
        return events

    def end(self, track: Track, utc: UtcOf, *, static: bool = False) -> Event:
        """The end of the visit of a track, when it was last seen, with all that its looks say of it by then.

        static: it turned out to be a picture of a face, and so none. Should the picture move after all, a visit begins
        anew.
        """
        self._open[track.id].track = track
        data = {"started_at": round(utc(track.first_seen), 3), **({"static": True} if static else {})}
        event = self.event(EventKind.VISIT_ENDED, track.id, utc(track.last_seen), data=data)
        del self._open[track.id]
        return event

    def event(
        self,
        kind: EventKind,
        track: int,
        at: float,
        *,
        rule: str | None = None,
        direction: Literal["in", "out"] | None = None,
        data: Mapping[str, Any] = MappingProxyType({}),
    ) -> Event:
        """Something that happens to a visit. at: UTC."""
        visit = self._open[track]
        visit.events += 1
        key = f"{visit.key}-{kind.value}-{visit.events}"
        facts = MappingProxyType(dict(data))
        return Event(kind, self._camera, at, visit.track, rule, direction, facts, key=key, visit=visit.key)
