"""All that is counted at one camera: what its followed faces mean for visits, lines, zones and occupancy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streamer.analytics.rules import Rules
from streamer.analytics.visits import Visits
from streamer.types import Event, OccupancyMinute, Track

__all__ = ["CameraAnalytics", "Outcome"]


class Outcome(NamedTuple):
    """What one frame changed, and how many are where; fields as in `streamer.types.Result`."""

    events: tuple[Event, ...]
    occupancy: Mapping[str, int]
    minutes: tuple[OccupancyMinute, ...]


class CameraAnalytics:
    """Takes the faces of each frame, in order. Pure: it knows no time but that of the frames. Not for two threads."""

    def __init__(self, camera: str, *, session: str, rules: Rules | None = None) -> None:
        """session: see `Visits`."""
        self.rules = rules or Rules()
        self._visits = Visits(camera, session)

    def set_rules(self, rules: Rules) -> None:
        """Count by these from the next frame on; whoever stands beyond a new line has not crossed it."""
        self.rules = rules

    def update(self, tracks: Sequence[Track], ended: Sequence[Track], *, at: float, wall_time: float) -> Outcome:
        """The faces shown in a frame, and those whose tracks ended with it.

        at: the frame's `captured_at`. wall_time: the same moment in UTC.
        """
        events = self._visits.update(tracks, ended, lambda then: wall_time + (then - at))
        return Outcome(tuple(events), {"": sum(track.counted for track in tracks)}, ())
