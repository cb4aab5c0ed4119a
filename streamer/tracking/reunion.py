"""Who comes out from behind somebody: a new face that is one of those lost a while ago, by place, size and appearance.

The motion model finds a face again that goes on as it went. Who turns round, stops or is hidden for long comes out
where nobody is expected, and would be another visit. A new face is one of the lost if it looks alike, is about as
large, and lies no farther away than one may have walked; and if no other lost face looks nearly as much like it. To
take somebody else for who was lost is worse than to count a visit twice. Pure; pixels and seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from streamer.tracking.appearance import unlikeness
from streamer.tracking.lives import Life
from streamer.tracking.motion import Box

__all__ = ["HELD", "reunited", "waits"]

HELD = 2.5  # s beyond `lost_after` that who was hidden can be found again
ENOUGH = 3  # clear looks at a new face after which what it looks like is known
PATIENCE = 1.0  # s from its first look that it waits for them
# Unlikeness up to which two may be one face: in the clip that `appearance` names, 2 in 100 pairs of two faces are as
# alike, and of one face 1.2 s later 6 in 10. To let pass 8.5 gains hardly anything in the scenes of docs/footfall.md.
ALIKE = 7.5
CLEARLY = 1.4  # times as unlike is the next lost face at least
LIKE_SIZE = 1.5  # ratio of the sizes of one and the same face
REACH = 1.5  # face sizes that it may be away,
SPEED = 8.0  # and so many for each second: who walks briskly, at 1.5 m/s, with a face of 0.18 m,
FARTHEST = 6.0  # but no more than that


def reunited(new: Life, lost: Sequence[Life]) -> Life | None:
    """Which of the lost tracks this new one is the rest of; None: of none."""
    near = [life for life in lost if life.appearance.mean.tells and _within_reach(life, new)]
    if not near or not new.appearance.mean.tells:
        return None
    differ = unlikeness([new.appearance.mean], [life.appearance.mean for life in near])[0]
    differ[np.isnan(differ)] = math.inf
    best = int(differ.argmin())
    alike = differ[best] <= ALIKE and np.count_nonzero(differ <= CLEARLY * differ[best]) == 1
    return near[best] if alike else None


def waits(new: Life, lost: Sequence[Life], at: float) -> bool:
    """Whether a new track should be seen more clearly before it gets an id: it may be one of the lost.

    Who comes out from behind somebody is half hidden at first, and looks like both of them. at: s, camera timeline.
    """
    if new.appearance.clear >= ENOUGH or at - new.first_seen >= PATIENCE:
        return False
    return any(life.appearance.mean.tells and _within_reach(life, new) for life in lost)


def _within_reach(lost: Life, new: Life) -> bool:
    seconds = new.first_seen - lost.last_seen
    if seconds <= 0:
        return False
    x, y, size = _place(lost.last_box)
    x_new, y_new, size_new = _place(new.first_box)
    if not 1 / LIKE_SIZE <= size_new / size <= LIKE_SIZE:
        return False
    return math.hypot(x_new - x, y_new - y) <= min(REACH + SPEED * seconds, FARTHEST) * size


def _place(box: Box) -> tuple[float, float, float]:
    """Centre and size."""
    x0, y0, x1, y1 = box
    return (x0 + x1) / 2, (y0 + y1) / 2, max(math.sqrt(max(x1 - x0, 0.0) * max(y1 - y0, 0.0)), 0.01)
