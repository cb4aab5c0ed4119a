"""Notices that something is asked for again and again, and nothing comes of it. Pure."""

from __future__ import annotations

__all__ = ["Watchdog"]

_PATIENCE = 3.0  # s; also how long the first may take


class Watchdog:
    """Of a camera's frames, or of those in which faces are to be read. To be asked every second or so."""

    def __init__(self, least: int = 1) -> None:
        """least: so many have to come to nothing before it is told."""
        self._least = least
        self._offered = 0
        self._told = 0
        self._since: float | None = None  # the last look at which nothing was owed
        self._barks = False

    def look(self, now: float, *, offered: int, told: int, live: bool) -> bool:
        """Whether everything of the last few seconds came to nothing; it stays so until something is told.

        now: monotonic. offered, told: frames since the start. live: whether the camera delivers; while it doesn't,
        nothing is learnt.
        """
        if told != self._told or not live or self._since is None:
            self._barks = self._barks and told == self._told
            self._offered, self._told, self._since = offered, told, now
        elif offered == self._offered:
            self._since = now
        elif now - self._since >= _PATIENCE and offered - self._offered >= self._least:
            self._barks = True
        return self._barks
