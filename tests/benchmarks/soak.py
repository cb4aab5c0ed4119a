"""Does it stay as it is? Cameras over RTSP for minutes: memory, threads, descriptors and frame age at a viewer.

    python -m tests.benchmarks.soak [CLIP] [--cameras 4] [--minutes 10]

CLIP is played in a loop by a real RTSP server, a mount for each camera (default: the demo scene, 1280x720 at 25 fps).
Prints JSON; the slopes are fitted over all but the first minute.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from streamer.capture.demo import demo_scene
from streamer.client import Picture, connect
from streamer.config import ModelsConfig
from streamer.inference.model_store import ModelStore
from tests.system.program import Program, weights
from tests.system.rtsp_server import RtspServer

__all__ = ["main"]

_SAMPLE_SECONDS = 2.0
_SETTLING_SECONDS = 60.0


@dataclass
class Samples:
    """What was seen, with the second of each."""

    at: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)
    cpu_percent: list[float] = field(default_factory=list)
    age_at: list[float] = field(default_factory=list)
    age_ms: list[float] = field(default_factory=list)


def as_a_camera_sends_it(clip: Path, folder: Path) -> Path:
    """The clip at 1280x720 in H.264 without B-frames and with a key frame a second."""
    out = folder / "camera.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-i", str(clip), "-an", "-vf", "scale=1280:720", "-c:v", "libx264", "-preset",
         "veryfast", "-crf", "23", "-bf", "0", "-pix_fmt", "yuv420p", "-force_key_frames", "expr:gte(t,n_forced*1)",
         str(out)],
        check=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return out


def the_demo_scene() -> Path:
    """The file that the built-in demo camera plays."""
    return demo_scene(ModelStore(ModelsConfig.model_validate(weights())))


async def watch(program: Program, samples: Samples, begin: float, seconds: float) -> int:
    """Be a viewer of all pictures; returns how many came."""
    pictures = 0
    async with connect(program.url, cameras="*", frames="annotated") as stream:
        async for message in stream:
            now = time.time()
            if isinstance(message, Picture):
                pictures += 1
                samples.age_at.append(now - begin)
                samples.age_ms.append((now - message.result.timestamp) * 1000)
            if now - begin > seconds:
                break
    return pictures


async def sample(process: psutil.Process, samples: Samples, begin: float) -> None:
    """Note the figures of the process until cancelled."""
    while True:
        samples.at.append(time.time() - begin)
        samples.rss_mb.append(process.memory_info().rss / 1e6)
        samples.threads.append(process.num_threads())
        samples.descriptors.append(process.num_fds())
        samples.cpu_percent.append(process.cpu_percent())
        await asyncio.sleep(_SAMPLE_SECONDS)


async def run(program: Program, seconds: float) -> tuple[Samples, int]:
    """Watch and sample side by side."""
    samples, begin = Samples(), time.time()
    sampling = asyncio.create_task(sample(psutil.Process(program.pid), samples, begin))
    try:
        return samples, await watch(program, samples, begin, seconds)
    finally:
        sampling.cancel()


def slope_per_minute(at: list[float], values: list[float]) -> float:
    """Least-squares slope over all but the first minute."""
    x, y = np.array(at), np.array(values)
    late = x >= min(_SETTLING_SECONDS, x[-1] / 2)
    return float(np.polyfit(x[late] / 60, y[late], 1)[0])


def report(samples: Samples, pictures: int, statuses: list[dict[str, Any]], metrics: str) -> dict[str, Any]:
    """The figures."""
    age_at, age = np.array(samples.age_at), np.array(samples.age_ms)
    minutes = [age[(age_at >= m * 60) & (age_at < (m + 1) * 60)] for m in range(int(age_at[-1] // 60) + 1)]
    minutes = [values for values in minutes if len(values) > 10]
    late = [i for i, at in enumerate(samples.at) if at >= min(_SETTLING_SECONDS, samples.at[-1] / 2)]
    return {
        "cameras": len(statuses),
        "seconds": round(samples.at[-1], 1),
        "frames": {status["id"]: status["frames"] for status in statuses},
        "pictures_at_viewer": pictures,
        "rss_mb": {"first": round(samples.rss_mb[late[0]], 1), "last": round(samples.rss_mb[-1], 1)},
        "rss_mb_by_half_minute": [round(rss, 1) for rss in samples.rss_mb[:: round(30 / _SAMPLE_SECONDS)]],
        "rss_slope_mb_per_min": round(slope_per_minute(samples.at, samples.rss_mb), 3),
        "threads": sorted({samples.threads[i] for i in late}),
        "descriptors": sorted({samples.descriptors[i] for i in late}),
        "cpu_cores": round(float(np.mean(samples.cpu_percent[1:])) / 100, 2),
        "frame_age_ms_p50_by_minute": [round(float(np.percentile(v, 50)), 1) for v in minutes],
        "frame_age_ms_p95_by_minute": [round(float(np.percentile(v, 95)), 1) for v in minutes],
        "frame_age_slope_ms_per_min": round(slope_per_minute(samples.age_at, samples.age_ms), 3),
        "dropped": {
            line.split("{")[1].split("}")[0]: float(line.rsplit(" ", 1)[1])
            for line in metrics.splitlines()
            if line.startswith("streamer_frames_dropped_total{")
        },
    }


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path)
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--max-fps", type=float)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        clip = as_a_camera_sends_it(args.clip, folder) if args.clip else the_demo_scene()
        names = [f"camera{n}" for n in range(args.cameras)]
        with RtspServer(dict.fromkeys(names, clip)) as server:
            limit = {"max_fps": args.max_fps} if args.max_fps else {}
            config = {"cameras": [{"id": name, "source": server.url(name), **limit} for name in names]}
            with Program(folder, config) as program:
                for name in names:
                    program.wait_for_state(name, "live", 20)
                samples, pictures = asyncio.run(run(program, args.minutes * 60))
                statuses = [program.camera(name) for name in names]
                figures = report(samples, pictures, statuses, program.text("/metrics"))
    json.dump(figures, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
