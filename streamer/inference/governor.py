"""Decides how closely each camera is analysed when the machine can't carry all that is asked. Pure.

It only goes by what frames suffer: they are lost, they wait, they are late. A machine that is fully used and loses
nothing is left alone. Each decision moves as many cameras as the load asks for, each by one step; the next one waits
until the figures show what came of it. What was reduced is raised again after a calm while; a raise that turns out to
have been too much doubles the next wait, so that a load that stays is probed ever more rarely.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Governed", "Governor", "Load"]


@dataclass(frozen=True, slots=True)
class Load:
    """How the machine coped in the last seconds, all cameras together.

    use: of the workers' time, 0-1. lost: share of the frames that came to the queues and were dropped there, evicted
    or stale, 0-1. waited: mean seconds in a queue. lag: median of the cameras' lag, s.
    """

    use: float
    lost: float
    waited: float
    lag: float


@dataclass(frozen=True, slots=True)
class Governed:
    """A camera whose frames come. priority: those with a lower one give way first. steps: that it can be reduced by."""

    id: str
    priority: int
    steps: int


class Governor:
    """Keeps a level for each camera: steps that it is reduced by, 0 to its `steps`.

    While a camera is reduced, every camera of lower priority is reduced as far as it goes. Cameras of one priority
    share what has to be given up evenly, to within one step.
    """

    SETTLING = 4.0
    """s after a change until the figures show what it did."""
    PATIENCE = 10.0
    """s of calm before something is raised."""
    MOST_PATIENCE = 300.0
    """s; longest that failed raises can make it."""
    PROBATION = 30.0
    """s; a raise that is followed by an overload within this time has failed."""

    BUSY = 0.5
    """use; below it whatever frames suffer is not for want of time, but the camera's or the network's doing."""
    TOO_MANY_LOST, FEW_LOST = 0.04, 0.01
    """Lost: an overload; still calm."""
    TOO_LATE = 0.5
    """s of lag."""
    ROOM, FILLED = 0.75, 0.9
    """use: from which there is no room; that raising may lead to."""
    STEP_DOWN, STEP_UP = 0.25, 1.0
    """What a camera's step frees, nearly, and what it costs at most, in parts of what the camera takes."""

    def __init__(self, *, max_frame_age: float) -> None:
        """max_frame_age: s at which a waiting frame is given up; a quarter of it is too long a wait."""
        self._long_wait = max_frame_age / 4
        self._levels: dict[str, int] = {}
        self._patience = self.PATIENCE
        self._calm_since: float | None = None
        self._changed_at = float("-inf")
        self._raised_at: float | None = None  # the last raise, while it is on probation

    @property
    def levels(self) -> Mapping[str, int]:
        """Of each camera that is reduced."""
        return {camera: level for camera, level in self._levels.items() if level}

    def decide(self, at: float, load: Load, cameras: Sequence[Governed]) -> bool:
        """Take note of the load; True if `levels` changed. at: s, never going back. cameras: those that are live."""
        for camera in cameras:  # one that sends fewer frames than before may have fewer steps
            self._levels[camera.id] = min(self._levels.get(camera.id, 0), camera.steps)
        if self._raised_at is not None and at - self._raised_at > self.PROBATION:
            self._raised_at = None
            self._patience = self.PATIENCE
        before = dict(self._levels)
        if self.overloaded(load):
            self._calm_since = None
            if at - self._changed_at >= self.SETTLING:
                self._lower(cameras, most=math.ceil(load.lost * len(cameras) / self.STEP_DOWN) or 1)
        elif self._calm(load):
            self._calm_since = at if self._calm_since is None else self._calm_since
            if at - max(self._calm_since, self._changed_at) >= self._patience:
                share = self.STEP_UP * load.use / max(1, len(cameras))
                self._raise(cameras, most=int((self.FILLED - load.use) / max(share, 1e-3)) or 1)
        else:
            self._calm_since = None
        if self._levels == before:
            return False
        self._note_change(at, raised=sum(self._levels.values()) < sum(before.values()))
        return True

    def overloaded(self, load: Load) -> bool:
        """Whether frames suffer because there is too much to do."""
        suffer = load.lost > self.TOO_MANY_LOST or load.waited > self._long_wait or load.lag > self.TOO_LATE
        return suffer and load.use >= self.BUSY

    def _calm(self, load: Load) -> bool:
        """Whether there is room for more."""
        suffer = load.lost > self.FEW_LOST or load.waited > self._long_wait / 2 or load.lag > self.TOO_LATE / 2
        return not suffer and load.use < self.ROOM

    def _note_change(self, at: float, *, raised: bool) -> None:
        self._changed_at = at
        if raised:
            self._raised_at = at
        elif self._raised_at is not None:  # too much: the next try comes later
            self._raised_at = None
            self._patience = min(2 * self._patience, self.MOST_PATIENCE)

    def _lower(self, cameras: Sequence[Governed], *, most: int) -> None:
        able = [camera for camera in cameras if self._levels[camera.id] < camera.steps]
        if not able:
            return
        key = min((camera.priority, self._levels[camera.id]) for camera in able)
        alike = [camera for camera in able if (camera.priority, self._levels[camera.id]) == key]
        for camera in alike[:most]:
            self._levels[camera.id] += 1

    def _raise(self, cameras: Sequence[Governed], *, most: int) -> None:
        reduced = [camera for camera in cameras if self._levels[camera.id]]
        if not reduced:
            return
        key = max((camera.priority, self._levels[camera.id]) for camera in reduced)
        alike = [camera for camera in reduced if (camera.priority, self._levels[camera.id]) == key]
        for camera in alike[:most]:
            self._levels[camera.id] -= 1
