"""How much work may be spent on a camera's frames; less when the machine is busy."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Effort"]


@dataclass(frozen=True, slots=True)
class Effort:
    """What `CameraPipeline.set_effort` takes. The defaults are the most that is ever spent.

    look_interval: seconds that looks for faces are apart at least; it never makes them rarer than the longest interval
    of `LookSchedule`. detect_width: pixels that a look is wide at most; None: as configured. most_readings: faces whose
    age and gender are read in one frame; more would hold up the frames behind it, the neediest go first, and 0 reads
    none.
    """

    look_interval: float = 0.0
    detect_width: int | None = None
    most_readings: int = 4
