"""What cameras cost that nobody watches and that show no face.

    python -m tests.benchmarks.idle [CLIP] [--cameras 8] [--seconds 30] [--json]

RTSP cameras at 720p15 with a moving pattern in which there is no face, or with CLIP. That no JPEG is encoded is
asserted.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import psutil

from tests.benchmarks.live import Row, camera_clip, counter, parse, show
from tests.media import make_video
from tests.system.program import Program
from tests.system.rtsp_server import RtspServer

__all__ = ["main"]

_SETTLING_SECONDS = 5.0


def main() -> None:
    """Entry point."""
    arguments = parse(__doc__, ("cameras", 8, "how many"), ("seconds", 30.0, "of the measurement"))
    names = [f"camera{n}" for n in range(arguments.cameras)]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shown = arguments.clip or make_video(folder / "pattern.mp4", seconds=10, fps=15, size=(1280, 720))
        clip = camera_clip(shown, folder, size=(1280, 720), fps=15)
        with RtspServer(dict.fromkeys(names, clip)) as server:
            config = {"cameras": [{"id": name, "source": server.url(name)} for name in names]}
            with Program(folder, config) as program:
                for name in names:
                    program.wait_for_state(name, "live", 30)
                time.sleep(_SETTLING_SECONDS)
                process = psutil.Process(program.pid)
                before = [counter(program, f"streamer_frames_{kind}_total") for kind in ("captured", "analyzed")]
                process.cpu_percent()
                time.sleep(arguments.seconds)
                cores = process.cpu_percent() / 100
                after = [counter(program, f"streamer_frames_{kind}_total") for kind in ("captured", "analyzed")]
                encoded = counter(program, "streamer_pictures_encoded_total")
    assert encoded == 0, f"{encoded:.0f} pictures were encoded for nobody"
    captured, analyzed = ((late - early) / arguments.seconds for late, early in zip(after, before, strict=True))
    rows = [
        Row("CPU for each camera", 100 * cores / len(names), "%"),
        Row("JPEGs encoded", encoded, "", "0", encoded == 0),
        Row("frames captured, all cameras", captured, "/s"),
        Row("frames analysed, all cameras", analyzed, "/s"),
    ]
    show("idle", rows, {"cameras": len(names), "seconds": arguments.seconds}, as_json=arguments.json)


if __name__ == "__main__":
    main()
