"""Memory for each camera at 1080p, and for each viewer.

    python -m tests.benchmarks.memory [CLIP] [--cameras 5] [--viewers 200] [--seconds 15] [--json]

Resident memory of the whole program with one RTSP camera (1080p15, the clip in a loop) against several, unwatched; and
with several viewers of one camera against one, all of whom take what they are sent.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path

import psutil

from tests.benchmarks.fleet import fleet
from tests.benchmarks.live import Row, camera_clip, demo_clip, parse, show
from tests.system.program import Program
from tests.system.rtsp_server import RtspServer

__all__ = ["main"]


def main() -> None:
    """Entry point."""
    arguments = parse(
        __doc__, ("cameras", 5, "at most"), ("viewers", 200, "at most"), ("seconds", 15.0, "before memory is read")
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        clip = camera_clip(arguments.clip or demo_clip(), folder, size=(1920, 1080), fps=15)
        one, few, many = _measure(folder, clip, 1, arguments.viewers, arguments.seconds)
        more, _, _ = _measure(folder, clip, arguments.cameras, 0, arguments.seconds)
    camera = (more - one) / (arguments.cameras - 1)
    viewer = (many - few) / (arguments.viewers - 1) * 1000
    rows = [
        Row.at_most("for each camera", camera, "MB", 60),
        Row.at_most("for each viewer", viewer, "KB", 64),
        Row("the program with one camera", one, "MB"),
    ]
    show("memory", rows, {"cameras": arguments.cameras, "viewers": arguments.viewers}, as_json=arguments.json)


def _measure(folder: Path, clip: Path, cameras: int, viewers: int, seconds: float) -> tuple[float, float, float]:
    """MB without viewers, with one, and with all."""
    names = [f"camera{n}" for n in range(cameras)]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(RtspServer(dict.fromkeys(names, clip)))
        config = {
            "cameras": [{"id": name, "source": server.url(name)} for name in names],
            "server": {"viewer_timeout": 60},  # they read only when all are connected
        }
        program = stack.enter_context(Program(folder, config))
        for name in names:
            program.wait_for_state(name, "live", 30)
        process, subscription = psutil.Process(program.pid), {"frames": "annotated", "cameras": names[:1]}
        time.sleep(seconds)
        found = [process.memory_info().rss / 1e6]
        for count in (1, viewers) if viewers else ():
            with fleet(program.url, count, subscription) as watching:
                watching.watch(seconds)
                found.append(process.memory_info().rss / 1e6)
    return found[0], found[-2] if viewers else found[0], found[-1]


if __name__ == "__main__":
    main()
