"""Does it stay as it is though something breaks every half minute?

    python -m tests.system.faults.soak [--minutes 10] [--every 30] [--seed 1] [--json]

Four cameras on real RTSP servers, twenty viewers, a database and a broker; faults are drawn at random, the same ones
for the same seed: a server killed or frozen, a viewer that takes nothing, rubbish on the websocket, the database
locked, the broker gone. Each is over after a few seconds. Prints what was held all the while, and whether all is well
at the end; `--minutes 1440` runs for a day. Exit code 1 if a figure is beyond its limit.

What may grow is limited for the whole run, however long that is: by the rise of a straight line through the figures of
its half minutes, without the first tenth, in which it gets under way. Of threads and descriptors the least in each half
minute counts, as a fault holds some while it lasts.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from streamer.client import Picture, connect
from tests.media import make_video
from tests.system.faults.figures import Figure, Process
from tests.system.faults.viewers import fuzz
from tests.system.mosquitto import Mosquitto
from tests.system.program import Program, eventually
from tests.system.raw_viewer import RawViewer
from tests.system.rtsp_server import RtspServer

__all__ = ["Samples", "Soak", "judged", "main", "soak", "soaked"]

_CAMERAS, _VIEWERS = 4, 20
_SAMPLE_SECONDS = 1.0
_EXECUTOR = 6  # threads that asyncio makes as it needs them, on two cores, and keeps
_LONG_ENOUGH = 240.0  # seconds from which a rise means something
_SEED = 3
# By how much the line may rise from the begin of a run to its end, and in what that is measured
_RISES = {"memory": (10, "MB"), "threads": (2, ""), "descriptors": (1, ""), "age of pictures": (100, "ms")}
_QUICK = {"stall_timeout": 2, "reconnect_min": 0.2, "reconnect_max": 1}


@dataclass
class Samples:
    """What was seen, with the second of each. age: of pictures at a viewer, ms."""

    at: list[float] = field(default_factory=list)
    held: list[Process] = field(default_factory=list)
    age_at: list[float] = field(default_factory=list)
    age: list[float] = field(default_factory=list)

    def by_half_minute(self, at: Sequence[float], values: Sequence[float], percentile: float) -> list[float]:
        """Of the values in each half minute."""
        bins: dict[int, list[float]] = {}
        for moment, value in zip(at, values, strict=True):
            bins.setdefault(int(moment // 30), []).append(value)
        return [round(float(np.percentile(bins[number], percentile)), 1) for number in sorted(bins)]


def _rise(by_half_minute: Sequence[float]) -> float:
    """By how much a straight line through them, least squares, rises; without the first tenth, a minute at least."""
    late = np.array(by_half_minute[max(2, len(by_half_minute) // 10) :])
    return float(np.polyfit(np.arange(len(late)), late, 1)[0] * (len(late) - 1))


class Soak:
    """Everything that runs, and the faults that can be done to it."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self.folder = folder
        clip = make_video(folder / "clip.mp4", seconds=8, size=(640, 360), keyframe_every=25)
        self.servers = [stack.enter_context(RtspServer({"cam": clip})) for _ in range(_CAMERAS)]
        self.broker = stack.enter_context(Mosquitto(folder))
        self.file = folder / "figures.sqlite3"
        config = {
            "cameras": [
                {"id": f"cam{number}", "source": server.url("cam"), "max_fps": 10, **_QUICK}
                for number, server in enumerate(self.servers)
            ],
            "store": {"url": f"sqlite:///{self.file}"},
            "mqtt": {"host": "127.0.0.1", "port": self.broker.port},
        }
        self.program = stack.enter_context(Program(folder, config))
        self.port = urlsplit(self.program.url).port or 0
        self.faults: dict[str, Callable[[random.Random], contextlib.AbstractContextManager[None]]] = {
            "a camera's server killed": self._killed,
            "a camera's server frozen": self._frozen,
            "a viewer that takes nothing": self._stuck,
            "rubbish on the websocket": self._rubbish,
            "the database locked": self._locked,
            "the broker gone": self._gone,
        }

    def well(self) -> bool:
        """Whether every camera is live and nothing is degraded."""
        states = {camera["state"] for camera in self.program.get("/api/v1/cameras")}
        return states == {"live"} and not self.program.degraded

    @contextlib.contextmanager
    def _killed(self, dice: random.Random) -> Iterator[None]:
        server = dice.choice(self.servers)
        server.kill()
        yield
        server.start()

    @contextlib.contextmanager
    def _frozen(self, dice: random.Random) -> Iterator[None]:
        server = dice.choice(self.servers)
        server.freeze()
        yield
        server.thaw()

    @contextlib.contextmanager
    def _stuck(self, _: random.Random) -> Iterator[None]:
        with RawViewer(self.port, receive_buffer=4096) as viewer:
            viewer.subscribe(cameras="*", frames="annotated")
            yield

    @contextlib.contextmanager
    def _rubbish(self, _: random.Random) -> Iterator[None]:
        fuzz(self.port, 100)
        yield

    @contextlib.contextmanager
    def _locked(self, _: random.Random) -> Iterator[None]:
        with contextlib.closing(sqlite3.connect(self.file, isolation_level=None, timeout=10)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield

    @contextlib.contextmanager
    def _gone(self, _: random.Random) -> Iterator[None]:
        self.broker.kill()
        yield
        self.broker.start()


async def _view(url: str, samples: Samples | None, begin: float, until: float) -> None:
    """A viewer of small pictures; notes their age where it is asked to. It reconnects by itself, as programs do."""
    async with connect(url, frames="annotated", width=320, max_fps=5) as stream:
        async for message in stream:
            if samples is not None and isinstance(message, Picture):
                samples.age_at.append(time.monotonic() - begin)
                samples.age.append((time.time() - message.result.timestamp) * 1000)
            if time.monotonic() > until:
                return


async def _view_all(url: str, samples: Samples, begin: float, until: float) -> None:
    await asyncio.gather(*(_view(url, None if n else samples, begin, until) for n in range(_VIEWERS)))


def soaked(folder: Path, times: int) -> list[Figure]:
    """A row of the table: ten minutes for 100 times, and half a minute at least, with ten faults or more."""
    minutes = max(0.6, times / 10)
    figures, seen = soak(folder, minutes=minutes, every=min(30.0, minutes * 60 / 9), seed=_SEED)
    injected = len(seen["faults"])  # type: ignore[arg-type]
    return [Figure.at_least("soak", "faults injected", injected, 3, ""), *figures]


def soak(folder: Path, *, minutes: float, every: float, seed: int) -> tuple[list[Figure], dict[str, object]]:
    """Figures to be judged, and all that was seen."""
    dice, samples, done, pause = random.Random(seed), Samples(), [], threading.Event()
    with contextlib.ExitStack() as stack:
        here = Soak(folder, stack)
        eventually("all is well", here.well, 30)
        before = Process.of(here.program)
        begin = time.monotonic()
        until = begin + minutes * 60
        viewers = threading.Thread(target=lambda: asyncio.run(_view_all(here.program.url, samples, begin, until)))
        viewers.start()

        def sample_for(seconds: float) -> None:
            end = min(until, time.monotonic() + seconds)
            while time.monotonic() < end:
                samples.at.append(time.monotonic() - begin)
                samples.held.append(Process.of(here.program))
                pause.wait(_SAMPLE_SECONDS)

        sample_for(every)
        while time.monotonic() < until - every:
            name = dice.choice(sorted(here.faults))
            done.append(name)
            with here.faults[name](dice):
                sample_for(min(dice.uniform(1, 6), every / 2))
            sample_for(every)
        viewers.join(60)
        eventually("all is well in the end", here.well, 30)
        with contextlib.suppress(AssertionError):  # else it is a figure that doesn't hold
            eventually("viewers are gone", lambda: Process.of(here.program).descriptors <= before.descriptors, 30)
        after = Process.of(here.program)
    tracebacks = sum("Traceback" in line for line in here.program.log)
    return judged(samples, before, after, done, tracebacks), {
        "seed": seed,
        "faults": done,
        "rss_mb_by_half_minute": samples.by_half_minute(samples.at, [held.memory for held in samples.held], 50),
        "threads": sorted({held.threads for held in samples.held}),
        "descriptors": sorted({held.descriptors for held in samples.held}),
        "age_ms_p50_by_half_minute": samples.by_half_minute(samples.age_at, samples.age, 50),
        "age_ms_p95_by_half_minute": samples.by_half_minute(samples.age_at, samples.age, 95),
    }


def judged(samples: Samples, before: Process, after: Process, done: Sequence[str], tracebacks: int) -> list[Figure]:
    """What holds for any length, and for a run of some minutes what may grow in it."""
    minutes = samples.at[-1] / 60
    what = f"soak of {minutes:.1f} minutes: {_CAMERAS} cameras, {_VIEWERS} viewers, {len(done)} faults"
    figures = [
        Figure.at_most(what, "threads", after.threads - before.threads, _EXECUTOR, "more"),
        Figure.at_most(what, "descriptors", after.descriptors - before.descriptors, 0, "more"),
        Figure.at_most(what, "tracebacks in the log", tracebacks, 0, ""),
        Figure.at_most(what, "age of pictures, P50", float(np.median(samples.age)) / 1000, 1),
    ]
    if samples.at[-1] >= _LONG_ENOUGH:
        held, at = samples.held, samples.at
        rises = {
            "memory": samples.by_half_minute(at, [each.memory for each in held], 50),
            "threads": samples.by_half_minute(at, [each.threads for each in held], 0),
            "descriptors": samples.by_half_minute(at, [each.descriptors for each in held], 0),
            "age of pictures": samples.by_half_minute(samples.age_at, samples.age, 50),
        }
        for name, values in rises.items():
            figures.append(Figure.at_most(what, f"{name}, rise over the run", _rise(values), *_RISES[name]))
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures, or one JSON object."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.faults.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--every", type=float, default=30.0, metavar="SECONDS", help="from one fault to the next")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures, seen = soak(Path(folder), minutes=options.minutes, every=options.every, seed=options.seed)
    if options.json:
        print(json.dumps({**seen, "figures": [figure._asdict() for figure in figures]}, indent=2))
    else:
        for figure in figures:
            verdict = "" if figure.holds else "  MISSED"
            print(f"{figure.what}: {figure.measured:g} {figure.unit}, {figure.limit}{verdict}")
        print(json.dumps(seen))
    return int(not all(figure.holds for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
