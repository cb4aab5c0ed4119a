"""Viewers that take nothing, or little: the server's memory, its other viewers, and its descriptors don't notice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.frames import Opcode

from streamer.server.protocol import split_picture
from tests.server_harness import until
from tests.system.raw_viewer import RawViewer

pytestmark = pytest.mark.system

MJPEG = "GET /api/v1/cameras/entrance/stream.mjpg?kind=clean HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"


class Site:
    """The harness in a process of its own, so that its memory can be told from the viewers'."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.port = port
        self._process = psutil.Process(process.pid)

    def memory(self) -> float:
        """Resident, MB."""
        return float(self._process.memory_info().rss / 1e6)

    def descriptors(self) -> int:
        return int(self._process.num_fds())

    async def metric(self, start: str) -> float:
        """The value of the sample whose line starts so; 0 when there is none yet."""
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"http://127.0.0.1:{self.port}/metrics")).text
        return next((float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(start)), 0.0)


@pytest.fixture
def site() -> Iterator[Site]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.server_harness", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    try:
        yield Site(process, int(process.stdout.readline().rpartition(":")[2]))
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


class Watcher:
    """A viewer of all cameras in good order, which notes how old each of entrance's pictures is, in seconds."""

    def __init__(self) -> None:
        self.ages: list[float] = []

    async def watch(self, port: int) -> None:
        async with connect(f"ws://127.0.0.1:{port}/ws", compression=None, max_size=None) as websocket:
            await websocket.send(json.dumps({"type": "subscribe", "frames": "annotated"}))
            async for raw in websocket:
                if isinstance(raw, bytes) and (document := split_picture(raw)[0])["camera"] == "entrance":
                    self.ages.append(time.time() - document["timestamp"])


@contextlib.asynccontextmanager
async def watching(port: int) -> Any:
    watcher = Watcher()
    task = asyncio.create_task(watcher.watch(port))
    try:
        yield watcher
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_twenty_stuck_viewers_cost_no_memory_no_freshness_and_are_cut_off(site: Site, capsys: Any) -> None:
    async def scenario() -> None:
        async with watching(site.port) as watcher, contextlib.AsyncExitStack() as sockets:
            await until(lambda: len(watcher.ages) >= 30, 30)
            memory, descriptors = site.memory(), site.descriptors()
            watcher.ages.clear()
            stuck = [sockets.enter_context(RawViewer(site.port, receive_buffer=4096)) for _ in range(20)]
            begun = time.monotonic()
            for raw in stuck:
                raw.subscribe(frames="annotated")
            highest = 0.0
            while site.descriptors() > descriptors:
                highest = max(highest, site.memory())
                assert time.monotonic() - begun < 12, "stuck viewers are still there"
                await asyncio.sleep(0.1)
            lasted = time.monotonic() - begun
            assert await site.metric('streamer_viewers_evicted_total{reason="stuck"}') == 20
            # 5 s from when nothing more fits, which is soon: the pictures of all cameras are sent
            assert 5 <= lasted <= 6.5
            assert highest - memory < 20  # 1 MB each
            ages = sorted(watcher.ages)
            assert len(ages) > 8 * lasted
            assert ages[len(ages) // 2] < 0.2
            with capsys.disabled():
                print(
                    f"\n20 stuck viewers: +{highest - memory:.1f} MB, cut off after {lasted:.1f} s; another viewer's "
                    f"pictures: median {ages[len(ages) // 2] * 1000:.0f} ms old, oldest {ages[-1] * 1000:.0f} ms"
                )

    asyncio.run(asyncio.wait_for(scenario(), 60))


def test_a_stuck_mjpeg_player_is_cut_off(site: Site) -> None:
    async def scenario() -> None:
        descriptors = site.descriptors()
        with RawViewer(site.port, receive_buffer=4096, request=MJPEG):
            await until(lambda: site.descriptors() <= descriptors, 10)
            assert await site.metric('streamer_viewers_evicted_total{reason="stuck"}') == 1
            assert await site.metric('streamer_viewers{transport="mjpeg"}') == 0

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_a_slow_viewer_is_kept_and_sees_what_is_new(site: Site, capsys: Any) -> None:
    def watch_slowly() -> list[float]:
        """Takes 100 kB a second for 9 s; the ages of the pictures that it got whole, in seconds."""
        ages, received, begun = list[float](), b"", time.monotonic()
        with RawViewer(site.port, receive_buffer=4096) as raw:
            raw.subscribe(frames="clean", cameras=["entrance"], events=False)
            raw.socket.settimeout(0.1)
            while (elapsed := time.monotonic() - begun) < 9:
                if len(received) / 100_000 > elapsed:
                    time.sleep(0.01)  # the pace of the line that is made here
                    continue
                with contextlib.suppress(TimeoutError):
                    part = raw.socket.recv(2000)
                    assert part, "cut off"
                    received += part
                    ages += [time.time() - stamp for stamp in _timestamps(part)]
        return ages

    async def scenario() -> None:
        ages = await asyncio.to_thread(watch_slowly)
        assert await site.metric('streamer_viewers_evicted_total{reason="stuck"}') == 0
        assert await site.metric('streamer_viewer_pictures_replaced_total{camera="entrance"}') > 20
        assert len(ages) >= 3
        with capsys.disabled():
            print(f"\nat 100 kB/s: {len(ages)} pictures in 9 s, the last {ages[-1]:.1f} s old")
        assert ages[-1] < 4

    asyncio.run(asyncio.wait_for(scenario(), 30))


def _timestamps(part: bytes) -> list[float]:
    """Of the headers that lie whole in this piece."""
    found = []
    for piece in part.split(b'"timestamp":')[1:]:
        number, comma, _ = piece.partition(b",")
        if comma and len(number) < 20:
            found.append(float(number))
    return found


def test_a_viewer_that_pings_and_never_reads_fills_no_memory(site: Site) -> None:
    async def scenario() -> None:
        async with watching(site.port) as watcher:
            await until(lambda: len(watcher.ages) >= 30, 30)
            begun, sent, memory = time.monotonic(), 0, site.memory()
            highest = memory
            with RawViewer(site.port, receive_buffer=4096) as raw:
                raw.socket.settimeout(0.2)
                with contextlib.suppress(OSError):  # cut off, or its own buffers full
                    while time.monotonic() - begun < 4:
                        for _ in range(200):
                            raw.send(b"x" * 125, Opcode.PING)
                            sent += 1
                        highest = max(highest, site.memory())
                        await asyncio.sleep(0)
            assert sent > 1000
            assert highest - memory < max(20, sent * 125 / 1e6 / 3), "MB; kept, the answers would be three times that"

    asyncio.run(asyncio.wait_for(scenario(), 45))
