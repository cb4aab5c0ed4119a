"""Viewers that come and go in a crowd: most say goodbye, some are just not there any more, some in mid-sentence."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import time
from typing import NamedTuple

from streamer.client import Picture, ResultMessage, Stats, Stream, connect
from streamer.errors import StreamerError
from tests.system.faults.figures import Figure
from tests.system.faults.websocket_cases import frame

__all__ = ["crowd"]

_A_SECOND = 50  # viewers that come
_LONGEST_WAIT = 10.0  # s for a picture
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset
_HALF_A_FRAME = frame(0x81, b"x" * 100)[:50]


class _Seen(NamedTuple):
    """By the one who stays. gap: longest time without a result, seconds. viewers: at the same time, at most."""

    gap: float
    viewers: int


async def crowd(url: str, viewers: int, stay: float) -> list[Figure]:
    """So many come at a rate, watch for so many seconds, and go. Served is who got a picture."""
    dice = random.Random(5)
    ways = [dice.choice(("goodbye", "goodbye", "reset", "half a frame")) for _ in range(viewers)]
    staying = asyncio.create_task(_stay(url, viewers / _A_SECOND + stay))
    begin = time.monotonic()
    served = await asyncio.gather(*(_come_and_go(url, number, stay, way) for number, way in enumerate(ways)))
    seconds = time.monotonic() - begin
    seen = await staying
    fault = f"{viewers} viewers coming and going, {_A_SECOND} a second, each for {stay:g} s"
    return [
        Figure.at_least(fault, "that got a picture", sum(served), viewers, ""),
        Figure.at_most(fault, "time for all", seconds, viewers / _A_SECOND + stay + 5),
        Figure.at_most(fault, f"longest gap of one who stays ({seen.viewers} at a time)", seen.gap, 2),
    ]


async def _come_and_go(url: str, number: int, stay: float, way: str) -> bool:
    """Whether a picture came."""
    await asyncio.sleep(number / _A_SECOND)
    served, begin = False, time.monotonic()
    try:
        async with (
            asyncio.timeout(stay + _LONGEST_WAIT),
            connect(url, cameras="*", frames="annotated", max_fps=1) as stream,
        ):
            async for message in stream:
                served = served or isinstance(message, Picture)
                if served and time.monotonic() - begin >= stay:
                    break
            if way != "goodbye":
                _vanish(stream, midway=way == "half a frame")
    except (StreamerError, TimeoutError, OSError):
        return served
    return served


def _vanish(stream: Stream, *, midway: bool) -> None:
    websocket = stream._websocket
    assert websocket is not None
    if midway:
        websocket.transport.write(_HALF_A_FRAME)
    else:
        websocket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
    websocket.transport.abort()


async def _stay(url: str, seconds: float) -> _Seen:
    begin = last = time.monotonic()
    gap, viewers = 0.0, 0
    async with connect(url, cameras="*", frames="none") as stream:
        async for message in stream:
            now = time.monotonic()
            if isinstance(message, ResultMessage):
                gap, last = max(gap, now - last), now
            if isinstance(message, Stats):
                viewers = max(viewers, message.viewers["websocket"] - 1)
            if now - begin > seconds:
                break
    return _Seen(gap, viewers)
