"""A machine of limited capacity, as arithmetic: what the load would be if cameras were reduced so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from streamer.inference.governor import Governed, Governor, Load
from streamer.inference.reductions import reductions

__all__ = ["Machine", "Step"]

_LOOK, _READING, _FRAME = 0.55, 0.1, 0.2  # parts of a frame's cost: the look for faces, each reading, all the rest


@dataclass(frozen=True)
class Step:
    """One second of a run."""

    at: float
    load: Load
    levels: Mapping[str, int]


@dataclass
class Machine:
    """Cameras of 10 frames a second each, and as many frames a second as `capacity` says for a time.

    Frames beyond the capacity are lost; the nearer the machine is to it, the longer the others wait.
    """

    priorities: Sequence[int]
    capacity: Callable[[float], float]
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ladder = reductions(10, 640, deblocks=False)
        self.cameras = [Governed(f"c{n}", p, len(self._ladder) - 1) for n, p in enumerate(self.priorities)]

    def load(self, at: float, levels: Mapping[str, int]) -> Load:
        """The load with these levels."""
        demand = sum(self._cost(levels.get(camera.id, 0)) for camera in self.cameras)
        use = demand / max(1e-9, self.capacity(at))
        lost = max(0.0, 1 - 1 / use) if use else 0.0
        return Load(use=min(1.0, use), lost=lost, waited=0.005 if use < 0.9 else 0.05, lag=0.0 if use < 1.5 else 0.3)

    def run(self, governor: Governor, seconds: int) -> list[Step]:
        """Let it govern; what the governor sees is the mean of the last three seconds, as in the program."""
        history: list[Load] = []
        for at in range(seconds):
            history.append(self.load(at, governor.levels))
            seen = history[-3:]
            load = Load(*(sum(part) / len(seen) for part in zip(*map(_values, seen), strict=True)))
            governor.decide(at, load, self.cameras)
            self.steps.append(Step(at, load, governor.levels))
        return self.steps

    def _cost(self, level: int) -> float:
        """Of a camera a second, in frames that nothing was left out of."""
        step = self._ladder[level]
        rate, width = step.max_fps or 10, (step.effort.detect_width or 640) / 640
        looks = min(rate, 1 / step.effort.look_interval) if step.effort.look_interval else rate
        return rate * _FRAME + looks * (_LOOK * width**2 + _READING * step.effort.most_readings / 1.6)


def _values(load: Load) -> tuple[float, float, float, float]:
    return load.use, load.lost, load.waited, load.lag
