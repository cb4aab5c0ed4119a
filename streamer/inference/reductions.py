"""The steps by which a camera is analysed less closely: looks, deblocking, rate, detection width, readings. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from streamer.inference.effort import Effort
from streamer.tracking.look_schedule import LONGEST

__all__ = ["FULL", "Reduction", "reductions"]

_RATE_STEP = 0.8
_LEAST_FPS = 5.0  # below, who walks past could be missed
_WIDTHS = (0.75, 0.5)  # of what is configured
_LEAST_WIDTH = 320  # pixels; below, only faces that fill the picture are found
_READINGS = (2, 1)


@dataclass(frozen=True, slots=True)
class Reduction:
    """What is left of a camera's analysis.

    level: steps below what is configured. max_fps: frames a second; None: as configured. deblock: whether the edges of
    blocks are smoothed when a frame is decoded, where that is configured.
    """

    level: int
    max_fps: float | None
    effort: Effort
    deblock: bool = True


FULL = Reduction(0, None, Effort())


def reductions(fps: float, detect_width: int, *, deblocks: bool) -> tuple[Reduction, ...]:
    """From nothing reduced to the least, one step after the other.

    At first every frame is still analysed, but faces are looked for only as often as must be, and carried on between;
    then pictures get faint blocks. fps: frames a second that are analysed when nothing is reduced. detect_width: as
    configured, pixels. deblocks: whether the stream is one that is deblocked. What is below the least from the start
    isn't reduced.
    """
    found = [FULL]

    def add(max_fps: float | None, effort: Effort) -> None:
        found.append(Reduction(len(found), max_fps, effort, deblock=not leaves_out))

    looks, leaves_out = 0.0, False
    if fps * LONGEST > 1:
        looks = LONGEST
        add(None, Effort(look_interval=looks))
    if deblocks:
        leaves_out = True
        add(None, Effort(look_interval=looks))
    rate = fps
    while rate > _LEAST_FPS:
        rate = round(rate * _RATE_STEP, 1)
        if rate < _LEAST_FPS / 0.9:  # the last step would be hardly one
            rate = _LEAST_FPS
        add(rate, Effort(look_interval=looks))
    lowest, width = found[-1].max_fps, None
    for share in _WIDTHS:
        narrower = max(_LEAST_WIDTH, int(detect_width * share) // 32 * 32)  # the nets take multiples of 32
        if narrower < (width or detect_width):
            width = narrower
            add(lowest, Effort(looks, width))
    for readings in _READINGS:
        add(lowest, Effort(looks, width, readings))
    return tuple(found)
