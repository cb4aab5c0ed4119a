"""How far behind its camera a stream has fallen: media time against the clock. Pure.

Frames carry the time at which the camera took them, on a clock whose zero nobody knows. The fastest way that a frame
has come lately, in (arrival - media time), tells the zero; whatever a frame takes longer it waited, in the network or
for the decoder. The delay that even the fastest frame has can't be seen.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

__all__ = ["LagEstimator"]


class _Second(NamedTuple):
    """One second of arrivals, and the least offset (arrival - media time) in it."""

    number: int
    offset: float


class LagEstimator:
    """Of one camera's frames, in the order of their arrival.

    Camera clocks drift: 100 millionths, as bad as quartz gets, make an error of 12 ms in the window. What has been
    late without a pause for the whole window is taken for the camera's own delay.
    """

    WINDOW = 120
    """s in which the fastest frame is looked for."""
    LONGEST_STEP = 10.0
    """s between frames that media time may run ahead of the clock; more, or a step back, is a jump of the camera's."""

    def __init__(self) -> None:
        self._seconds: deque[_Second] = deque()
        self._pts = 0.0
        self._at = 0.0

    def add(self, pts: float, at: float) -> None:
        """A frame arrived. pts: media time, s, which may jump. at: s, never going back."""
        if self._seconds:
            step = pts - self._pts
            if step <= 0 or step > at - self._at + self.LONGEST_STEP:
                self._rebase(pts, at)
        self._pts, self._at = pts, at
        second, offset = int(at), at - pts
        if not self._seconds or second > self._seconds[-1].number:
            self._seconds.append(_Second(second, offset))
            while self._seconds[0].number <= second - self.WINDOW:
                self._seconds.popleft()
        elif offset < self._seconds[-1].offset:
            self._seconds[-1] = _Second(second, offset)

    @property
    def lag(self) -> float:
        """Seconds by which the frames of the last one or two seconds are late, going by the fastest of them.

        One late frame, as a large key frame on a slow line, doesn't count: those behind it catch up.
        """
        if not self._seconds:
            return 0.0
        newest = min(second.offset for second in list(self._seconds)[-2:])
        return newest - min(second.offset for second in self._seconds)

    def reset(self) -> None:
        """Forget everything: another connection, another clock."""
        self._seconds.clear()

    def _rebase(self, pts: float, at: float) -> None:
        """The camera's clock was set: the lag is as it was, on the new clock."""
        lag = self.lag
        self._seconds.clear()
        self._seconds.append(_Second(int(at) - 1, at - pts - lag))
