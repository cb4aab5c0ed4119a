"""A net that raises, returns NaN or doesn't return, for one camera's pictures, beside a camera that is well."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from tests.media import make_video
from tests.system.faults.figures import Figure, counter
from tests.system.faults.rtp import access_units, steady
from tests.system.faults.rtsp_script import ScriptedRtsp, plays
from tests.system.program import Program, eventually

__all__ = ["ill_nets"]

_HANG_AFTER = 1.0  # s; shorter than by default, for the test's sake
_ILL_WIDTH = 640


def ill_nets(folder: Path, _times: int) -> list[Figure]:
    """First those that are skipped, then the one that costs the camera."""
    told = folder / "illness"
    figures = []
    with _program(folder, told) as program:
        for illness, fault in (("raise", "a net raises"), ("nan", "a net returns NaN")):
            _tell(told, f"{_ILL_WIDTH} {illness}")
            failed = _dropped(program, "failed")
            eventually("frames are counted", lambda failed=failed: _dropped(program, "failed") >= failed + 10, 10)  # type: ignore[misc]
            figures.append(Figure.at_least(fault, "frames counted", _dropped(program, "failed") - failed, 10, ""))
            _tell(told, "")
            figures.append(Figure.at_most(fault, "results again", _until_analyzed(program, "ill"), 3))
        figures += _hang(program, told)
        begin = time.monotonic()
        program.signal(signal.SIGTERM)
        code = program.wait(15)
        figures.append(Figure.at_most("a net hangs 60 s", "the program stops", time.monotonic() - begin, 6))
        figures.append(Figure.at_most("a net hangs 60 s", "its exit code", code, 0, ""))
    return figures


def _hang(program: Program, told: Path) -> list[Figure]:
    fault = f"a net hangs 60 s (hang_after {_HANG_AFTER:g} s)"
    before = _analyzed(program, "well")
    begin = time.monotonic()
    _tell(told, f"{_ILL_WIDTH} hang")
    gap, last, seen = 0.0, begin, before
    while (state := program.camera("ill")["state"]) != "failed":
        now = time.monotonic()
        assert now - begin < 30, f"the camera is {state}, not failed"
        if (analyzed := _analyzed(program, "well")) > seen:
            seen, last = analyzed, now
        gap = max(gap, now - last)
    given_up = time.monotonic() - begin
    assert program.camera("ill")["reason"], "failed without a reason"
    return [
        Figure.at_most(fault, "workers replaced", counter(program, "streamer_workers_replaced_total"), 5, ""),
        Figure.at_least(fault, "frames counted as hung", _dropped(program, "hung"), 5, ""),
        Figure.at_most(fault, "the camera is marked failed", given_up, 10 * _HANG_AFTER),
        Figure.at_most(fault, "longest gap of the other camera", gap, 2.5 * _HANG_AFTER),
        Figure.at_most(fault, "results of the other camera afterwards", _until_analyzed(program, "well"), 3),
        Figure.at_least(fault, "/readyz says ready, for the other", float(program.is_ready()), 1, ""),
    ]


@contextlib.contextmanager
def _program(folder: Path, told: Path) -> Iterator[Program]:
    _tell(told, "")
    ill = access_units(make_video(folder / "ill.mp4", seconds=4, size=(_ILL_WIDTH, 360)))
    well = access_units(make_video(folder / "well.mp4", seconds=4))
    with (
        ScriptedRtsp(plays(lambda: steady(ill))) as one,
        ScriptedRtsp(plays(lambda: steady(well))) as other,
        Program(
            folder,
            {
                "cameras": [{"id": "ill", "source": one.url}, {"id": "well", "source": other.url}],
                "inference": {"hang_after": _HANG_AFTER, "workers": 2, "look_interval": 0, "adapt": False},
                "store": {"url": "none"},
            },
            environ={"STREAMER_TEST_ILLNESS": str(told)},
            module="tests.system.faults.ill_program",
        ) as program,
    ):
        for camera in ("ill", "well"):
            program.wait_for_state(camera, "live", 15)
            _until_analyzed(program, camera)
        yield program


def _tell(told: Path, illness: str) -> None:
    """At once, so that nobody reads half of it."""
    fresh = told.with_suffix(".new")
    fresh.write_text(illness)
    fresh.replace(told)


def _until_analyzed(program: Program, camera: str) -> float:
    """Seconds until ten more frames were analysed."""
    begin, before = time.monotonic(), _analyzed(program, camera)
    eventually(f"{camera} is analysed", lambda: _analyzed(program, camera) >= before + 10, 15)
    return time.monotonic() - begin


def _analyzed(program: Program, camera: str) -> float:
    return counter(program, "streamer_frames_analyzed_total", f'camera="{camera}"')


def _dropped(program: Program, reason: str) -> float:
    return counter(program, "streamer_frames_dropped_total", 'camera="ill"', f'reason="{reason}"')
