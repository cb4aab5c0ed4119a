"""Notices that a camera's frames come and none of them is analysed. Pure."""

from __future__ import annotations

__all__ = ["Watchdog"]

_PATIENCE = 3.0  # s; also how long the first frames may take


class Watchdog:
    """Of one camera. To be asked every second or so."""

    def __init__(self) -> None:
        self._offered = 0
        self._analyzed = 0
        self._since: float | None = None  # the last look at which no frame was owed a result
        self._barks = False

    def look(self, now: float, *, offered: int, analyzed: int, live: bool) -> bool:
        """Whether every frame of the last few seconds was lost on its way; it stays so until one is analysed.

        now: monotonic. offered, analyzed: frames since the start. live: whether the camera delivers; while it doesn't,
        nothing is learnt.
        """
        if analyzed != self._analyzed or not live or self._since is None:
            self._barks = self._barks and analyzed == self._analyzed
            self._offered, self._analyzed, self._since = offered, analyzed, now
        elif offered == self._offered:
            self._since = now
        elif now - self._since >= _PATIENCE:
            self._barks = True
        return self._barks
