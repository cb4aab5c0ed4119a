"""A net that is ready to run, whatever runs it."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Outputs", "Precision", "Session"]

Precision = Literal["auto", "float32", "bfloat16"]
Outputs = dict[str, NDArray[np.float32]]


class Session(Protocol):
    """A net that is ready to run. Safe to call from several threads at once; each call uses one core."""

    @property
    def runtime(self) -> str:
        """Which runtime it is, as in the configuration."""

    @property
    def precision(self) -> str:
        """What the net is really computed in: float32, bfloat16 or int8."""

    def run(self, blob: NDArray[np.float32]) -> Outputs:
        """The outputs, by name, as new arrays. blob: (N, C, height, width) float32, C-contiguous. Raises ModelError."""
