"""How long to wait before the next attempt: exponential, with jitter. Pure."""

from __future__ import annotations

import random

__all__ = ["Backoff"]


class Backoff:
    """Pauses that double from `shortest` to `longest` seconds.

    Each is shortened by up to a third at random, so that many cameras behind one switch don't come back in step.
    """

    def __init__(self, shortest: float, longest: float, randomness: random.Random | None = None) -> None:
        if not 0 < shortest <= longest:
            raise ValueError(f"a backoff needs 0 < shortest <= longest, not {shortest} and {longest}")
        self._shortest = shortest
        self._longest = longest
        self._random = randomness or random.Random()  # noqa: S311 - jitter keeps no secret
        self._next = shortest

    def next(self) -> float:
        """Seconds to wait now; the following pause will be longer."""
        pause = self._next
        self._next = min(self._longest, self._next * 2)
        return pause * self._random.uniform(2 / 3, 1)

    def reset(self) -> None:
        """Begin with the shortest pause again."""
        self._next = self._shortest
