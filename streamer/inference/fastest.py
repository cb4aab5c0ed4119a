"""Which of several runtimes a net is fastest on: measured here once, and remembered.

It differs from processor to processor: with bfloat16 OpenVINO is ahead, without it may be behind.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import platform
import re
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import platformdirs

from streamer.errors import ModelError
from streamer.inference.session import Session
from streamer.private_files import replace_private

__all__ = ["Contender", "open_fastest", "usual_shape"]

log = logging.getLogger(__name__)

_LOOK: Final = (1, 3, 384, 640)
_WARM_UP: Final = 20
"""Runs before any is timed: OpenVINO prepares for a size of picture that has come 16 times."""
_ROUNDS: Final = 9
"""Timed runs of each runtime, in turns; the least counts, as whatever else the machine does only adds to it."""


class Contender(Session, Protocol):
    """A net on a runtime that could be the fastest."""

    def usual_shape(self) -> tuple[int, ...]:
        """Of one picture, as the net takes it."""


def open_fastest(
    path: Path, openers: Mapping[str, Callable[[], Contender]], *, asked: str = "", notes: Path | None = None
) -> Session:
    """The net at `path`, on the runtime that runs it fastest.

    openers: by runtime; one that fails is done without, unless all do. asked: what they were told besides. notes: the
    file in which is remembered what was measured, this program's own unless given; where it can't be written, every
    start measures. Raises ModelError.
    """
    notes = notes if notes is not None else platformdirs.user_cache_path("streamer") / "fastest-runtimes.json"
    subject = _subject(path, asked, list(openers))
    known = _read(notes).get(subject, "")
    if known in openers:
        with contextlib.suppress(ModelError):
            return openers[known]()
    sessions = _opened(openers)
    if len(sessions) == 1:  # not remembered: the other one may be mended
        return next(iter(sessions.values()))
    took = _measured(sessions)
    name = min(took, key=took.__getitem__)
    log.info("%s runs on %s: %s", path.name, name, ", ".join(f"{n} {t * 1000:.2f} ms" for n, t in took.items()))
    _remember(notes, subject, name)
    return sessions[name]


def _opened(openers: Mapping[str, Callable[[], Contender]]) -> dict[str, Contender]:
    sessions: dict[str, Contender] = {}
    failure: ModelError | None = None
    for name, opener in openers.items():
        try:
            sessions[name] = opener()
        except ModelError as error:
            failure = failure or error
    if not sessions and failure is not None:
        raise failure
    return sessions


def _measured(sessions: Mapping[str, Contender]) -> dict[str, float]:
    """Seconds of one run, by runtime. Raises ModelError."""
    shape = next(iter(sessions.values())).usual_shape()
    blob = np.random.default_rng(1).uniform(0, 255, shape).astype(np.float32)
    for session in sessions.values():
        for _ in range(_WARM_UP):
            session.run(blob)
    took = dict.fromkeys(sessions, float("inf"))
    for _ in range(_ROUNDS):
        for name, session in sessions.items():
            began = time.perf_counter()
            session.run(blob)
            took[name] = min(took[name], time.perf_counter() - began)
    return took


def _subject(path: Path, asked: str, runtimes: list[str]) -> str:
    """What was measured: the net, on this processor, with these versions."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ModelError(f"{path}: can't be read: {error.strerror}") from None
    return " | ".join(
        (f"{path.name} {size} {asked}".rstrip(), _processor(), *(f"{name} {_version(name)}" for name in runtimes))
    )


def usual_shape(sides: Sequence[int | None]) -> tuple[int, ...]:
    """One picture's, of the size of a look for faces where the net takes any. sides: N, C, height, width; None: any."""
    return (1, *(usual if side is None else side for side, usual in zip(sides[1:], _LOOK[1:], strict=True)))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "?"


@functools.cache
def _processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Its name, and whether it computes in bfloat16, which a virtual machine may hide."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    name = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    bfloat16 = " with bfloat16" if re.search(r"\b(avx512_bf16|amx_bf16|bf16)\b", text) else ""
    return (name[1].strip() if name else platform.machine()) + bfloat16


def _read(notes: Path) -> dict[str, str]:
    """Nothing where it isn't there, or makes no sense."""
    try:
        found = json.loads(notes.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return (
        {subject: name for subject, name in found.items() if isinstance(name, str)} if isinstance(found, dict) else {}
    )


def _remember(notes: Path, subject: str, name: str) -> None:
    text = json.dumps({**_read(notes), subject: name}, indent=2)
    try:
        notes.parent.mkdir(parents=True, exist_ok=True)
        replace_private(notes, text.encode())
    except OSError as error:
        log.debug("which runtime is fastest can't be remembered: %s", error)
