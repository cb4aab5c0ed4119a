"""How old is a frame when a viewer has it? From the camera's decoder to the last byte at the client.

    python -m tests.benchmarks.latency [CLIP] [--seconds 30] [--overload-seconds 40] [--json]

Real RTSP cameras (720p25, the clip in a loop) and one viewer of every annotated picture at the camera's own size: with
one camera, with four, and with four whose analysis alone asks for more than the machine has (a wide detection picture
and one worker). The promise under overload is that a frame's age stays flat: give 600 s to see ten minutes of it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.fleet import Arrivals, fleet
from tests.benchmarks.live import Row, camera_clip, counter, demo_clip, parse, show
from tests.system.program import Program
from tests.system.rtsp_server import RtspServer

__all__ = ["main"]

_SETTLING_SECONDS = 6.0
_OVERLOAD = {"detect_width": 1280, "workers": 1, "tiles": "2x2"}


def main() -> None:
    """Entry point."""
    arguments = parse(
        __doc__, ("seconds", 30.0, "of each measurement"), ("overload-seconds", 40.0, "of the one under overload")
    )
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        clip = camera_clip(arguments.clip or demo_clip(), folder, size=(1280, 720), fps=25)
        for cameras in (1, 4):
            arrivals, _ = _measure(folder, clip, cameras, arguments.seconds, {})
            p50, p95 = arrivals.milliseconds(50), arrivals.milliseconds(95)
            title = f"{cameras} camera(s), age at the client"
            if cameras == 1:
                rows += [Row.at_most(f"{title}, P50", p50, "ms", 40), Row.at_most(f"{title}, P95", p95, "ms", 80)]
            else:
                rows += [Row(f"{title}, P50", p50, "ms"), Row(f"{title}, P95", p95, "ms")]
            rows.append(
                Row(f"{cameras} camera(s), pictures at the client", len(arrivals.age) / arguments.seconds, "/s")
            )
        arrivals, load = _measure(folder, clip, 4, arguments.overload_seconds, _OVERLOAD)
    p95, slope = arrivals.milliseconds(95), _slope(arrivals, arguments.overload_seconds)
    rows += [
        Row("overload, frames captured / analysed", load, "x", ">= 2", load >= 2),
        Row.at_most("overload, age at the client, P95", p95, "ms", 250),
        Row("overload, slope of the age", slope, "ms/min", "flat"),
    ]
    show("latency", rows, {"seconds": arguments.seconds, "overload_seconds": arguments.overload_seconds},
         as_json=arguments.json)  # fmt: skip


def _measure(
    folder: Path, clip: Path, cameras: int, seconds: float, inference: dict[str, Any]
) -> tuple[Arrivals, float]:
    """What a viewer got, and frames captured for each that was analysed."""
    names = [f"camera{n}" for n in range(cameras)]
    with RtspServer(dict.fromkeys(names, clip)) as server:
        config = {"cameras": [{"id": name, "source": server.url(name)} for name in names], "inference": inference}
        with Program(folder, config) as program:
            for name in names:
                program.wait_for_state(name, "live", 30)
            subscription = {"cameras": "*", "frames": "annotated", "events": False}
            with fleet(program.url, 1, subscription, processes=1) as viewers:
                viewers.watch(_SETTLING_SECONDS)
                before = [counter(program, f"streamer_frames_{kind}_total") for kind in ("captured", "analyzed")]
                arrivals = viewers.watch(seconds)
                after = [counter(program, f"streamer_frames_{kind}_total") for kind in ("captured", "analyzed")]
    captured, analyzed = (late - early for late, early in zip(after, before, strict=True))
    return arrivals, round(captured / max(1.0, analyzed), 2)


def _slope(arrivals: Arrivals, seconds: float) -> float:
    """Of the age over the time of arrival, which the pictures fill evenly, by least squares: ms a minute."""
    at = np.linspace(0, seconds / 60, len(arrivals.age))
    return round(float(np.polyfit(at, arrivals.age * 1000, 1)[0]), 2)


if __name__ == "__main__":
    main()
