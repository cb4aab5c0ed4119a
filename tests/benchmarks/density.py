"""How many cameras does one machine carry? Real RTSP streams in real time, and viewers, all on this machine.

    python -m tests.benchmarks.density [CLIP …] [--stream 1080p25 --stream 720p15] [--seconds 60] [--material FOLDER]

Each camera is asked for 10 analysed frames a second, and each tenth has a viewer at full size. Looks for the largest
number of cameras of which at least 99 % of the asked frames are analysed, with nothing reduced: by bisection with short
probes, then for `--seconds`. The clips are encoded once as a camera does (no B-frames, a key frame each second,
constant bit rate); with `--material` they are kept there. Default clips: the shared ones, else the demo scene. Prints
JSON.

No two cameras are at the same place of a clip: those of one clip would otherwise see new faces in the same moment.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from streamer.client import Picture, connect
from tests.benchmarks.cpu_times import CpuTimes
from tests.benchmarks.machine import SHARED
from tests.benchmarks.soak import the_demo_scene
from tests.system.program import Program
from tests.system.rtsp_server import RtspServer

__all__ = ["main"]

_ASKED_FPS = 10
_ENOUGH = 0.99  # of the asked frames
_EACH_VIEWED = 10  # one camera in so many has a viewer
_SETTLING_SECONDS = 20.0  # the governor judges a camera after 10 s, and takes some more to settle
_PROBE_SECONDS = 12.0
_CLIP_SECONDS = 20


@dataclass(frozen=True)
class Stream:
    """What a camera sends. size: pixels. target: cameras that two cores should carry."""

    name: str
    size: tuple[int, int]
    fps: int
    megabits: int
    target: int


STREAMS = {
    stream.name: stream
    for stream in (Stream("1080p25", (1920, 1080), 25, 4, 8), Stream("720p15", (1280, 720), 15, 2, 16))
}


@dataclass(frozen=True)
class Probe:
    """What came of one number of cameras. analyzed, worst: share of the asked frames, of all and of the worst camera.

    reduced: cameras of which the governor has fewer frames analysed, or less closely. sparser: those of which every
    frame is still analysed, but faces are looked for no more often than five times a second or the deblocking is left
    out. cores: processor time per second, by who used it.
    """

    cameras: int
    seconds: float
    analyzed: float
    worst: float
    reduced: int
    sparser: int
    captured_fps: float
    dropped: dict[str, int]
    viewer_fps: float
    viewer_age_ms: dict[str, float]
    cores: dict[str, Any]

    @property
    def holds(self) -> bool:
        """Whether so many cameras are carried."""
        return self.analyzed >= _ENOUGH and not self.reduced


def encoded(clips: Sequence[Path], stream: Stream, folder: Path) -> list[Path]:
    """The clips as a camera would send them; those that lie in the folder already are taken as they are."""
    made = []
    for clip in clips:
        out = folder / f"{clip.stem}-{stream.name}.mp4"
        made.append(out)
        if out.exists():
            continue
        width, height = stream.size
        shape = f"fps={stream.fps},scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height}"
        rate = f"{stream.megabits}M"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-stream_loop", "-1", "-i", str(clip), "-t", str(_CLIP_SECONDS), "-an",
             "-vf", shape, "-c:v", "libx264", "-preset", "veryfast", "-b:v", rate, "-maxrate", rate, "-bufsize", rate,
             "-bf", "0", "-g", str(stream.fps), "-pix_fmt", "yuv420p", str(out)],
            check=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    return made


def probe(count: int, clips: Sequence[Path], seconds: float) -> Probe:
    """Run so many cameras for a while."""
    names = [f"camera{n}" for n in range(count)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        mounts = {name: clips[n % len(clips)] for n, name in enumerate(names)}
        server = stack.enter_context(RtspServer(mounts, spread=_CLIP_SECONDS))
        # The server makes one stream ready after the other
        settings = {"max_fps": _ASKED_FPS, "open_timeout": 60}
        cameras = [{"id": name, "source": server.url(name)} | settings for name in names]
        program = stack.enter_context(Program(folder, {"cameras": cameras}))
        for name in names:
            program.wait_for_state(name, "live", 60)
        return asyncio.run(_measure(program, server, names, seconds))


async def _measure(program: Program, server: RtspServer, names: Sequence[str], seconds: float) -> Probe:
    ages: list[float] = []
    watching = [asyncio.create_task(_watch(program.url, name, ages.append)) for name in names[::_EACH_VIEWED]]
    try:
        await asyncio.sleep(_SETTLING_SECONDS)
        ages.clear()
        cpu = CpuTimes(program, server)
        before, began = await asyncio.to_thread(_status, program)
        await asyncio.sleep(seconds)
        after, ended = await asyncio.to_thread(_status, program)
        cores = await asyncio.to_thread(cpu.cores)
        seen = list(ages)
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    elapsed = ended - began
    asked = _ASKED_FPS * elapsed
    shares = [(after[name]["analyzed"] - before[name]["analyzed"]) / asked for name in names]
    reasons = sorted({reason for camera in after.values() for reason in camera["dropped"]} - {"rate"})
    return Probe(
        cameras=len(names),
        seconds=round(elapsed, 1),
        analyzed=round(float(np.mean(shares)), 4),
        worst=round(min(shares), 4),
        reduced=sum(map(_is_reduced, after.values())),
        sparser=sum(camera["reduced"] is not None and not _is_reduced(camera) for camera in after.values()),
        captured_fps=round(sum(after[n]["frames"] - before[n]["frames"] for n in names) / len(names) / elapsed, 2),
        dropped={
            reason: sum(after[n]["dropped"].get(reason, 0) - before[n]["dropped"].get(reason, 0) for n in names)
            for reason in reasons
        },
        viewer_fps=round(len(seen) / len(watching) / elapsed, 2),
        viewer_age_ms={f"p{q}": round(float(np.percentile(seen, q)), 1) for q in (50, 95)} if seen else {},
        cores=cores,
    )


def _is_reduced(camera: dict[str, Any]) -> bool:
    """Whether more is given up than looks that wouldn't be needed in a calmer scene."""
    reduced = camera["reduced"]
    return reduced is not None and any(reduced[what] is not None for what in ("max_fps", "detect_width", "readings"))


def _status(program: Program) -> tuple[dict[str, dict[str, Any]], float]:
    """Every camera's figures, and when they were taken."""
    cameras = {camera["id"]: camera for camera in program.get("/api/v1/status")["cameras"]}
    return cameras, time.monotonic()


async def _watch(url: str, camera: str, note_age: Callable[[float], None]) -> None:
    """Be a viewer of one camera; notes the age of each picture, in ms."""
    async with connect(url, cameras=[camera], frames="annotated") as stream:
        async for message in stream:
            if isinstance(message, Picture):
                note_age((time.time() - message.result.timestamp) * 1000)


def densest(holds: Callable[[int], bool], start: int) -> int:
    """The largest count that holds, where all smaller ones hold as well; 0: none does."""
    count, low, high = start, 0, None
    while high is None or high - low > 1:
        if holds(count):
            low = count
        else:
            high = count
        count = low + max(1, low // 2) if high is None else (low + high) // 2
    return low


def carried(stream: Stream, clips: Sequence[Path], seconds: float, start: int) -> dict[str, Any]:
    """The largest number of these cameras that is carried for so many seconds, with all probes."""
    probes: list[Probe] = []

    def holds(count: int, seconds: float = _PROBE_SECONDS) -> bool:
        found = probe(count, clips, seconds)
        probes.append(found)
        print(f"{stream.name}: {json.dumps(asdict(found))}", file=sys.stderr, flush=True)
        return found.holds

    count = densest(holds, start)
    while count and not holds(count, seconds):
        count -= 1
    return {"cameras": count, "target": stream.target, "probes": [asdict(one) for one in probes]}


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--stream", action="append", choices=STREAMS, help="default: all")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the confirmation")
    parser.add_argument("--start", type=int, help="cameras to try first; default: the target")
    parser.add_argument("--cameras", type=int, help="try this number only, for --seconds")
    parser.add_argument("--material", type=Path, help="folder in which the encoded clips are kept")
    args = parser.parse_args()
    clips = args.clips or sorted((SHARED / "clips").glob("*.mp4")) or [the_demo_scene()]
    with ExitStack() as stack:
        folder = args.material or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        found: dict[str, Any] = {}
        for stream in (STREAMS[name] for name in args.stream or STREAMS):
            material = encoded(clips, stream, folder)
            if args.cameras:
                found[stream.name] = asdict(probe(args.cameras, material, args.seconds))
            else:
                found[stream.name] = carried(stream, material, args.seconds, args.start or stream.target)
    json.dump(found, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
