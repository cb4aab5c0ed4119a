"""A camera whose packets get lost, late, damaged or cut short on the way, over UDP or an RTSP connection."""

from __future__ import annotations

import asyncio
import contextlib
import time
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.client import Picture, connect
from tests.media import frame_number, make_video, pattern
from tests.system.faults.figures import Figure, counter
from tests.system.faults.line import GOOD, Faults, Line
from tests.system.faults.rtsp_proxy import RtspProxy
from tests.system.program import Program
from tests.system.rtsp_server import RtspServer

__all__ = ["bad_lines"]

_FPS = 25
_GROUP_SECONDS = 1.0  # from one key frame to the next
_BAD_SECONDS = 3.0
_WELL_SECONDS = 2.0
_GAP = 0.3  # s between pictures that is more than a busy machine's doing
_BLOCK = 16  # pixels
_UNLIKE = 16  # grey levels by which a block differs from what was sent, on average, when it is smeared
_SMEARED = 0.01  # share of such blocks
_DAMAGED = Faults(flipped=0.02, cut=0.02)
_LINES = {
    "udp": {
        "5 % of the datagrams lost": Faults(lost=0.05),
        "datagrams late by up to 200 ms, out of order": Faults(jitter=0.2),
        "a byte flipped in 2 % of them, 2 % cut short": _DAMAGED,
    },
    "tcp": {"the same damage over TCP": _DAMAGED},
}


class _Seen(NamedTuple):
    """A picture that was analysed and shown."""

    at: float
    jpeg: bytes


def bad_lines(folder: Path, _times: int) -> list[Figure]:
    """Each for some seconds, and then a good line again."""
    clip = make_video(folder / "clip.mp4", seconds=8, size=(640, 480), keyframe_every=round(_GROUP_SECONDS * _FPS))
    with RtspServer({"cam": clip}) as server:
        return [figure for transport in _LINES for figure in _over(transport, server, folder)]


def _over(transport: str, server: RtspServer, folder: Path) -> list[Figure]:
    line, figures, every = Line(seed=3), [], f"all of these, over {transport.upper()}"
    with RtspProxy(server.port, line) as proxy:
        config = {
            "cameras": [{"id": "cam", "source": proxy.url("cam"), "transport": transport}],
            "inference": {"look_interval": 0, "adapt": False},
            "store": {"url": "none"},
        }
        with Program(folder, config) as program:
            program.wait_for_state("cam", "live", 20)
            for fault, faults in _LINES[transport].items():
                figures += _through(program, line, fault, faults)
            reconnects = program.camera("cam")["reconnects"]
            tracebacks = sum("Traceback" in each for each in program.log)
    return [
        *figures,
        Figure.at_most(every, "reconnects", reconnects, 0, ""),
        Figure.at_most(every, "tracebacks in the log", tracebacks, 0, ""),
    ]


def _through(program: Program, line: Line, fault: str, faults: Faults) -> list[Figure]:
    before = _left_out(program)
    line.faults = faults
    bad = asyncio.run(_watch(program.url, _BAD_SECONDS))
    left_out = _left_out(program) - before
    line.faults = GOOD
    healed = time.monotonic()
    well = asyncio.run(_watch(program.url, _WELL_SECONDS))
    # What was lost last may shut out one group of pictures: from its end on they come without a gap.
    times = [0.0, *(seen.at - healed for seen in well), _WELL_SECONDS]
    again = max((end for begin, end in pairwise(times) if end - begin > _GAP), default=0.0)
    smeared = [seen.at - healed for seen in bad + well if _smeared(seen.jpeg)]
    lasting = sum(at > _GROUP_SECONDS + _GAP for at in smeared)
    figures = [
        _smears(fault, faults, len(smeared), len(bad + well)),
        Figure.at_most(fault, "smeared pictures analysed after the next key frame", lasting, 0, ""),
        Figure.at_least(fault, "pictures analysed meanwhile", len(bad), 1, ""),
        Figure.at_least(fault, "pictures analysed afterwards", len(well), 1, ""),
        Figure.at_most(fault, "all pictures again", again, _GROUP_SECONDS + 0.5),
    ]
    if not faults.jitter:
        figures.append(Figure.at_least(fault, "packets counted as left out", left_out, 1, ""))
    return figures


def _smears(fault: str, faults: Faults, smeared: int, shown: int) -> Figure:
    """None, but for flipped bits: one may be another valid one, which shows up to the next key frame."""
    if not faults.flipped:
        return Figure.at_most(fault, "smeared pictures analysed", smeared, 0, "")
    return Figure.at_most(fault, "smeared pictures among those analysed", 100 * smeared / max(1, shown), 50, "%")


def _left_out(program: Program) -> float:
    return sum(
        counter(program, "streamer_frames_dropped_total", f'reason="{reason}"') for reason in ("corrupt", "keyframe")
    )


async def _watch(url: str, seconds: float) -> list[_Seen]:
    """What is shown in this time."""
    seen = []
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds), connect(url, frames="clean", events=False) as stream:
            pictures = (message async for message in stream if isinstance(message, Picture))
            async for picture in pictures:
                seen.append(_Seen(time.monotonic(), picture.jpeg))  # noqa: PERF401  kept when time is up
    return seen


def _smeared(jpeg: bytes) -> bool:
    """Whether a picture isn't the one that was sent, whose number is drawn into it."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    height, width = picture.shape[:2]
    sent = pattern(frame_number(picture.astype(np.uint8)), width, height)
    unlike: NDArray[np.float64] = np.abs(picture.astype(float) - sent).max(axis=2)
    blocks = unlike[: height // _BLOCK * _BLOCK, : width // _BLOCK * _BLOCK]
    means = blocks.reshape(height // _BLOCK, _BLOCK, width // _BLOCK, _BLOCK).mean(axis=(1, 3))
    return bool((means > _UNLIKE).mean() > _SMEARED)
