"""What the benchmarks of the running program share: a clip as cameras send it, counters, a way to print figures."""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from streamer.capture.demo import demo_scene
from streamer.config import ModelsConfig
from streamer.inference.model_store import ModelStore
from tests.system.program import Program, weights

__all__ = ["Row", "camera_clip", "counter", "demo_clip", "parse", "rate", "show"]


class Row(NamedTuple):
    """One figure beside its target. met: None where there is no target."""

    what: str
    measured: float
    unit: str
    target: str = ""
    met: bool | None = None

    @classmethod
    def at_most(cls, what: str, measured: float, unit: str, limit: float) -> Row:
        """One whose target is a limit."""
        return cls(what, measured, unit, f"<= {limit:g}", measured <= limit)


def demo_clip() -> Path:
    """The file that the built-in demo camera plays: 1280x720 at 25 fps, with faces."""
    return demo_scene(ModelStore(ModelsConfig.model_validate(weights())))


def camera_clip(clip: Path, folder: Path, *, size: tuple[int, int], fps: int) -> Path:
    """The clip as a camera sends it: H.264 without B-frames, a key frame a second. Raises CalledProcessError."""
    out = folder / f"{clip.stem}-{size[1]}p{fps}.mp4"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", "-i", str(clip), "-an", "-vf", f"scale={size[0]}:{size[1]},fps={fps}", "-t",
         "20", "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-bf", "0", "-pix_fmt", "yuv420p",
         "-force_key_frames", "expr:gte(t,n_forced*1)", str(out)],
        check=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return out


def counter(program: Program, name: str) -> float:
    """The sum of all samples of a metric."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in program.text("/metrics").splitlines()
        if line.startswith((f"{name}{{", f"{name} "))
    )


def rate(program: Program, name: str, seconds: float) -> float:
    """By how much a counter grows, a second."""
    first, begin = counter(program, name), time.monotonic()
    time.sleep(seconds)
    return (counter(program, name) - first) / (time.monotonic() - begin)


def parse(description: str | None, *options: tuple[str, float, str]) -> argparse.Namespace:
    """The command line. options: name, default, what it is."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path, help="what the cameras show (default: the demo scene)")
    for name, default, text in options:
        parser.add_argument(f"--{name}", type=type(default), default=default, help=f"{text} (default: {default})")
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    return parser.parse_args()


def show(name: str, rows: Sequence[Row], details: dict[str, Any], *, as_json: bool) -> None:
    """Print the figures."""
    if as_json:
        print(json.dumps({"benchmark": name, "rows": [row._asdict() for row in rows], **details}, indent=2))
        return
    for row in rows:
        verdict = {True: "met", False: "MISSED", None: ""}[row.met]
        print(f"{row.what:55} {row.measured:10.2f} {row.unit:5} {row.target:12} {verdict}")
    for key, value in details.items():
        print(f"{key}: {value}")
