"""One figure of the faults' table, and the figures that several faults are judged by."""

from __future__ import annotations

import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.system.program import Program

__all__ = ["Figure", "Process", "Rows", "is_ready", "worst"]


class Figure(NamedTuple):
    """What was measured at one fault. holds: whether that is within the limit."""

    fault: str
    what: str
    measured: float
    unit: str
    limit: str
    holds: bool

    @classmethod
    def at_most(cls, fault: str, what: str, measured: float, limit: float, unit: str = "s") -> Figure:
        """One that is to be small."""
        return cls(fault, what, round(measured, 2), unit, f"≤ {limit:g}", measured <= limit)

    @classmethod
    def at_least(cls, fault: str, what: str, measured: float, limit: float, unit: str) -> Figure:
        """One that is to be large."""
        return cls(fault, what, round(measured, 2), unit, f"≥ {limit:g}", measured >= limit)


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


def worst(figures: list[Figure]) -> list[Figure]:
    """Those that don't hold."""
    return [figure for figure in figures if not figure.holds]


def is_ready(program: Program) -> bool:
    """What `/readyz` says."""
    try:
        program.text("/readyz")
    except urllib.error.HTTPError as error:
        error.close()
        return False
    return True
