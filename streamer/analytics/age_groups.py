"""Ages in groups, as reports want them; the ages themselves stay as they were estimated."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["DEFAULT_YOUNGEST", "UNKNOWN", "AgeGroups"]

DEFAULT_YOUNGEST = (0, 13, 18, 25, 35, 45, 55, 65)
UNKNOWN = "unknown"


class AgeGroups:
    """`0-12`, `13-17` … `65+`, and `unknown` for whoever was never seen well enough."""

    def __init__(self, youngest: Sequence[int] = DEFAULT_YOUNGEST) -> None:
        """youngest: the youngest age of each group, years, in rising order from 0 on. Raises ValueError."""
        if not youngest or youngest[0] != 0 or any(b <= a for a, b in pairwise(youngest)):
            raise ValueError("the youngest age of each group, from 0 on, each larger than the one before")
        self.youngest = tuple(youngest)
        self.names = tuple(
            f"{low}+" if high is None else f"{low}" if high == low + 1 else f"{low}-{high - 1}"
            for low, high in zip(self.youngest, (*self.youngest[1:], None), strict=True)
        )
        """Youngest first, without `unknown`."""

    def of(self, age: float | None) -> str:
        """The group of an age in years, completed ones; None: `unknown`."""
        if age is None:
            return UNKNOWN
        return self.names[max(0, bisect_right(self.youngest, math.floor(age)) - 1)]
