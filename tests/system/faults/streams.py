"""Video that stops, never comes, jumps in time or changes its size, all at once before one program."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from copy import deepcopy
from itertools import count, islice
from pathlib import Path
from typing import Any

from streamer.client import ResultMessage, connect
from tests.media import make_video
from tests.system.faults.figures import Figure, trouble_told
from tests.system.faults.rtp import CLOCK, Moment, access_units, steady
from tests.system.faults.rtsp_script import ScriptedRtsp, plays
from tests.system.faults.scene import ROUND, ZONE, Told, scene, visits_and_stays
from tests.system.faults.transport_stream import TransportStream
from tests.system.program import Program, weights

__all__ = ["ill_streams"]

_FPS = 25
_QUIET = "no frame|no more data"
_SETTLED = 3.0  # s in which all who are in the picture at first are told of


def ill_streams(folder: Path, _times: int) -> list[Figure]:
    """Two cameras show the demo scene, one of them with times that jump: what is counted must be the same.

    With the time-outs as they are by default.
    """
    small = access_units(make_video(folder / "small.mp4", seconds=2))
    large = access_units(make_video(folder / "large.mp4", seconds=2, size=(640, 360)))
    people = access_units(scene())
    scripts = {
        "well": plays(lambda: steady(people)),
        "jumps": plays(lambda: _jumping(people)),
        "sizes": plays(lambda: _one_after_the_other(small, large)),
        "stops": plays(lambda: islice(steady(small), 50)),
        "audio-goes-on": plays(lambda: islice(steady(small), 50), audio=True),
        "no-frames": plays(tuple),
    }
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(ScriptedRtsp(script)) for name, script in scripts.items()}
        # FFmpeg looks into a transport stream for 5 s before it shows any of it
        transport = stack.enter_context(TransportStream(video=8, audio=40))
        program = stack.enter_context(Program(folder, _config(servers, transport)))
        told = stack.enter_context(Told(program))
        for name in ("well", "jumps", "sizes"):
            program.wait_for_state(name, "live", 15)
        begin = time.monotonic() + _SETTLED
        figures = [
            trouble_told(program, camera, fault, reason, since)
            for camera, fault, reason, since in (
                ("stops", "video stops, the connection stays", _QUIET, lambda: servers["stops"].ended_at),
                ("audio-goes-on", "video stops, audio goes on", _QUIET, lambda: servers["audio-goes-on"].ended_at),
                ("transport", "the same, as MPEG-TS over HTTP", _QUIET, lambda: transport.ended_at),
                ("no-frames", "0 frames a second", "no video came", lambda: servers["no-frames"].began_at),
            )
        ]
        gaps, sizes = asyncio.run(_longest_gaps(program.url, begin + ROUND))
        reconnects = {name: program.camera(name)["reconnects"] for name in ("well", "jumps", "sizes")}
        ready = program.is_ready()
    assert len(sizes) == 2, sizes
    jumps, resolution, beside = "timestamps jump ± 1 h", "resolution changes every 2 s", "camera beside all of these"
    return [
        *figures,
        Figure.at_most(jumps, "longest gap", gaps["jumps"], 1),
        Figure.at_most(jumps, "reconnects", reconnects["jumps"], 0, ""),
        *visits_and_stays(jumps, told, "jumps", begin),
        Figure.at_most(resolution, "longest gap", gaps["sizes"], 1),
        Figure.at_most(resolution, "reconnects", reconnects["sizes"], 0, ""),
        Figure.at_most(beside, "longest gap", gaps["well"], 1),
        *visits_and_stays(beside, told, "well", begin),
        Figure.at_least("all of these", "/readyz says ready, for the cameras that are", float(ready), 1, ""),
    ]


def _config(servers: dict[str, ScriptedRtsp], transport: TransportStream) -> dict[str, Any]:
    cameras: list[dict[str, Any]] = [{"id": name, "source": server.url} for name, server in servers.items()]
    cameras.append({"id": "transport", "source": transport.url, "allow_hls": True})
    for camera in cameras:
        camera.update({"max_fps": 8, "reconnect_max": 1, "zones": [deepcopy(ZONE)]})
    return {
        "cameras": cameras,
        "models": {**weights(), "attributes": "none"},
        "store": {"url": "none"},
    }


def _jumping(units: list[list[bytes]]) -> Iterator[Moment]:
    """Every 2 s an hour ahead, and every 2 s after that back again."""
    for number, moment in enumerate(steady(units)):
        ahead = 3600 * CLOCK if number // (2 * _FPS) % 2 else 0
        yield moment._replace(timestamp=moment.timestamp + ahead)


def _one_after_the_other(*clips: list[list[bytes]]) -> Iterator[Moment]:
    """Without a word in between, as a camera whose settings are changed."""
    step = CLOCK // _FPS
    number = count()
    while True:
        for clip in clips:
            for unit in clip:
                yield Moment(1 / _FPS, next(number) * step, unit)


async def _longest_gaps(url: str, until: float) -> tuple[dict[str, float], set[tuple[int, int]]]:
    """Seconds between two results, by camera, and the sizes seen of the one that changes it."""
    last: dict[str, float] = {}
    gaps: dict[str, float] = {}
    sizes: set[tuple[int, int]] = set()
    async with connect(url, cameras=["well", "jumps", "sizes"], frames="none") as stream:
        async for message in stream:
            now = time.monotonic()
            if isinstance(message, ResultMessage):
                camera = message.camera
                gaps[camera] = max(gaps.get(camera, 0.0), now - last.get(camera, now))
                last[camera] = now
                if camera == "sizes":
                    sizes.add((message.width, message.height))
            if now > until:
                break
    return gaps, sizes
