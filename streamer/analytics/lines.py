"""Who crosses a directed line.

The path of a face's centre is followed from look to look, so that it doesn't matter how many looks there are on the
way. A passage counts once the face is clear of the line, on the other side: as long as it stands on the line, sways or
seems to, passages to and fro cancel out. Lengths are picture heights.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from streamer.analytics.geometry import distance_to_segment, passage
from streamer.analytics.paths import Passing, Path, Spot, Step
from streamer.analytics.rules import Line

__all__ = ["Crossing", "LineCounter"]

CLEAR = 0.5  # face sizes from a line, beyond which a face isn't on it any more: who stands and waits sways less
BEYOND = 0.15  # face sizes that a face must be past a line, when it was last seen on it, to have crossed it


class Crossing(NamedTuple):
    """at: when the face's centre was on the line; s, camera timeline."""

    line: Line
    direction: Literal["in", "out"]
    at: float


class LineCounter:
    """Counts the crossings of one line, in pictures of one shape."""

    def __init__(self, line: Line, aspect: float) -> None:
        """aspect: width of the picture in its heights."""
        self.line = line
        self._start, self._end = ((x * aspect, y) for x, y in (line.start, line.end))

    def move(self, path: Path, step: Step) -> Crossing | None:
        """A face has taken a step on its path."""
        before, after = step
        passed = passage(self._start, self._end, before.place, after.place) if before else None
        if before and passed:
            direction, part = passed
            passing = path.passings.setdefault(self.line.name, Passing())
            passing.net += direction
            passing.at = before.at + part * (after.at - before.at)
        return self._settle(path, after, CLEAR)

    def leave(self, path: Path) -> Crossing | None:
        """A face was last seen where its path ends."""
        return self._settle(path, path.spot, BEYOND) if path.spot else None

    def _settle(self, path: Path, spot: Spot, sizes: float) -> Crossing | None:
        """What has become of a face's passages, once it is so many face sizes clear of the line."""
        passing = path.passings.get(self.line.name)
        if not passing or distance_to_segment(self._start, self._end, spot.place) <= sizes * spot.size:
            return None
        del path.passings[self.line.name]
        if not passing.net:
            return None
        return Crossing(self.line, "in" if passing.net > 0 else "out", passing.at)
