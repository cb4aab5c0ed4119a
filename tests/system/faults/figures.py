"""One figure of the faults' table, and the figures that several faults are judged by."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from tests.system.program import Program, eventually

__all__ = ["FEW_TIMES", "Figure", "Process", "Rows", "counter", "trouble_told"]

FEW_TIMES = 3
"""Of faults that come again and again, where a test injects them."""


_TIMINGS = ("s", "%")
_BUSY = 5  # times the limit: what a machine that does much else may cost, and no fault that lasts


class Figure(NamedTuple):
    """What was measured at one fault.

    holds: whether that is within the limit. broken: whether a test fails by it. A limit of time, or of a share of the
    frames, is one for a machine with nothing else to do, which the report is for; a test lets it be five times that.
    """

    fault: str
    what: str
    measured: float
    unit: str
    limit: str
    holds: bool
    broken: bool

    @classmethod
    def at_most(cls, fault: str, what: str, measured: float, limit: float, unit: str = "s") -> Figure:
        """One that is to be small."""
        allowed = limit * _BUSY if unit in _TIMINGS else limit
        return cls(fault, what, round(measured, 2), unit, f"≤ {limit:g}", measured <= limit, measured > allowed)

    @classmethod
    def at_least(cls, fault: str, what: str, measured: float, limit: float, unit: str) -> Figure:
        """One that is to be large."""
        return cls(fault, what, round(measured, 2), unit, f"≥ {limit:g}", measured >= limit, measured < limit)

    @classmethod
    def exactly(cls, fault: str, what: str, measured: float, limit: str, *, holds: bool) -> Figure:
        """One that is as it has to be, or not."""
        return cls(fault, what, measured, "", limit, holds, not holds)

    @classmethod
    def missing(cls, fault: str, why: str) -> Figure:
        """In place of all that there would be to measure, where something did not come about."""
        return cls(fault, why, math.nan, "", "", holds=False, broken=True)


Rows = Callable[[Path, int], list[Figure]]
"""Injects faults, within a folder of its own, so many times; returns what was measured."""


class Process(NamedTuple):
    """What a process holds. memory: MB."""

    memory: float
    threads: int
    descriptors: int

    @classmethod
    def of(cls, program: Program) -> Process:
        """As it stands."""
        found = psutil.Process(program.pid)
        return cls(found.memory_info().rss / 1e6, found.num_threads(), found.num_fds())


def counter(program: Program, name: str, *labels: str) -> float:
    """The sum of a metric's values that have these labels, such as `camera="cam"`."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in program.text("/metrics").splitlines()
        if line.startswith(name) and all(label in line for label in labels)
    )


def trouble_told(program: Program, camera: str, fault: str, reason: str, since: Callable[[], float | None]) -> Figure:
    """The seconds until a camera's trouble is told with this reason; waits for it.

    reason: a regular expression. since: says when it began, UTC s; None: not yet.
    """
    status = eventually(f"{camera} is told", lambda: _trouble(program, camera), 40)
    found = str(status["reason"])
    short = found.partition(": ")[2][:60] or found[:60]
    begin = since()
    if not re.search(reason, found) or begin is None:
        return Figure.exactly(fault, f"told with its reason, not: {short}", 0, "1", holds=False)
    return Figure.at_most(fault, f"told: {short}", float(status["since"]) - begin, 10)


def _trouble(program: Program, camera: str) -> dict[str, Any] | None:
    status = program.camera(camera)
    return status if status["state"] in {"stalled", "reconnecting", "failed"} else None
