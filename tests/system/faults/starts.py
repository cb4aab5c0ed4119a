"""Models and configurations that can't be used, and signals at any moment of a run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from streamer.config import ModelsConfig
from streamer.inference.model_store import ModelStore
from tests.system.faults.broken_configs import BROKEN, SECRET
from tests.system.faults.figures import Figure
from tests.system.program import Program, weights

__all__ = ["broken_configs", "broken_models", "signals"]

# A second signal means now, whatever is under way.
_CODES = {"SIGTERM": (0,), "SIGINT twice": (0, 130)}
_DETECTOR = "face_detection_yunet_2026may.onnx"


class _Refusal(NamedTuple):
    """How a start ended."""

    code: int
    seconds: float
    said: str


def _start(folder: Path, config: str) -> _Refusal:
    path = folder / "config.yaml"
    path.write_text(config, encoding="utf-8")
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "streamer", "run", "-c", str(path)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return _Refusal(done.returncode, time.monotonic() - begin, done.stdout + done.stderr)


def _judged(fault: str, refusals: list[_Refusal], named: list[bool]) -> list[Figure]:
    leaks = sum("Traceback" in each.said or SECRET in each.said for each in refusals)
    return [
        Figure.at_most(fault, "not exit code 2", sum(each.code != 2 for each in refusals), 0, ""),
        Figure.at_most(fault, "time to say so, at most", max(each.seconds for each in refusals), 2),
        Figure.at_most(fault, "without the file or key named", named.count(False), 0, ""),
        Figure.at_most(fault, "with a traceback or secret", leaks, 0, ""),
    ]


def broken_models(folder: Path, _times: int) -> list[Figure]:
    """The detector's file truncated, with a bit flipped, and another one in its place."""
    store = ModelStore(ModelsConfig.model_validate(weights()))
    good = store.path("yunet").read_bytes()
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    contents = {
        "truncated": good[: len(good) // 2],
        "one bit flipped": bytes(flipped),
        "another net": store.path("dlib-gender").read_bytes(),
    }
    bad = folder / "weights"
    bad.mkdir()
    config = {
        "cameras": [{"id": "cam", "source": "demo"}],
        "models": {**weights(), "search_path": [str(bad), *weights().get("search_path", [])], "offline": True},
        "store": {"url": "none"},
    }
    refusals = []
    for content in contents.values():
        (bad / _DETECTOR).write_bytes(content)
        refusals.append(_start(folder, yaml.safe_dump(config)))
    fault = f"a model file: {', '.join(contents)}"
    return _judged(fault, refusals, [_DETECTOR in each.said.replace("\n", "") for each in refusals])


def broken_configs(folder: Path, times: int) -> list[Figure]:
    """Of the broken configurations, so many at random; with 100 times, all."""
    chosen = random.Random(5).sample(list(BROKEN), min(times, len(BROKEN)))
    refusals = [_start(folder, config) for config, _ in chosen]
    named = [key in each.said for (_, key), each in zip(chosen, refusals, strict=True)]
    return _judged(f"{len(chosen)} broken configurations", refusals, named)


def signals(folder: Path, times: int) -> list[Figure]:
    """So many signals each, at random moments from the first instant on; kill -9 in between."""
    dice = random.Random(9)
    pause = threading.Event()
    ends: dict[str, list[tuple[int, float]]] = {"SIGTERM": [], "SIGINT twice": []}
    config: dict[str, Any] = {"cameras": [{"id": "cam", "source": "rtsp://127.0.0.1:9/x"}]}

    def end(what: str, send: Callable[[Program], None]) -> None:
        with Program(folder, config) as program:
            pause.wait(dice.uniform(0, 1.5))
            begin = time.monotonic()
            send(program)
            code = program.wait(20)
            if what in ends:
                ends[what].append((code, time.monotonic() - begin))

    for _ in range(times):
        end("SIGTERM", lambda program: program.signal(signal.SIGTERM))
        end("SIGKILL", lambda program: program.signal(signal.SIGKILL))  # and the next one starts all the same
        end("SIGINT twice", _twice)
    return [
        figure
        for what, found in ends.items()
        for figure in (
            Figure.at_most(f"{what}, {times} times", "to the end, at most", max(seconds for _, seconds in found), 5),
            Figure.at_most(f"{what}, {times} times", f"exit code not {_CODES[what]}", _others(what, found), 0, ""),
        )
    ]


def _others(what: str, found: list[tuple[int, float]]) -> int:
    return sum(code not in _CODES[what] for code, _ in found)


def _twice(program: Program) -> None:
    program.signal(signal.SIGINT)
    program.signal(signal.SIGINT)
