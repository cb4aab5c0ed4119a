"""Nets that raise, return NaN, don't return or return too late, for one camera's pictures or for all of them."""

from __future__ import annotations

import contextlib
import json
import signal
import time
import urllib.error
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from streamer.capture.demo import demo_scene
from tests.media import make_video
from tests.system.faults.figures import Figure, counter
from tests.system.faults.results import Results
from tests.system.faults.rtp import access_units, steady
from tests.system.faults.rtsp_script import ScriptedRtsp, plays
from tests.system.program import Program, eventually
from tests.weights import model_store

__all__ = ["ill_nets"]

_HANG_AFTER = 1.0  # s; shorter than by default, for the test's sake
_LEAST = 10  # frames that fail before it counts
_TOLD_IN, _BACK_IN = 5.0, 3.0  # s
# The cameras, and how wide their pictures are, by which the ill program tells them apart; only one shows faces.
_BLANK, _FACES, _WELL = "blank", "faces", "well"
_WIDTHS = {_BLANK: 640, _FACES: 1280, _WELL: 320}


def ill_nets(folder: Path, _times: int) -> list[Figure]:
    """First what is skipped, then what comes back late, then what costs a camera, and at last all of them."""
    told = folder / "illness"
    figures = []
    with _program(folder, told) as program:
        with Results(program) as results:
            for illness, fault in (("raise", "a net raises"), ("nan", "a net returns NaN")):
                figures += _finds_nothing(program, told, illness, fault)
                figures += _reads_nothing(program, told, illness, f"{fault}: of age and gender")
            figures += _everywhere(program, told)
            figures += _finds_late(program, told, results)
            figures += _reads_late(program, told, results)
            for camera, net in ((_FACES, "attributes"), (_BLANK, "detector")):
                figures += _hangs(program, told, camera, net)
        figures += _hangs_everywhere(program, told)
    return figures


def _finds_nothing(program: Program, told: Path, illness: str, fault: str) -> list[Figure]:
    part, failed = f"camera {_BLANK}", _dropped(program, "failed")
    _tell(told, f"{_WIDTHS[_BLANK]} detector {illness}")
    in_time = _until("it is told", lambda: part in _ready(program)[1]["degraded"])
    ready, document = _ready(program)
    eventually("frames are counted", lambda: _dropped(program, "failed") >= failed + _LEAST)
    counted = _dropped(program, "failed") - failed
    _tell(told, "")
    return [
        Figure.at_least(fault, "frames counted", counted, _LEAST, ""),
        Figure.at_most(fault, "told as degraded", in_time, _TOLD_IN),
        Figure.at_least(fault, "/readyz says ready, for the others", float(ready), 1, ""),
        Figure.at_most(fault, "and names the camera as one of them", float(_BLANK in document["live"]), 0, ""),
        Figure.at_most(fault, "results again", _until_analyzed(program, _BLANK), _BACK_IN),
        Figure.at_most(fault, "degraded no more", _until("all well", lambda: not _ready(program)[1]["degraded"]), 3),
    ]


def _reads_nothing(program: Program, told: Path, illness: str, fault: str) -> list[Figure]:
    """Frames do without what would be read in them; the camera's video doesn't care."""
    part, failed = f"faces of {_FACES}", _unread(program)
    _tell(told, f"{_WIDTHS[_FACES]} attributes {illness}")
    in_time = _until("it is told", lambda: part in _ready(program)[1]["degraded"])
    eventually("frames without readings are counted", lambda: _unread(program) >= failed + _LEAST, 20)
    going_on = _until_analyzed(program, _FACES)
    counted, ready = _unread(program) - failed, program.is_ready()
    _tell(told, "")
    read = _read(program)
    return [
        Figure.at_least(fault, "frames without readings counted", counted, _LEAST, ""),
        Figure.at_most(fault, "told as degraded", in_time, _TOLD_IN),
        Figure.at_most(fault, "ten results of the camera meanwhile", going_on, _BACK_IN),
        Figure.at_least(fault, "/readyz says ready", float(ready), 1, ""),
        Figure.at_most(fault, "faces read again", _until("a reading", lambda: _read(program) > read), _BACK_IN),
        Figure.at_most(fault, "degraded no more", _until("all well", lambda: not _ready(program)[1]["degraded"]), 3),
    ]


def _everywhere(program: Program, told: Path) -> list[Figure]:
    fault = "a net raises at all cameras"
    _tell(told, "* detector raise")
    not_ready = _until("it isn't ready", lambda: not program.is_ready())
    named = _ready(program)[1]["degraded"]
    _tell(told, "")
    return [
        Figure.at_most(fault, "/readyz says not ready", not_ready, _TOLD_IN),
        Figure.at_least(fault, "cameras that its 503 names as degraded", len(named), len(_WIDTHS), ""),
        Figure.at_most(fault, "ready again", _until("it is ready", program.is_ready), _BACK_IN),
    ]


def _finds_late(program: Program, told: Path, results: Results) -> list[Figure]:
    """What comes back late finds a face in pictures where there is none, so that one sees whether it is listened to."""
    fault = f"a net comes back late (hang_after {_HANG_AFTER:g} s)"
    hung, failed = _dropped(program, "hung"), _dropped(program, "failed")
    _late(program, told, _BLANK, "detector")
    mine = results.of(_BLANK)
    numbers = [result.seq for result in mine]
    return [
        _once(fault, "frames counted as hung", _dropped(program, "hung") - hung),
        Figure.at_most(fault, "frames counted as failed", _dropped(program, "failed") - failed, 0, ""),
        Figure.at_most(fault, "results out of order", sum(b <= a for a, b in pairwise(numbers)), 0, ""),
        Figure.at_most(fault, "faces that only it saw", sum(len(result.objects) for result in mine), 0, ""),
    ]


def _reads_late(program: Program, told: Path, results: Results) -> list[Figure]:
    """What comes back late has read ages that nobody has."""
    fault = f"a net of age and gender comes back late (hang_after {_HANG_AFTER:g} s)"
    failed = _unread(program)
    _late(program, told, _FACES, "attributes")
    ages = [face["raw"]["age"] for result in results.of(_FACES) for face in result.objects if face["raw"]]
    assert ages, "no face was read"
    return [
        _once(fault, "frames without readings", _unread(program) - failed),
        Figure.at_most(fault, "ages that only it read", sum(age > 110 for age in ages), 0, ""),
    ]


def _once(fault: str, what: str, counted: float) -> Figure:
    return Figure.exactly(fault, what, counted, "1", holds=counted == 1)


def _late(program: Program, told: Path, camera: str, net: str) -> None:
    """Returns when it has come back, and has had time to be listened to."""
    _tell(told, f"{_WIDTHS[camera]} {net} late")
    eventually("it comes back", lambda: f"the {net} comes back late\n" in program.log, 20)
    _tell(told, "")
    _until_analyzed(program, camera)


def _hangs(program: Program, told: Path, camera: str, net: str) -> list[Figure]:
    """Once more than is borne in a minute; it was late there once."""
    fault = f"a net hangs 60 s: {net} (hang_after {_HANG_AFTER:g} s)"
    replaced = counter(program, "streamer_workers_replaced_total")
    _tell(told, f"{_WIDTHS[camera]} {net} hang")
    seen = _analyzed(program, _WELL)
    begin = last = time.monotonic()
    gap = 0.0
    while (state := program.camera(camera)["state"]) != "failed":
        now = time.monotonic()
        assert now - begin < 60, f"the camera is {state}, not failed"
        if (analyzed := _analyzed(program, _WELL)) > seen:
            seen, last = analyzed, now
        gap = max(gap, now - last)
    given_up = time.monotonic() - begin
    assert program.camera(camera)["reason"], "failed without a reason"
    replaced = counter(program, "streamer_workers_replaced_total") - replaced
    return [
        Figure.at_most(fault, "workers replaced", replaced, 5, ""),
        Figure.at_most(fault, "the camera is marked failed", given_up, 10 * _HANG_AFTER),
        Figure.at_most(fault, "longest gap of another camera", gap, 2.5 * _HANG_AFTER),
        Figure.at_most(fault, "results of another camera afterwards", _until_analyzed(program, _WELL), _BACK_IN),
        Figure.at_least(fault, "/readyz says ready, for another", float(program.is_ready()), 1, ""),
    ]


def _hangs_everywhere(program: Program, told: Path) -> list[Figure]:
    """The last camera, too; the program ends all the same."""
    fault = "a net hangs 60 s at all cameras"
    _tell(told, "* detector hang")
    not_ready = _until("it isn't ready", lambda: not program.is_ready())
    begin = time.monotonic()
    program.signal(signal.SIGTERM)
    code = program.wait(30)
    return [
        Figure.at_most(fault, "/readyz says not ready", not_ready, _TOLD_IN),
        Figure.at_most(fault, "the program stops", time.monotonic() - begin, 6),
        Figure.at_most(fault, "its exit code", code, 0, ""),
    ]


@contextlib.contextmanager
def _program(folder: Path, told: Path) -> Iterator[Program]:
    _tell(told, "")
    clips = {
        _BLANK: make_video(folder / "blank.mp4", seconds=4, size=(_WIDTHS[_BLANK], 360)),
        _FACES: demo_scene(model_store()),
        _WELL: make_video(folder / "well.mp4", seconds=4, size=(_WIDTHS[_WELL], 240)),
    }
    with contextlib.ExitStack() as stack:
        sources = {}
        for camera, clip in clips.items():
            units = access_units(clip)
            server = stack.enter_context(ScriptedRtsp(plays(lambda units=units: steady(units))))  # type: ignore[misc]
            sources[camera] = server.url
        config = {
            "cameras": [{"id": camera, "source": source} for camera, source in sources.items()],
            "inference": {"hang_after": _HANG_AFTER, "workers": 2, "look_interval": 0, "adapt": False},
            "store": {"url": "none"},
        }
        program = stack.enter_context(
            Program(
                folder,
                config,
                environ={"STREAMER_TEST_ILLNESS": str(told)},
                module="tests.system.faults.ill_program",
            )
        )
        for camera in clips:
            program.wait_for_state(camera, "live", 15)
            _until_analyzed(program, camera)
        yield program


def _tell(told: Path, illness: str) -> None:
    """At once, so that nobody reads half of it."""
    fresh = told.with_suffix(".new")
    fresh.write_text(illness)
    fresh.replace(told)


def _until(what: str, look: Callable[[], bool]) -> float:
    """Seconds that this took."""
    begin = time.monotonic()
    eventually(what, look, 30)
    return time.monotonic() - begin


def _until_analyzed(program: Program, camera: str) -> float:
    """Seconds until ten more frames were analysed."""
    before = _analyzed(program, camera)
    return _until(f"{camera} is analysed", lambda: _analyzed(program, camera) >= before + 10)


def _ready(program: Program) -> tuple[bool, dict[str, Any]]:
    """What `/readyz` says, and its answer."""
    try:
        return True, program.get("/readyz")
    except urllib.error.HTTPError as error:
        with error:
            return False, json.load(error)


def _analyzed(program: Program, camera: str) -> float:
    return counter(program, "streamer_frames_analyzed_total", f'camera="{camera}"')


def _dropped(program: Program, reason: str) -> float:
    return counter(program, "streamer_frames_dropped_total", f'camera="{_BLANK}"', f'reason="{reason}"')


def _unread(program: Program) -> float:
    return counter(program, "streamer_face_reading_failures_total", f'camera="{_FACES}"')


def _read(program: Program) -> float:
    return counter(program, "streamer_face_readings_total", f'camera="{_FACES}"')
