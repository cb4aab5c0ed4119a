"""When a frame of a file is due, and how many frames a second came: time as arithmetic. Pure."""

from __future__ import annotations

from collections import deque

__all__ = ["FrameRate", "Pacer"]


class Pacer:
    """Spreads the frames of a file over real time, by their media times."""

    LONGEST_STEP = 10.0
    """s between frames; a larger one, or one that goes back, is a jump and counts as one frame's duration."""
    LATEST = 0.5
    """s; a player further behind than this goes on from now, rather than rush to catch up."""

    def __init__(self, interval: float) -> None:
        """`interval`: seconds that a frame lasts where the media times don't tell."""
        self._interval = interval
        self._pts: float | None = None
        self._due = 0.0

    def due(self, pts: float, now: float) -> float:
        """The time, on `now`'s clock, at which the frame with this media time is to be shown."""
        if self._pts is None:
            self._due = now
        else:
            step = pts - self._pts
            self._due += step if 0 < step <= self.LONGEST_STEP else self._interval
        if self._due < now - self.LATEST:
            self._due = now
        self._pts = pts
        return self._due


class FrameRate:
    """Frames a second, measured over the last few seconds."""

    def __init__(self, window: float = 3.0) -> None:
        self._window = window
        self._times: deque[float] = deque()

    def add(self, at: float) -> None:
        """A frame came at this time."""
        self._times.append(at)
        self._forget(at)

    def value(self, now: float) -> float:
        """Frames a second; 0 when none came for the whole window."""
        self._forget(now)
        if len(self._times) < 2 or self._times[-1] <= self._times[0]:
            return 0.0
        # Up to now when the next frame is overdue, so that the figure falls as soon as a camera stops.
        rate = (len(self._times) - 1) / (self._times[-1] - self._times[0])
        overdue = now - self._times[-1] > 2 / rate
        return len(self._times) / (now - self._times[0]) if overdue else rate

    def reset(self) -> None:
        """Forget what was measured."""
        self._times.clear()

    def _forget(self, now: float) -> None:
        while self._times and self._times[0] < now - self._window:
            self._times.popleft()
