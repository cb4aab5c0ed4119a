"""What a lane of the pool has had of the workers' time, and whose turn that makes it. See `InferencePool`."""

from __future__ import annotations

import math
import time

__all__ = ["Share"]


class Share:
    """Of one lane. Not safe to use without the pool's lock."""

    __slots__ = ("_cost", "_finish", "served_at")

    def __init__(self) -> None:
        self._finish = 0.0  # virtual time at which it has used up what it had
        self._cost = 0.0  # seconds, of its last piece of work: the guess for the next
        self.served_at = -math.inf  # by time.monotonic()

    def turn(self, now: float) -> tuple[float, float]:
        """The lane with the least is next; among equals the one that has waited longest."""
        return max(self._finish, now), self.served_at

    def charge(self, now: float) -> float:
        """For a piece of work that begins; returns the virtual time."""
        begin = max(self._finish, now)
        self._finish = begin + self._cost
        self.served_at = time.monotonic()
        return begin

    def correct(self, cost: float) -> None:
        """For a piece of work that is done."""
        self._finish += cost - self._cost
        self._cost = cost
