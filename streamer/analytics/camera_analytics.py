"""All that is counted at one camera: what its followed faces mean for visits, lines, zones and occupancy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from streamer.analytics.lines import Crossing, LineCounter
from streamer.analytics.occupancy import OccupancyMinutes
from streamer.analytics.paths import Paths, Spot
from streamer.analytics.rules import Rules
from streamer.analytics.visits import UtcOf, Visits
from streamer.analytics.zones import Turn, ZoneWatch
from streamer.types import Box, Event, EventKind, OccupancyMinute, Track

__all__ = ["CameraAnalytics", "Outcome"]

JUST_SEEN = 1e-6  # s; a track that was found in a frame has the frame's own time


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
        self._paths = Paths()
        self._minutes = OccupancyMinutes(camera)
        self._lines: dict[str, LineCounter] = {}
        self._zones: dict[str, ZoneWatch] = {}
        self._size: tuple[int, int] | None = None  # of the newest frame, pixels
        self._at: float | None = None
        self._pending: list[Event] = []  # what a change of the rules brought about, told with the next frame
        self._utc: UtcOf = float
        self._set_up(self.rules)

    def set_rules(self, rules: Rules) -> None:
        """Count by these from the next frame on.

        Whoever stands beyond a new line has not crossed it, and whoever is in a new zone has not entered it; the stay
        of those who are in a zone that is gone ends here. Lines and zones that stay as they are count on undisturbed.
        """
        old, self.rules = self.rules, rules
        for line in set(old.lines) - set(rules.lines):
            self._paths.drop_line(line.name)
        for zone in set(old.zones) - set(rules.zones):
            if (watch := self._zones.pop(zone.name, None)) and self._at is not None:
                self._pending += [self._turned(track, turn) for track, turn in watch.close(self._at)]
        self._set_up(rules)

    def update(
        self, tracks: Sequence[Track], ended: Sequence[Track], *, at: float, wall_time: float, size: tuple[int, int]
    ) -> Outcome:
        """The faces shown in a frame, and those whose tracks ended with it.

        at: the frame's `captured_at`. wall_time: the same moment in UTC. size: the frame's width and height, pixels.
        """
        self._pass_time(at, wall_time)
        self._see_size(size, at)
        events, self._pending = self._pending, []
        events += self._visits.begin(tracks, self._utc)
        for track in tracks:
            if not track.counted:
                events += self._take_back(track)
            elif track.last_seen >= at - JUST_SEEN:
                events += self._follow(track)
        for track in ended:
            events += self._end(track)
        counted = [track.id for track in tracks if track.counted]
        occupancy = {"": len(counted)} | {name: zone.count(counted) for name, zone in self._zones.items()}
        return Outcome(tuple(events), occupancy, self._minutes.update(occupancy, at, wall_time))

    def idle(self, ended: Sequence[Track], *, at: float, wall_time: float) -> Outcome:
        """Time has passed without a frame, and these tracks have ended by it; nobody is in sight any more."""
        self._pass_time(at, wall_time)
        events, self._pending = self._pending, []
        for track in ended:
            events += self._end(track)
        return Outcome(tuple(events), {"": 0} | dict.fromkeys(self._zones, 0), self._minutes.pass_time(wall_time))

    def close(self) -> tuple[OccupancyMinute, ...]:
        """Nothing more will come: the minutes under way, as far as they were observed."""
        return self._minutes.close()

    def _set_up(self, rules: Rules) -> None:
        """Make what is missing of the lines and zones; those that are another now under the same name are gone."""
        self._lines = {line.name: LineCounter(line, self._aspect) for line in rules.lines}
        self._zones = {
            zone.name: self._zones.get(zone.name) or ZoneWatch(zone, self._aspect, present=self._visits.tracks)
            for zone in rules.zones
        }

    @property
    def _aspect(self) -> float:
        return self._size[0] / self._size[1] if self._size else 1.0

    def _pass_time(self, at: float, wall_time: float) -> None:
        if self._at is not None and (back := at - self._at) < 0:  # the tracks' times have moved along, too
            self._paths.shift(back)
            for zone in self._zones.values():
                zone.shift(back)
        self._at = at
        self._utc = lambda then: wall_time + (then - at)
        self._paths.pass_time(at)

    def _see_size(self, size: tuple[int, int], at: float) -> None:
        """A camera that changes its resolution may show people elsewhere: they have not walked there."""
        if size == self._size:
            return
        if self._size is not None:
            self._paths.cut(at)
        self._size = size
        self._set_up(self.rules)
        for zone in self._zones.values():
            zone.reshape(self._aspect)

    def _spot(self, box: Box, at: float) -> Spot:
        x0, y0, x1, y1 = box
        height = self._size[1] if self._size else 1
        area = max(x1 - x0, 0.0) * max(y1 - y0, 0.0)
        return Spot(at, ((x0 + x1) / 2 / height, (y0 + y1) / 2 / height), math.sqrt(area) / height)

    def _follow(self, track: Track) -> list[Event]:
        """A face that counts was seen."""
        events = []
        path, steps = self._paths.follow(track, self._spot)
        for step in steps:
            crossings = [line.move(path, step) for line in self._lines.values()]
            turns = [zone.move(track.id, step.after) for zone in self._zones.values()]
            events += [self._crossed(track.id, crossing) for crossing in crossings if crossing]
            events += [self._turned(track.id, turn) for turn in turns if turn]
        return events

    def _end(self, track: Track) -> list[Event]:
        """A face is not coming back."""
        if track.id not in self._visits:
            return []
        events = []
        if path := self._paths.end(track.id):
            crossings = [line.leave(path) for line in self._lines.values()]
            events += [self._crossed(track.id, crossing) for crossing in crossings if crossing]
        turns = [zone.leave(track.id, track.last_seen) for zone in self._zones.values()]
        events += [self._turned(track.id, turn) for turn in turns if turn]
        return [*events, self._visits.end(track, self._utc)]

    def _take_back(self, track: Track) -> list[Event]:
        """A face turns out to be a picture of one."""
        if track.id not in self._visits:
            return []
        self._paths.forget(track.id)
        turns = [zone.leave(track.id, track.last_seen) for zone in self._zones.values()]
        events = [self._turned(track.id, turn, static=True) for turn in turns if turn]
        return [*events, self._visits.end(track, self._utc, static=True)]

    def _crossed(self, track: int, crossing: Crossing) -> Event:
        line, direction = crossing.line, crossing.direction
        label = line.in_label if direction == "in" else line.out_label
        return self._visits.event(
            EventKind.LINE_CROSSED,
            track,
            self._utc(crossing.at),
            rule=line.name,
            direction=direction,
            data={"label": label},
        )

    def _turned(self, track: int, turn: Turn, *, static: bool = False) -> Event:
        name, at = turn.zone.name, self._utc(turn.at)
        if turn.entered:
            return self._visits.event(EventKind.ZONE_ENTERED, track, at, rule=name)
        stay: dict[str, object] = {"entered_at": round(self._utc(turn.entered_at), 3)}
        stay["dwell"] = round(turn.at - turn.entered_at, 3)
        if static:
            stay["static"] = True
        return self._visits.event(EventKind.ZONE_LEFT, track, at, rule=name, data=stay)
