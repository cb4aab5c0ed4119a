"""Viewers that send rubbish, or come and go in crowds, beside one that is served all the while."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from pathlib import Path
from urllib.parse import urlsplit

from websockets.frames import Opcode

from streamer.client import ResultMessage, connect
from tests.media import make_video
from tests.system.faults.figures import Figure, Process
from tests.system.faults.rtp import access_units, steady
from tests.system.faults.rtsp_script import ScriptedRtsp, plays
from tests.system.faults.websocket_cases import frame, protocol_cases
from tests.system.program import Program, eventually
from tests.system.raw_viewer import RawViewer

__all__ = ["fuzz", "ill_viewers"]

_A_SECOND = 50  # viewers that come
_AT_LENGTH = 100  # times from which they come for a whole minute
_FUZZED_A_TIME = 100  # frames
_FUZZED_EACH = 20  # frames over one connection
_DEEP = 10_000
# Text and binary whole, text in parts, ping, pong; a reserved opcode, a reserved bit
_FIRST_BYTES = (0x81, 0x81, 0x81, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8A, 0x83, 0xC1)


def ill_viewers(folder: Path, times: int) -> list[Figure]:
    """times: 100 fuzzed frames each, and 5 viewers that come and go; in the long report, viewers for a minute."""
    crowd = 60 * _A_SECOND if times >= _AT_LENGTH else 5 * times
    units = access_units(make_video(folder / "clip.mp4", seconds=4))
    with ScriptedRtsp(plays(lambda: steady(units))) as camera:
        config = {"cameras": [{"id": "cam", "source": camera.url}], "store": {"url": "none"}}
        with Program(folder, config) as program:
            program.wait_for_state("cam", "live", 15)
            port = urlsplit(program.url).port or 0
            fuzz(port, 20)  # what is made once is made
            asyncio.run(_crowd(program, 10))
            before = Process.of(program)
            figures = [*_rubbish(port, times), *asyncio.run(_crowd(program, crowd))]
            eventually("all are gone", lambda: program.get("/api/v1/status")["viewers"]["websocket"] == 0, 15)
            eventually("descriptors are let go", lambda: Process.of(program).descriptors <= before.descriptors + 2, 15)
            after = Process.of(program)
        tracebacks = sum("Traceback" in line for line in program.log)
    return [
        *figures,
        Figure.at_most("all of these", "memory", after.memory - before.memory, 40, "MB more"),
        Figure.at_most("all of these", "threads", after.threads - before.threads, 2, "more"),
        Figure.at_most("all of these", "descriptors", after.descriptors - before.descriptors, 2, "more"),
        Figure.at_most("all of these", "tracebacks in the log", tracebacks, 0, ""),
    ]


def _rubbish(port: int, times: int) -> list[Figure]:
    sent = times * _FUZZED_A_TIME
    served = fuzz(port, sent)
    with RawViewer(port) as viewer:
        viewer.send(b"x" * (64 * 1024 + 1))
        too_large = viewer.close_code()
    with RawViewer(port) as viewer:
        viewer.send(b"\xff\xfe")
        no_text = viewer.close_code()
    with RawViewer(port) as viewer:
        viewer.send(b"[" * _DEEP + b"]" * _DEEP)
        told = _error(viewer)
    return [
        Figure.at_least(f"{sent} fuzzed websocket frames", "connections that took them", served, 1, ""),
        Figure.exactly("a message of 64 KiB + 1", "close code", too_large, "1009", holds=too_large == 1009),
        Figure.exactly("text that isn't UTF-8", "close code", no_text, "1007", holds=no_text == 1007),
        Figure.at_least(f"JSON of depth {_DEEP}", "answered as malformed", float(told == "malformed"), 1, ""),
        *protocol_cases(port),
        _flood(port),
    ]


def _flood(port: int) -> Figure:
    """A thousand messages at once: how many of them are obeyed in the first two seconds."""
    with RawViewer(port) as viewer:
        for _ in range(1000):
            viewer.send(json.dumps({"type": "ping", "t": 1}).encode())
        begin, obeyed = time.monotonic(), 0
        while time.monotonic() - begin < 2:
            _, payload = viewer.receive()
            obeyed += b'"pong"' in payload[:40]
    return Figure.at_most("1000 messages at once", "obeyed in the first 2 s", obeyed, 70, "")


def _error(viewer: RawViewer) -> str:
    while True:
        opcode, payload = viewer.receive()
        if opcode == Opcode.TEXT and (message := json.loads(payload))["type"] == "error":
            return str(message["code"])


def fuzz(port: int, frames: int) -> int:
    """Send so many frames of anything; a connection that is closed by it is opened again. Returns how many it took."""
    dice = random.Random(7)
    connections, left = 0, frames
    while left > 0:
        connections += 1
        with contextlib.suppress(OSError), RawViewer(port) as viewer:
            for _ in range(min(left, _FUZZED_EACH)):
                left -= 1
                data = dice.randbytes(dice.choice((0, 1, 10, 125, 126, 1000)))
                if dice.random() < 0.5:
                    data = b'{"type": "subscribe", "cameras": %d}' % dice.getrandbits(60)
                if dice.random() < 0.02:  # not even a frame
                    viewer.socket.sendall(dice.randbytes(20))
                else:
                    viewer.socket.sendall(frame(dice.choice(_FIRST_BYTES), data))
    return connections


async def _crowd(program: Program, viewers: int) -> list[Figure]:
    """Viewers come at a rate, watch a little, and go: most say goodbye, some just aren't there any more."""
    served: list[int] = []

    async def come_and_go(number: int) -> None:
        await asyncio.sleep(number / _A_SECOND)
        async with connect(program.url, cameras="*", frames="annotated") as stream:
            pictures = 0
            async for _ in stream:
                pictures += 1
                if pictures >= 5:
                    break
        served.append(pictures)

    watching = asyncio.create_task(_longest_gap(program.url, viewers / _A_SECOND + 2))
    begin = time.monotonic()
    await asyncio.gather(*(come_and_go(number) for number in range(viewers)))
    seconds = time.monotonic() - begin
    fault = f"{viewers} viewers coming and going, {_A_SECOND} a second"
    return [
        Figure.at_least(fault, "served", len(served), viewers, ""),
        Figure.at_most(fault, "time for all", seconds, viewers / _A_SECOND + 5),
        Figure.at_most(fault, "longest gap of one who stays", await watching, 2),
    ]


async def _longest_gap(url: str, seconds: float) -> float:
    begin = last = time.monotonic()
    gap = 0.0
    async with connect(url, cameras="*", frames="none") as stream:
        async for message in stream:
            now = time.monotonic()
            if isinstance(message, ResultMessage):
                gap, last = max(gap, now - last), now
            if now - begin > seconds:
                break
    return gap
