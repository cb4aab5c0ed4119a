"""Asked to stop while what it works with doesn't answer: it ends all the same, in its time and with 0."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.media import make_video
from tests.postgres import Postgres, postgres_is_installed
from tests.receiver import Answer, Receiver
from tests.requirements import require
from tests.small_disk import fill, small_disk
from tests.system.faults.figures import Figure, counter
from tests.system.faults.rtp import access_units, steady
from tests.system.faults.rtsp_script import ScriptedRtsp, plays
from tests.system.mosquitto import Mosquitto
from tests.system.program import Program, eventually
from tests.system.raw_viewer import RawViewer

__all__ = ["stops_in_every_state"]

_STOP = 5.0  # s
_STUCK = 20  # viewers
_AT_LENGTH = 20
_TOLD = 6.0  # s; something is to be written every 2 s, and that it hangs is known after 2.5
_ANSWER = 6.5  # s, to a question for figures: 5 s for the database, and what is waited for it besides
_FIGURES = "/api/v1/footfall?bucket=total&from=2020-01-01&to=2029-01-01"

_Trouble = Callable[[Program], contextlib.AbstractContextManager[object]]
"""Brings it about, and returns when the program is in it."""


def stops_in_every_state(folder: Path, times: int) -> list[Figure]:
    """All troubles at once and a frozen PostgreSQL; in the long report each trouble by itself, too."""
    units = access_units(make_video(folder / "clip.mp4", seconds=4, size=(1280, 720)))
    with ScriptedRtsp(plays(lambda: steady(units))) as camera:
        cameras = [{"id": "cam", "source": camera.url}]
        return [*_in_trouble(folder, cameras, alone=times >= _AT_LENGTH), *_beside_frozen_postgres(folder, cameras)]


def _in_trouble(folder: Path, cameras: list[dict[str, Any]], *, alone: bool) -> list[Figure]:
    answer, earlier = [Answer()], 0
    with small_disk(folder) as disk, Mosquitto(folder) as broker, Receiver(lambda _: answer[0]) as receiver:
        file = disk / "figures.sqlite3"
        config = {
            "cameras": cameras,
            "store": {"url": f"sqlite:///{file}"},
            "mqtt": {"host": "127.0.0.1", "port": broker.port},
            "webhooks": {"targets": [{"name": "shop", "url": receiver.url}]},
        }

        @contextlib.contextmanager
        def full(program: Program) -> Iterator[None]:
            ballast = fill(disk)
            try:
                eventually("a full disk is told", lambda: "store" in program.degraded, 30)
                yield
            finally:
                ballast.unlink()

        @contextlib.contextmanager
        def gone(program: Program) -> Iterator[None]:
            broker.kill()
            try:
                eventually("a broker that is gone is told", lambda: "mqtt" in program.degraded, 30)
                yield
            finally:
                broker.start()

        @contextlib.contextmanager
        def stalls(_: Program) -> Iterator[None]:
            """From before the program came: it has a delivery under way."""
            eventually("a delivery is under way", lambda: len(receiver.requests) > earlier, 20)
            yield

        troubles: dict[str, _Trouble] = {
            "database locked": lambda program: _locked(file, program),
            "disk full": full,
            "MQTT broker gone": gone,
            "webhook target stalls": stalls,
            f"{_STUCK} stuck viewers": _stuck,
        }
        cases = [[name] for name in troubles] if alone else []
        together = [name for name in troubles if name != "disk full"]  # a locked one is not written to anyway
        figures = []
        for names in [*cases, together]:
            answer[0] = Answer(act="stall") if "webhook target stalls" in names else Answer()
            earlier = len(receiver.requests)
            with Program(folder, config) as program, contextlib.ExitStack() as stack:
                program.wait_for_state("cam", "live", 15)
                for name in names:
                    stack.enter_context(troubles[name](program))
                figures += _stopped(", ".join(names), program)
    return figures


@contextlib.contextmanager
def _locked(file: Path, program: Program) -> Iterator[None]:
    eventually("the database is open", lambda: file.exists() and "store" not in program.degraded, 20)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None, timeout=10)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


@contextlib.contextmanager
def _stuck(program: Program) -> Iterator[None]:
    port = urlsplit(program.url).port or 0
    with contextlib.ExitStack() as stack:
        for _ in range(_STUCK):
            viewer = stack.enter_context(RawViewer(port, receive_buffer=4096))
            viewer.subscribe(cameras="*", frames="annotated")
        eventually("pictures wait for them", lambda: _replaced(program) >= _STUCK, 30)
        yield


def _beside_frozen_postgres(folder: Path, cameras: list[dict[str, Any]]) -> list[Figure]:
    """Its connections stay, and nothing comes over them; a question to it is under way as the program is to stop."""
    fault = "PostgreSQL frozen (SIGSTOP), a question under way"
    require(postgres_is_installed(), "PostgreSQL (Debian: postgresql)")
    with Postgres() as server:
        config = {"cameras": cameras, "store": {"url": server.new_database()}}
        with Program(folder, config) as program:
            eventually("figures can be had", lambda: _asked(program) == 200, 30)
            with _frozen(server):
                begin = time.monotonic()
                eventually("a frozen database is told", lambda: "store" in program.degraded, 30)
                told, begin = time.monotonic() - begin, time.monotonic()
                status = _asked(program)
                answered = time.monotonic() - begin
            eventually("figures can be had again", lambda: _asked(program) == 200, 30)
            with _frozen(server):
                asker = threading.Thread(target=_asked, args=(program,), name="asker")
                asker.start()
                asker.join(1)
                assert asker.is_alive(), "a frozen database has answered"
                figures = _stopped(fault, program)
                asker.join(30)
    return [
        Figure.at_most(fault, "told as degraded", told, _TOLD),
        Figure.at_most(fault, "the question is answered", answered, _ANSWER),
        Figure.exactly(fault, "with status", status, "503", holds=status == 503),
        *figures,
    ]


@contextlib.contextmanager
def _frozen(server: Postgres) -> Iterator[None]:
    server.freeze()
    try:
        yield
    finally:
        server.thaw()


def _stopped(fault: str, program: Program) -> list[Figure]:
    begin = time.monotonic()
    program.signal(signal.SIGTERM)
    code = program.wait(30)
    seconds = time.monotonic() - begin
    tracebacks = sum("Traceback" in line for line in program.log)
    return [
        Figure.at_most(fault, "the program stops", seconds, _STOP),
        Figure.at_most(fault, "its exit code", code, 0, ""),
        Figure.at_most(fault, "tracebacks in its log", tracebacks, 0, ""),
    ]


def _replaced(program: Program) -> float:
    return counter(program, "streamer_viewer_pictures_replaced_total")


def _asked(program: Program) -> int:
    """The status; 0: cut off without one."""
    try:
        with urllib.request.urlopen(program.url + _FIGURES, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0
