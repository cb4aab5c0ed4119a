"""Decides when something may pass: frames at a rate, messages within a budget, log lines now and then. No clock."""

from __future__ import annotations

__all__ = ["Budget", "RateLimit", "Throttle"]


class RateLimit:
    """Lets through at most so many frames a second, evenly spread."""

    def __init__(self, per_second: float | None) -> None:
        """None: all."""
        self._interval = 1 / per_second if per_second else 0.0
        self._due: float | None = None

    def allows(self, at: float) -> bool:
        """Whether the frame that came at this time, in seconds that never go back, is to be used."""
        if not self._interval or self._due is None:
            self._due = at + self._interval
            return True
        # A little early still counts: cameras jitter by milliseconds, and a limit that equals their rate loses nothing.
        if at < self._due - self._interval / 4:
            return False
        # What is late is made good, up to one frame: so the average holds also where the camera's steps don't fit.
        self._due = max(self._due, at - self._interval) + self._interval
        return True


class Budget:
    """A token bucket: `burst` at once, then `rate` a second."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        self._left = float(burst)
        self._at = float("-inf")

    def spend(self, now: float) -> float:
        """Take one; returns the seconds to wait before it is covered, 0 while the budget lasts."""
        self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._rate)
        self._at = now
        self._left -= 1
        return max(0.0, -self._left / self._rate)


class Throttle:
    """Says once in `seconds` that something may be told, and how often it happened since the last time."""

    def __init__(self, seconds: float = 60.0) -> None:
        self._seconds = seconds
        self._next = float("-inf")
        self._count = 0

    def count(self, now: float) -> int:
        """Count one occurrence; returns the number to tell of, or 0 when it is too early to tell."""
        self._count += 1
        if now < self._next:
            return 0
        self._next = now + self._seconds
        count, self._count = self._count, 0
        return count
