"""Cameras that refuse, keep silent, redirect, send no video, or video that jumps, all at once before one program."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import threading
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

from streamer.client import ResultMessage, connect
from tests.media import make_video
from tests.system.faults.figures import Figure
from tests.system.faults.rtp import CLOCK, Moment, access_units, steady
from tests.system.faults.rtsp_script import (
    ScriptedRtsp,
    audio_only,
    plays,
    redirects,
    refuses,
    says_nothing,
)
from tests.system.program import Program, eventually

__all__ = ["ill_streams", "refusing_servers"]

_FPS = 25
_QUICK = {"open_timeout": 2, "stall_timeout": 2, "reconnect_min": 0.2, "reconnect_max": 1}
_WATCHED_SECONDS = 8.0


class _Web:
    """Counts who asks for anything over HTTP."""

    def __init__(self) -> None:
        self.asked = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.send_error(404)

            def log_message(self, *_: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/video.mjpg"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


def _config(servers: dict[str, ScriptedRtsp]) -> dict[str, Any]:
    return {
        "cameras": [{"id": name, "source": server.url, **_QUICK} for name, server in servers.items()],
        "store": {"url": "none"},
    }


def refusing_servers(folder: Path, _times: int) -> list[Figure]:
    """Each is told with its reason within 10 s, asked again without haste, and costs the camera beside it nothing."""
    units = access_units(make_video(folder / "steady.mp4", seconds=4))
    web = _Web()
    scripts = {
        "401": (refuses("401 Unauthorized"), "password"),
        "404": (refuses("404 Stream Not Found"), "404"),
        "454": (refuses("454 Session Not Found", at="SETUP"), "4xx"),
        "silent": (says_nothing(), "answer"),
        "to-a-file": (redirects("file:///etc/hostname"), "not followed"),
        "to-http": (redirects(web.url), "not followed"),
        "audio": (audio_only(), "no video"),
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(web.running())
        servers = {name: stack.enter_context(ScriptedRtsp(script)) for name, (script, _) in scripts.items()}
        loop = servers["in-a-loop"] = stack.enter_context(ScriptedRtsp(says_nothing()))
        loop.script = redirects(loop.url)
        servers["well"] = stack.enter_context(ScriptedRtsp(plays(lambda: steady(units))))
        program = stack.enter_context(Program(folder, _config(servers)))
        begin = time.monotonic()
        program.wait_for_state("well", "live", 10)
        figures = []
        for name, (_, reason) in [*scripts.items(), ("in-a-loop", (None, "in a loop"))]:
            status = eventually(f"{name} is told", lambda name=name: _trouble(program, name), 10)  # type: ignore[misc]
            told = reason in status["reason"] and bool(status["reason"])
            figures.append(
                Figure.at_most(f"server: {name}", f"told: {_short(status['reason'])}", time.monotonic() - begin, 10)
                if told
                else Figure.exactly(f"server: {name}", "told", 0, "1", holds=False)
            )
        before = {name: sum(server.asked.values()) for name, server in servers.items()}
        frames = program.camera("well")["frames"]
        at = time.monotonic()
        eventually("some time", lambda: time.monotonic() - at > 5, 6)
        seconds = time.monotonic() - at
        rates = {name: (sum(server.asked.values()) - before[name]) / seconds for name, server in servers.items()}
        del rates["in-a-loop"]
        looping = sum(loop.asked.values()) / (time.monotonic() - begin)  # from its first connection on
        lost = 1 - (program.camera("well")["frames"] - frames) / (seconds * _FPS)
        figures += [
            Figure.at_most("all but that", "most requests a second to one of them", max(rates.values()), 20, ""),
            Figure.at_most("server: in-a-loop", "requests a second", looping, 20, ""),
            Figure.at_most("all of these", "frames lost by the camera beside them", 100 * max(0.0, lost), 5, "%"),
            Figure.at_most("server: to-http", "what reached the web server", web.asked, 0, ""),
            Figure.at_least(
                "all of these", "/readyz says ready, for the camera that is", float(program.is_ready()), 1, ""
            ),
        ]
    return figures


def _short(reason: str) -> str:
    return reason.partition(": ")[2][:60] or reason[:60]


def _trouble(program: Program, name: str) -> dict[str, Any] | None:
    status = program.camera(name)
    return status if status["state"] in {"reconnecting", "failed"} else None


def ill_streams(folder: Path, _times: int) -> list[Figure]:
    """Video that stops, never comes, jumps in time or changes its size."""
    small = access_units(make_video(folder / "small.mp4", seconds=2))
    large = access_units(make_video(folder / "large.mp4", seconds=2, size=(640, 360)))
    scripts = {
        "well": plays(lambda: steady(small)),
        "stops": plays(lambda: islice(steady(small), 50)),
        "no-frames": plays(tuple),
        "jumps": plays(lambda: _jumping(small)),
        "sizes": plays(lambda: _one_after_the_other(small, large)),
    }
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(ScriptedRtsp(script)) for name, script in scripts.items()}
        program = stack.enter_context(Program(folder, _config(servers)))
        for name in ("well", "jumps", "sizes"):
            program.wait_for_state(name, "live", 10)
        at = time.monotonic()
        eventually("no frames are told", lambda: _trouble(program, "no-frames"), 10)
        none = time.monotonic() - at
        eventually("the stop is told", lambda: program.camera("stops")["state"] in {"stalled", "reconnecting"}, 10)
        stopped = time.monotonic() - at
        gaps, sizes = asyncio.run(_longest_gaps(program.url))
        visits = sum(
            float(line.rpartition(" ")[2])
            for line in program.text("/metrics").splitlines()
            if line.startswith("streamer_visits_total")
        )
        reconnects = {name: program.camera(name)["reconnects"] for name in ("well", "jumps", "sizes")}
    assert len(sizes) == 2, sizes
    return [
        Figure.at_most("0 frames a second", "told", none, 10),
        Figure.at_most("video stops, the connection stays", "told", stopped, 10),
        Figure.at_most("timestamps jump ± 1 h", "longest gap", gaps["jumps"], 1),
        Figure.at_most("timestamps jump ± 1 h", "reconnects", reconnects["jumps"], 0, ""),
        Figure.at_most("timestamps jump ± 1 h", "phantom visits", visits, 0, ""),
        Figure.at_most("resolution changes every 2 s", "longest gap", gaps["sizes"], 1),
        Figure.at_most("resolution changes every 2 s", "reconnects", reconnects["sizes"], 0, ""),
        Figure.at_most("all of these", "longest gap of the camera beside them", gaps["well"], 1),
    ]


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


async def _longest_gaps(url: str) -> tuple[dict[str, float], set[tuple[int, int]]]:
    """Seconds between two results, by camera, and the sizes seen of the one that changes it."""
    last: dict[str, float] = {}
    gaps: dict[str, float] = {}
    sizes: set[tuple[int, int]] = set()
    begin = time.monotonic()
    async with connect(url, cameras=["well", "jumps", "sizes"], frames="none") as stream:
        async for message in stream:
            now = time.monotonic()
            if isinstance(message, ResultMessage):
                camera = message.camera
                gaps[camera] = max(gaps.get(camera, 0.0), now - last.get(camera, now))
                last[camera] = now
                if camera == "sizes":
                    sizes.add((message.width, message.height))
            if now - begin > _WATCHED_SECONDS:
                break
    return gaps, sizes
