"""Made-up faces on their way across a picture, straight into what counts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from streamer.analytics.camera_analytics import CameraAnalytics, Outcome
from streamer.analytics.rules import Line, Point, Rules, Zone
from streamer.types import Event, EventKind, OccupancyMinute, Track

__all__ = ["GATE", "TILL", "UTC", "Walks", "along"]

UTC = 1.8e9  # of the camera's time 0; a full minute
GATE = Line("gate", (0.5, 1.0), (0.5, 0.0), "came in", "went out")  # from left to right is in
TILL = Zone("till", ((0.6, 0.2), (0.9, 0.2), (0.9, 0.8), (0.6, 0.8)))


class Walks:
    """One camera's analytics, driven frame by frame; places are fractions of the picture."""

    def __init__(self, *rules: Line | Zone, fps: float = 25.0, size: tuple[int, int] = (1280, 720)) -> None:
        self.analytics = CameraAnalytics("door", session="run")
        self.size = size
        self.fps = fps
        self.face = 72.0  # pixels, of every face; a tenth of the picture's height
        self.at = 0.0
        self.utc = UTC
        self.events: list[Event] = []
        self.minutes: list[OccupancyMinute] = []
        self.occupancy: Mapping[str, int] = {}
        self._first: dict[int, Track] = {}
        self._last: dict[int, Track] = {}
        self.rule(*rules)

    def rule(self, *rules: Line | Zone) -> None:
        """Count by these."""
        lines = tuple(rule for rule in rules if isinstance(rule, Line))
        self.analytics.set_rules(Rules(lines, tuple(rule for rule in rules if isinstance(rule, Zone))))

    def see(
        self,
        places: Mapping[int, Point],
        *,
        unseen: Mapping[int, Point] | None = None,
        ended: Iterable[int] = (),
        uncounted: Iterable[int] = (),
        began: Mapping[int, tuple[Point, float]] | None = None,
    ) -> Outcome:
        """The next frame. unseen: faces that coast, where the tracker expects them. began: new ones' first looks."""
        self.at += 1 / self.fps
        uncounted = set(uncounted)
        tracks = [self._track(i, place, i not in uncounted, (began or {}).get(i)) for i, place in places.items()]
        tracks += [self._coasting(i, place) for i, place in (unseen or {}).items()]
        outcome = self.analytics.update(
            tracks, [self._last.pop(i) for i in ended], at=self.at, wall_time=self.utc + self.at, size=self.size
        )
        self._take(outcome)
        return outcome

    def idle(self, seconds: float) -> Outcome:
        """No frame for so long; all faces have ended by then."""
        self.at += seconds
        outcome = self.analytics.idle([*self._last.values()], at=self.at, wall_time=self.utc + self.at)
        self._last.clear()
        self._take(outcome)
        return outcome

    def jump(self, seconds: float) -> None:
        """The camera's clock is set between two frames, and UTC goes on: tracks' times move along when it goes back."""
        self.at += seconds
        self.utc -= seconds
        if (back := seconds + 1 / self.fps) >= 0:
            return
        for kept in (self._first, self._last):
            for i, track in kept.items():
                kept[i] = replace(track, first_seen=track.first_seen + back, last_seen=track.last_seen + back)

    def walk(self, i: int, places: Iterable[Point]) -> None:
        """One face alone, frame by frame."""
        for place in places:
            self.see({i: place})

    def crossings(self) -> list[str | None]:
        """The directions, in order."""
        return [event.direction for event in self.events if event.kind is EventKind.LINE_CROSSED]

    def stays(self) -> list[str]:
        """What happened to zones, in order."""
        return [e.kind.value for e in self.events if e.kind in (EventKind.ZONE_ENTERED, EventKind.ZONE_LEFT)]

    def _take(self, outcome: Outcome) -> None:
        self.events += outcome.events
        self.minutes += outcome.minutes
        self.occupancy = outcome.occupancy

    def _box(self, place: Point) -> tuple[float, float, float, float]:
        x, y, half = place[0] * self.size[0], place[1] * self.size[1], self.face / 2
        return (x - half, y - half, x + half, y + half)

    def _track(self, i: int, place: Point, counted: bool, began: tuple[Point, float] | None) -> Track:
        first = self._first.get(i)
        first_box = first.first_box if first else self._box(began[0] if began else place)
        since = first.first_seen if first else began[1] if began else self.at
        since = min(since, self.at)  # what has moved along with the clock is rounded
        landmarks = np.zeros((5, 2), np.float32)
        track = Track(i, self._box(place), landmarks, 0.9, since, self.at, counted=counted, first_box=first_box)
        self._first.setdefault(i, track)
        self._last[i] = track
        return track

    def _coasting(self, i: int, place: Point) -> Track:
        last = self._last[i]
        return Track(
            i, self._box(place), last.landmarks, 0.9, last.first_seen, last.last_seen, first_box=last.first_box
        )


def along(start: Point, end: Point, steps: int) -> list[Point]:
    """Places on a straight way, both ends with it."""
    return [
        (start[0] + (end[0] - start[0]) * k / (steps - 1), start[1] + (end[1] - start[1]) * k / (steps - 1))
        for k in range(steps)
    ]
