"""Which packets of a live stream give whole pictures: from a key frame on, until something is damaged or lost. Pure.

Decoders paint over what they lack, and everything predicted from it, up to the next key frame, is smeared without being
marked as such. Nothing of that is to be analysed.
"""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Final

__all__ = ["FrameGaps", "KeyFrameGate"]


class KeyFrameGate:
    """Shut until a key frame comes, again after each damage; at most so many seconds."""

    PATIENCE: Final = 5.0
    """s; a stream that marks no key frame in this time (gradual intra refresh) is decoded as it comes."""

    def __init__(self, now: float, *, at_first: float = PATIENCE, later: float = PATIENCE) -> None:
        """now: s, of any clock that goes on. at_first, later: s for which a camera may show nothing."""
        self._patience = min(self.PATIENCE, later)
        self._deadline: float | None = now + min(self.PATIENCE, at_first)
        self._has_key_frames = True

    def admits(self, *, key: bool, now: float) -> bool:
        """Whether a packet is to be decoded. key: it holds a key frame."""
        if self._deadline is None:
            self._has_key_frames = self._has_key_frames or key
            return True
        if not key and now < self._deadline:
            return False
        self._has_key_frames = key
        self._deadline = None
        return True

    def damaged(self, now: float) -> None:
        """What follows depends on something that is damaged or missing."""
        if self._has_key_frames and self._deadline is None:
            self._deadline = now + self._patience


class FrameGaps:
    """Tells from the times of a stream's packets that one is missing, where they come at a steady rate.

    Only for a line that loses packets: a camera that leaves a picture out before encoding it damages nothing.
    """

    _SEEN: Final = 25  # steps that the usual one is taken from
    _STEADY: Final = 0.6  # the share of them that must be like it
    _LIKE: Final = 0.1  # of a step: the most by which two that are alike differ
    _MISSING: Final = 1.75  # steps at once

    def __init__(self) -> None:
        self._last: float | None = None
        self._steps: deque[float] = deque(maxlen=self._SEEN)

    def missing(self, at: float) -> bool:
        """Whether something is missing before the packet of this media time, in s."""
        last, self._last = self._last, at
        if last is None or at <= last:
            return False
        step, known = at - last, list(self._steps)
        self._steps.append(step)
        if len(known) < self._SEEN:
            return False
        usual = median(known)
        alike = sum(abs(each - usual) <= self._LIKE * usual for each in known)
        return alike >= self._STEADY * len(known) and step >= self._MISSING * usual
