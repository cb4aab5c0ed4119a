"""How fast a clip can be decoded at all, in a process for each core: python -m tests.benchmarks.decode_only CLIP."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path

from tests.benchmarks.excerpts import excerpt

__all__ = ["main"]


def _decode(clip: Path, frames: int, start: Barrier, rates: multiprocessing.Queue[float]) -> None:
    start.wait()
    begin = time.perf_counter()
    count = sum(1 for _ in excerpt(clip, frames, threads=1))
    rates.put(count / (time.perf_counter() - begin))


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the frames a second of all processes together."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.decode_only", description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(arguments)
    context = multiprocessing.get_context("spawn")
    start, rates = context.Barrier(options.processes), context.Queue()
    processes = [
        context.Process(target=_decode, args=(options.clip, options.frames, start, rates))
        for _ in range(options.processes)
    ]
    for process in processes:
        process.start()
    fps = sum(rates.get(timeout=120) for _ in processes)
    for process in processes:
        process.join()
    print(json.dumps({"fps": round(fps, 1), "frames": options.frames, "processes": options.processes}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
