"""The ways that faces take across the picture: from look to look, and from a lost track to the one that goes on.

Lengths are picture heights, so that a face's way and its size can be compared across and down.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from streamer.analytics.rules import Point
from streamer.types import Box, Track

__all__ = ["Passing", "Path", "Paths", "Spot", "Step"]

LONGEST_STEP = 3.0  # s between two looks, beyond which nobody knows which way a face took
ROUNDING = 1e-6  # s by which a time may be off that has moved along with the timeline
FADES = 0.3  # s after which an older velocity counts 1/e
# A track that begins where another one has just ended goes on with its way
TAKEN_OVER_WITHIN = 3.0  # s
CONFIRMED_WITHIN = 2.0  # s from a track's first look until it is told of, for all that matters here
REACH = 1.0  # face sizes from where the lost one was going,
REACH_OF_WAY = 0.35  # and this part of the way it would have gone,
REACH_OF_TIME = 1.0  # and so many face sizes for each second
LIKE_SIZE = 1.5  # ratio of the sizes of one and the same face


class Spot(NamedTuple):
    """Where a face was seen. at: s, camera timeline. place: centre of its box. size: √(width · height) of its box."""

    at: float
    place: Point
    size: float


class Step(NamedTuple):
    """From one look at a face to the next. before: None where it isn't known how it came there."""

    before: Spot | None
    after: Spot


@dataclass(slots=True)
class Passing:
    """How a way stands towards one line that it has not got clear of yet.

    net: how often it passed to the line's right, less how often to the left. at: when it last did, s, camera timeline.
    """

    net: int = 0
    at: float = 0.0


@dataclass(slots=True)
class Path:
    """One face's way so far. spot: where it was seen last, None after a cut. velocity: picture heights a second.

    passings: by line. They go on with the way, when another track takes it over.
    """

    spot: Spot | None = None
    velocity: Point = (0.0, 0.0)
    passings: dict[str, Passing] = field(default_factory=dict)

    def to(self, spot: Spot) -> Step:
        """Go on to the next place."""
        before, self.spot = self.spot, spot
        if before is None or not -ROUNDING <= spot.at - before.at <= LONGEST_STEP:
            self.velocity = (0.0, 0.0)
            self.passings.clear()
            return Step(None, spot)
        if (seconds := spot.at - before.at) > 0:
            gain = -math.expm1(-seconds / FADES)
            x, y = ((b - a) / seconds for a, b in zip(before.place, spot.place, strict=True))
            vx, vy = self.velocity
            self.velocity = (vx + gain * (x - vx), vy + gain * (y - vy))
        return Step(before, spot)


class Paths:
    """The ways of all faces of one camera that are, or just were, in sight."""

    def __init__(self) -> None:
        self._under_way: dict[int, Path] = {}  # by track
        self._lost: dict[int, Path] = {}  # of tracks that have ended
        self._cut_at = -math.inf

    def follow(self, track: Track, spot_of: Callable[[Box, float], Spot]) -> tuple[Path, list[Step]]:
        """Take in a track that was just seen; returns its path, and the steps that lead there.

        A new track's steps begin where it was first seen, before it was confirmed, or where another track was lost
        whose way it continues. spot_of: box and time to a spot.
        """
        spots = [spot_of(track.box, track.last_seen)]
        path = self._under_way.get(track.id)
        if path is None:
            path = Path()
            if track.first_box is not None and track.first_seen > self._cut_at:
                spots.insert(0, spot_of(track.first_box, track.first_seen))
                path = self._taken_over(spots[0]) or path
            self._under_way[track.id] = path
        return path, [path.to(spot) for spot in spots]

    def end(self, track: int) -> Path | None:
        """A track has ended: its path is kept a little, for one that may go on with it."""
        if path := self._under_way.pop(track, None):
            self._lost[track] = path
        return path

    def forget(self, track: int) -> None:
        """A track doesn't count any more, nor whoever may go on with it."""
        self._under_way.pop(track, None)

    def pass_time(self, at: float) -> None:
        """Let go of what nobody can go on with any more."""
        oldest = at - TAKEN_OVER_WITHIN - CONFIRMED_WITHIN
        self._lost = {track: path for track, path in self._lost.items() if path.spot and path.spot.at >= oldest}

    def shift(self, seconds: float) -> None:
        """The timeline has jumped."""
        self._cut_at += seconds
        for path in self._all():
            if path.spot:
                path.spot = path.spot._replace(at=path.spot.at + seconds)
            for passing in path.passings.values():
                passing.at += seconds

    def cut(self, at: float) -> None:
        """What is seen from this time on can't be compared with what was before."""
        self._cut_at = at
        self._lost.clear()
        for path in self._under_way.values():
            path.spot = None

    def drop_line(self, name: str) -> None:
        """This line is gone, or is another one now."""
        for path in self._all():
            path.passings.pop(name, None)

    def _all(self) -> list[Path]:
        return [*self._under_way.values(), *self._lost.values()]

    def _taken_over(self, first: Spot) -> Path | None:
        """The way of a lost track that a new one continues, and which is then no other's."""
        candidates = [
            (off, track, paths)
            for paths in (self._lost, self._under_way)
            for track, path in paths.items()
            if path.spot and (off := _off(path.spot, path.velocity, first)) <= 1
        ]
        if not candidates:
            return None
        _, track, paths = min(candidates, key=lambda candidate: candidate[0])
        taken, paths[track] = paths[track], Path()
        return taken


def _off(lost: Spot, velocity: Point, found: Spot) -> float:
    """How far a face lies from where a lost one should be, in parts of what is let pass; inf: it is another face."""
    seconds = found.at - lost.at
    ratio = found.size / lost.size if lost.size > 0 else math.inf
    if not 0 < seconds <= TAKEN_OVER_WITHIN or not 1 / LIKE_SIZE <= ratio <= LIKE_SIZE:
        return math.inf
    expected = lost.place[0] + velocity[0] * seconds, lost.place[1] + velocity[1] * seconds
    way = math.hypot(*velocity) * seconds
    allowed = REACH_OF_WAY * way + (REACH + REACH_OF_TIME * seconds) * lost.size
    return math.dist(expected, found.place) / allowed
