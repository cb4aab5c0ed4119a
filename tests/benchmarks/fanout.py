"""Many viewers of one camera: how late the pictures come, what stuck viewers cost, and whether the analysis suffers.

    python -m tests.benchmarks.fanout [CLIP] [--seconds 10] [--width 960] [--json]

One RTSP camera (720p15) is analysed and watched by 1, 50, 200 and 500 viewers of the same variant, which run in two
processes on the same machine. Delivery is counted from capture to the last byte at the client, so decoding, analysis
and encoding are in it. Stuck viewers never read, and are not cut off here, so that their cost can be seen.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from tests.benchmarks.fleet import fleet
from tests.benchmarks.live import Row, camera_clip, counter, demo_clip, parse, rate, show
from tests.system.program import Program
from tests.system.rtsp_server import RtspServer

__all__ = ["main"]

_SETTLING_SECONDS = 3.0
_STUCK = 20
_FPS = 15


def main() -> None:
    """Entry point."""
    arguments = parse(__doc__, ("seconds", 10.0, "of each measurement"), ("width", 960, "of the pictures, pixels"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        clip = camera_clip(arguments.clip or demo_clip(), folder, size=(1280, 720), fps=_FPS)
        with RtspServer({"camera": clip}) as server:
            config = {
                "cameras": [{"id": "camera", "source": server.url("camera")}],
                "server": {"max_viewers": 600, "viewer_timeout": 600},
            }
            with Program(folder, config) as program:
                program.wait_for_state("camera", "live", 30)
                rows, details = _measure(program, arguments.seconds, arguments.width)
    show("fanout", rows, details, as_json=arguments.json)


def _measure(program: Program, seconds: float, width: int) -> tuple[list[Row], dict[str, Any]]:
    subscription = {"frames": "annotated", "width": width, "events": False}
    alone = rate(program, "streamer_frames_analyzed_total", seconds)
    steps = {viewers: _watched(program, viewers, subscription, seconds) for viewers in (1, 50, 200, 500)}
    stuck = _watched(program, 200 + _STUCK, subscription, seconds, stuck=_STUCK)
    fall = 100 * (1 - steps[50]["analyzed_fps"] / alone)
    later = stuck["p99_ms"] - steps[200]["p99_ms"]
    rows = [
        Row.at_most("200 viewers, delivery, P99", steps[200]["p99_ms"], "ms", 150),
        Row.at_most(f"{_STUCK} stuck beside 200, memory for each", stuck["stuck_mb"], "MB", 1),
        Row.at_most(f"{_STUCK} stuck beside 200, others' P99 later by", later, "ms", 10),
        Row("50 viewers, analysis slower by", fall, "%", "< 10", fall < 10),
    ]
    return rows, {"analyzed_fps_unwatched": round(alone, 2), "steps": steps, "with_stuck": stuck}


def _watched(
    program: Program, viewers: int, subscription: dict[str, Any], seconds: float, *, stuck: int = 0
) -> dict[str, float]:
    """Figures of this many viewers; stuck ones come last, so that what they take of memory can be told."""
    process = psutil.Process(program.pid)
    with fleet(program.url, viewers - stuck, subscription) as fresh:
        fresh.watch(_SETTLING_SECONDS)
        memory = process.memory_info().rss
        with fleet(program.url, stuck, subscription, stuck=stuck, processes=1):
            fresh.watch(_SETTLING_SECONDS if stuck else 0.1)
            process.cpu_percent()
            analyzed = counter(program, "streamer_frames_analyzed_total")
            arrivals = fresh.watch(seconds)
            analyzed = counter(program, "streamer_frames_analyzed_total") - analyzed
            cores = process.cpu_percent() / 100
            grown = (process.memory_info().rss - memory) / 1e6
    return {
        "p50_ms": arrivals.milliseconds(50),
        "p99_ms": arrivals.milliseconds(99),
        "pictures_a_second_each": round(len(arrivals.age) / seconds / (viewers - stuck), 2),
        "picture_kb": round(float(np.mean(arrivals.size)) / 1000, 1),
        "analyzed_fps": round(analyzed / seconds, 2),
        "cores": round(cores, 2),
        "stuck_mb": round(grown / stuck, 3) if stuck else 0.0,
    }


if __name__ == "__main__":
    main()
