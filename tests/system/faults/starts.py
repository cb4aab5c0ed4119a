"""Models and configurations that can't be used: the program says so, and doesn't begin."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import yaml

from streamer.config import ModelsConfig
from streamer.inference.model_store import ModelStore
from streamer.inference.weights_used import weights_used
from tests.system.faults.broken_configs import BROKEN, FRAGMENTS
from tests.system.faults.figures import Figure
from tests.system.faults.fuzzed_configs import fuzzed
from tests.system.program import weights

__all__ = ["broken_configs", "broken_models"]

_AT_LENGTH = 20
_DETECTOR = "yunet"


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
    leaks = sum(any(word in each.said for word in ("Traceback", *FRAGMENTS)) for each in refusals)
    return [
        Figure.at_most(fault, "not exit code 2", sum(each.code != 2 for each in refusals), 0, ""),
        Figure.at_most(fault, "time to say so, at most", max(each.seconds for each in refusals), 2),
        Figure.at_most(fault, "without the file or key named", named.count(False), 0, ""),
        Figure.at_most(fault, "with a traceback or secret", leaks, 0, ""),
    ]


def broken_models(folder: Path, times: int) -> list[Figure]:
    """Each net's file truncated, with a bit flipped, and another one in its place; each net in one way, when short."""
    store = ModelStore(ModelsConfig.model_validate(weights()))
    another = store.path("dlib-gender").read_bytes(), store.path(_DETECTOR).read_bytes()
    bad = folder / "weights"
    bad.mkdir()
    config = {
        "cameras": [{"id": "cam", "source": "demo"}],
        "models": {**weights(), "search_path": [str(bad), *weights().get("search_path", [])], "offline": True},
        "store": {"url": "none"},
    }
    refusals, named = [], []
    for number, net in enumerate(weights_used(ModelsConfig())):
        good = store.path(net)
        content = good.read_bytes()
        flipped = bytearray(content)
        flipped[len(content) // 2] ^= 1
        ways = (content[: len(content) // 2], bytes(flipped), next(each for each in another if each != content))
        for way in ways if times >= _AT_LENGTH else (ways[number % len(ways)],):
            (bad / good.name).write_bytes(way)
            refusals.append(_start(folder, yaml.safe_dump(config)))
            named.append(good.name in refusals[-1].said.replace("\n", ""))
        (bad / good.name).unlink()
    return _judged("the file of each net: truncated, one bit flipped, another net's", refusals, named)


def broken_configs(folder: Path, times: int) -> list[Figure]:
    """Of the broken configurations, so many at random, with 100 times all; and as many that were made by chance."""
    chosen = random.Random(5).sample(list(BROKEN), min(times, len(BROKEN)))
    refusals = [_start(folder, config) for config, _ in chosen]
    named = [key in each.said for (_, key), each in zip(chosen, refusals, strict=True)]
    figures = _judged(f"{len(chosen)} broken configurations", refusals, named)
    refusals = [_start(folder, config) for config in fuzzed(times, seed=7)]
    named = ["config.yaml" in each.said for each in refusals]
    return figures + _judged(f"{times} fuzzed configurations", refusals, named)
