"""Who is in a zone, since when, and for how long.

A face has come in, or left, once it is clear of the zone's edge, or has stayed on that side of it for a while; the time
is that when it got there. How many are inside is the number of faces that are: it is never added up from entries.
Lengths are picture heights, times seconds of the camera's timeline.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from streamer.analytics.geometry import distance_to_edge, inside
from streamer.analytics.paths import Spot
from streamer.analytics.rules import Zone

__all__ = ["Turn", "ZoneWatch"]

CLEAR = 0.25  # face sizes from the edge
SETTLED = 1.0  # s


class Turn(NamedTuple):
    """A face came in, or left. entered_at: when it came in."""

    zone: Zone
    entered: bool
    at: float
    entered_at: float


@dataclass(slots=True)
class _Presence:
    """Where one face is. since: when it came in. told: that it did. turned: since when it is on the other side."""

    inside: bool
    since: float
    told: bool
    turned: float | None = None


class ZoneWatch:
    """Watches one zone, in pictures of one shape."""

    def __init__(self, zone: Zone, aspect: float, *, present: Collection[int] = ()) -> None:
        """aspect: width of the picture in its heights. present: tracks that were there before the zone was.

        If those are inside they are, but they did not come in; nor is it told when they leave.
        """
        self.zone = zone
        self.reshape(aspect)
        self._present = set(present)
        self._faces: dict[int, _Presence] = {}

    def reshape(self, aspect: float) -> None:
        """The pictures have another shape from now on."""
        self._polygon = tuple((x * aspect, y) for x, y in self.zone.points)

    def move(self, track: int, spot: Spot) -> Turn | None:
        """A face was seen at this spot."""
        is_inside = inside(self._polygon, spot.place)
        face = self._faces.get(track)
        if face is None:
            told = track not in self._present
            self._faces[track] = _Presence(is_inside, spot.at, told)
            return Turn(self.zone, True, spot.at, spot.at) if is_inside and told else None
        if is_inside == face.inside:
            face.turned = None
            return None
        if face.turned is None:
            face.turned = spot.at
        clear = distance_to_edge(self._polygon, spot.place) > CLEAR * spot.size
        if not clear and spot.at - face.turned < SETTLED:
            return None
        return self._turn(face, face.turned)

    def leave(self, track: int, at: float) -> Turn | None:
        """A face was last seen at this time, or doesn't count any more from then on."""
        self._present.discard(track)
        face = self._faces.pop(track, None)
        return self._turn(face, at) if face and face.inside else None

    def close(self, at: float) -> list[tuple[int, Turn]]:
        """The zone is no more: whoever was told to be in it has left, by track."""
        return [(track, turn) for track in [*self._faces] if (turn := self.leave(track, at))]

    def count(self, tracks: Collection[int]) -> int:
        """How many of these tracks are inside."""
        return sum(track in self._faces and self._faces[track].inside for track in tracks)

    def shift(self, seconds: float) -> None:
        """The timeline has jumped."""
        for face in self._faces.values():
            face.since += seconds
            face.turned = None if face.turned is None else face.turned + seconds

    def _turn(self, face: _Presence, at: float) -> Turn | None:
        entered_at = at if not face.inside else face.since
        entered, told = not face.inside, face.told
        face.inside, face.since, face.turned, face.told = entered, at, None, True
        return Turn(self.zone, entered, at, entered_at) if told or entered else None
