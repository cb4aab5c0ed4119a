"""Decides when something is due: pictures at a rate, messages within a budget, log lines now and then. No clock."""

from __future__ import annotations

__all__ = ["Budget", "Pacer", "Throttle"]


class Pacer:
    """Lets through `rate` a second on average, evenly, from arrivals that come when they like."""

    def __init__(self, rate: float | None) -> None:
        """rate: a second; None lets everything through."""
        self._interval = 1 / rate if rate else 0.0
        self._next = float("-inf")

    def due(self, now: float) -> bool:
        """Whether what arrives now, in seconds, may pass. Asking counts as passing."""
        if now < self._next:
            return False
        # From the time planned, not from now: else 10 a second out of 25 would come out as 25 / 3. A pause is not
        # made up for by more than one interval.
        self._next = max(self._next, now - self._interval) + self._interval
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
