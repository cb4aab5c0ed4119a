"""Many pictures in groups of few sizes: runtimes set a net up anew for each number of pictures, and keep that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streamer.inference.session import Outputs

__all__ = ["run_in_parts"]

_SIZES: Final = (4, 2, 1)
"""Each costs up to 4 MB in every thread, for as long as the net is open; larger ones gain nothing."""


def run_in_parts(run: Callable[[NDArray[np.float32]], Outputs], blob: NDArray[np.float32]) -> Outputs:
    """What `run` gives for all pictures; it is asked for 4, 2 or 1 of them at a time.

    blob: (N, ...), as are the outputs. Raises what `run` raises.
    """
    if len(blob) in _SIZES:
        return run(blob)
    outputs = [run(part) for part in _parts(blob)]
    return {name: np.concatenate([each[name] for each in outputs]) for name in outputs[0]}


def _parts(blob: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    begin = 0
    for size in _SIZES:
        while len(blob) - begin >= size:
            yield blob[begin : begin + size]
            begin += size
