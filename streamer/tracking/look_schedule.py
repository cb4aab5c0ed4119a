"""In which frames of a camera faces are looked for: in all of them while something is new, else as seldom as will do.

Between looks every known face is carried on by its motion model. How far that may be trusted is learned from each look:
it tells how far the faces were off from where they were expected. Without knowing an acceleration, a prediction errs
with the square of the time, so the time to the next look is that since the last one times √(tolerated / miss). A face
that has no id yet is looked at in every frame, one that was missed soon again, and a picture that changes in more
places than it usually does is looked at once. Times are seconds on the camera's timeline; pure.
"""

from __future__ import annotations

import math
from typing import NamedTuple

__all__ = ["LONGEST", "LookSchedule", "Sighting"]

LONGEST = 0.2  # s without a look at most: a face that comes in between shows up so late
TOLERATED = 0.2  # miss, in face sizes, at which the time between looks stays as it is; a third halves the overlap
FASTEST_CHANGE = 2.0  # times as long or short as the last one is the next time between looks at most
AGAIN_AFTER = 0.08  # s after a known face was missed
SUDDEN = 0.02  # share of the picture that changed beyond what is usual
USUAL_FACTOR = 2.0  # times the usual change that is still usual
USUAL_SECONDS = 2.0  # over which the usual change is averaged
ROUNDING = 1e-4  # s; timestamps are rounded


class Sighting(NamedTuple):
    """What a look told about how soon the next one is needed.

    miss: the largest distance of a known face from where it was expected, in face sizes. settling: a face is new, and
    may get an id soon. lost: a known face was not found, though it was a moment ago.
    """

    miss: float = 0.0
    settling: bool = False
    lost: bool = False


class LookSchedule:
    """The looks of one camera. Frames come in order; each is asked about with `due`, and each look told to `looked`."""

    def __init__(self, *, fixed: float | None = None, longest: float = LONGEST) -> None:
        """fixed: seconds between looks, whatever is seen; 0: every frame. longest: where they are chosen."""
        self._fixed = fixed
        self._longest = longest if fixed is None else fixed
        self._interval = 0.0 if fixed is None else fixed
        self._looked_at: float | None = None
        self._frame_at: float | None = None
        self._step = 0.0  # between the last two frames
        self._usual = 0.0  # change from look to look, averaged
        self._change = 0.0  # since the last look

    @property
    def watches_change(self) -> bool:
        """Whether `change` matters in `due`."""
        return self._fixed is None

    def due(self, at: float, change: float = 0.0, *, at_least: float = 0.0) -> bool:
        """Whether the frame of time `at` should be looked at.

        change: share of the picture, 0-1, that differs clearly from that of the last look, faces left out. at_least:
        seconds between looks that are asked for to save work; they never make it longer than the longest time.
        """
        if self._frame_at is not None:
            self._step = max(0.0, at - self._frame_at)
        self._frame_at, self._change = at, change
        if self._looked_at is None or at < self._looked_at:  # the clock was set back
            return True
        sudden = self.watches_change and change > SUDDEN + USUAL_FACTOR * self._usual
        return not self.within(at - self._looked_at, at_least=at_least, interval=0.0 if sudden else None)

    def within(self, since: float, *, at_least: float = 0.0, interval: float | None = None) -> bool:
        """Whether the next look can still wait, so long after the last one, and for another frame.

        interval: seconds from look to look; None: as it stands. at_least: see `due`.
        """
        most = max(self._interval if interval is None else interval, min(at_least, self._longest))
        return most > 0 and since + self._step <= most + ROUNDING

    def looked(self, at: float, sighting: Sighting) -> None:
        """The frame of time `at`, the last one asked about, was looked at."""
        since = 0.0 if self._looked_at is None else max(0.0, at - self._looked_at)
        self._usual += (self._change - self._usual) * -math.expm1(-since / USUAL_SECONDS)
        self._looked_at = at
        if self._fixed is None:
            self._interval = self._next_interval(since or self._step, sighting)

    def _next_interval(self, since: float, sighting: Sighting) -> float:
        if sighting.settling:
            return 0.0
        trusted = math.sqrt(TOLERATED / max(sighting.miss, 1e-3))
        interval = since * min(FASTEST_CHANGE, max(1 / FASTEST_CHANGE, trusted))
        return min(interval, AGAIN_AFTER if sighting.lost else self._longest)
