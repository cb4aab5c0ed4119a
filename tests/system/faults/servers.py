"""Cameras that refuse, keep silent, redirect or have no video, all at once before one program."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.media import make_video
from tests.system.faults.figures import Figure, counter, trouble_told
from tests.system.faults.rtp import access_units, steady
from tests.system.faults.rtsp_script import (
    ScriptedRtsp,
    audio_only,
    plays,
    redirects,
    refuses,
    says_nothing,
)
from tests.system.program import Program, eventually

__all__ = ["refusing_servers"]

_FPS = 25
_SOON_AGAIN = {"reconnect_min": 0.2, "reconnect_max": 1}  # so that a pause that doesn't grow is seen within seconds


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
        "cameras": [{"id": name, "source": server.url, **_SOON_AGAIN} for name, server in servers.items()],
        "store": {"url": "none"},
    }


def refusing_servers(folder: Path, _times: int) -> list[Figure]:
    """Each is told with its reason within 10 s, asked again without haste, and costs the camera beside it nothing.

    With the time-outs as they are by default.
    """
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
        program.wait_for_state("well", "live", 10)
        reasons = {name: reason for name, (_, reason) in scripts.items()} | {"in-a-loop": "in a loop"}
        figures = [
            trouble_told(program, name, f"server: {name}", reason, lambda name=name: servers[name].began_at)  # type: ignore[misc]
            for name, reason in reasons.items()
        ]
        figures += _without_haste(program, list(reasons), loop)
        figures += [
            Figure.at_most("server: to-http", "what reached the web server", web.asked, 0, ""),
            Figure.at_least(
                "all of these", "/readyz says ready, for the camera that is", float(program.is_ready()), 1, ""
            ),
        ]
    return figures


def _without_haste(program: Program, names: Sequence[str], loop: ScriptedRtsp) -> list[Figure]:
    """What trying again costs, once pauses are as long as they get. loop: redirects to itself."""
    process = psutil.Process(program.pid)
    attempts = {name: _attempts(program, name) for name in names}
    asked, frames = sum(loop.asked.values()), program.camera("well")["frames"]
    begin, used = time.monotonic(), sum(process.cpu_times()[:2])
    eventually("some time", lambda: time.monotonic() - begin > 5, 6)
    seconds = time.monotonic() - begin
    busy = 100 * (sum(process.cpu_times()[:2]) - used) / seconds
    rates = [(_attempts(program, name) - before) / seconds for name, before in attempts.items()]
    looping = (sum(loop.asked.values()) - asked) / seconds
    lost = 1 - (program.camera("well")["frames"] - frames) / (seconds * _FPS)
    return [
        Figure.at_most("all of these", "most attempts a second to reach one of them", max(rates), 2, ""),
        Figure.at_most("server: in-a-loop", "requests a second", looping, 5, ""),
        Figure.at_most("all of these", "processor time, with the camera beside them", busy, 60, "% of a core"),
        Figure.at_most("all of these", "frames lost by the camera beside them", 100 * max(0.0, lost), 5, "%"),
    ]


def _attempts(program: Program, camera: str) -> float:
    return counter(program, "streamer_camera_reconnects_total", f'camera="{camera}"')
