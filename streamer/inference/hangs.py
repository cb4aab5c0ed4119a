"""How often the work of a lane of the pool may hang before it gets no more threads. Pure."""

from __future__ import annotations

from collections import deque

__all__ = ["Hangs"]

_WINDOW = 60.0  # s
_MOST = 5
"""Threads that one lane may cost in a minute. One that hangs can't be ended: it is left behind, with its memory."""


class Hangs:
    """Of one lane. Times are seconds that never go back."""

    def __init__(self) -> None:
        self._at: deque[float] = deque(maxlen=_MOST)

    def add(self, now: float) -> bool:
        """One more; whether that was the last that is borne."""
        self._at.append(now)
        return self._recent(now) >= _MOST

    def workers_allowed(self, now: float) -> int | None:
        """Threads that may work for the lane at once; None: as many as there are.

        After a hang it is one for a while: else all would hang in the same lane's next frames, and serve nobody.
        """
        recent = self._recent(now)
        if not recent:
            return None
        return 1 if recent < _MOST else 0

    def _recent(self, now: float) -> int:
        return sum(now - at < _WINDOW for at in self._at)
