"""When a face is worth another reading of age and gender: often while it is new, then ever more rarely."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["ReadingSchedule"]

# Seconds from one reading of a face to the next; the last one holds for all further readings.
INTERVALS = (0.15, 0.4, 1.0, 2.0, 4.0, 8.0)
BETTER = 1.25  # times as good as the best look read so far: worth reading in a quarter of the interval
EARLIER = 0.25


@dataclass(slots=True)
class _Readings:
    """What was read of one track: how often, when last, and the quality of the best look."""

    count: int
    at: float
    best: float


class ReadingSchedule:
    """Decides which faces of a camera are read in a frame. Keeps a few numbers per track until it is forgotten."""

    def __init__(self, *, least_quality: float = 0.25) -> None:
        """Looks worse than `least_quality` (0-1) are never read."""
        self._least_quality = least_quality
        self._tracks: dict[int, _Readings] = {}

    def __len__(self) -> int:
        """Tracks that were read and not forgotten."""
        return len(self._tracks)

    def due(self, track: int, at: float, quality: float) -> bool:
        """Whether this track's look of time `at` should be read."""
        return self.need(track, at, quality) >= 1

    def need(self, track: int, at: float, quality: float) -> float:
        """How overdue a reading is, in intervals: due from 1 on, infinite for a face never read, 0 for a poor look."""
        if quality < self._least_quality:
            return 0.0
        known = self._tracks.get(track)
        if known is None:
            return float("inf")
        interval = INTERVALS[min(known.count, len(INTERVALS)) - 1]
        if quality >= known.best * BETTER:
            interval = max(interval * EARLIER, INTERVALS[0])
        # a step back of the clock counts as no time passing, once: it must not silence the track until it is made up
        known.at = min(known.at, at)
        return (at - known.at + 1e-6) / interval  # timestamps are rounded

    def choose(self, looks: Iterable[tuple[int, float]], at: float, *, limit: int) -> list[int]:
        """The tracks to read in this frame, of (track, quality): those due, at most `limit`, the neediest first.

        A track passed over becomes needier until its turn comes, so none is left out for good. Among equals the better
        look goes first.
        """
        wanted = [(need, quality, track) for track, quality in looks if (need := self.need(track, at, quality)) >= 1]
        wanted.sort(key=lambda want: (-want[0], -want[1], want[2]))
        return [track for _, _, track in wanted[:limit]]

    def done(self, track: int, at: float, quality: float) -> None:
        """A look of time `at` was read."""
        known = self._tracks.get(track)
        if known is None:
            self._tracks[track] = _Readings(1, at, quality)
        else:
            known.count += 1
            known.at = at
            known.best = max(known.best, quality)

    def forget(self, track: int) -> None:
        """The track has ended. Forgetting one that was never read is fine."""
        self._tracks.pop(track, None)
