"""Which runtime is taken, and that it is measured once."""

from __future__ import annotations

import json
import logging
import stat
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.inference.fastest import Contender, open_fastest, usual_shape
from streamer.inference.session import Outputs


class Timed:
    """A net of which a run takes so many seconds."""

    precision = "float32"

    def __init__(self, runtime: str, seconds: float) -> None:
        self.runtime = runtime
        self.runs: list[tuple[int, ...]] = []
        self._seconds = seconds

    def usual_shape(self) -> tuple[int, ...]:
        return (1, 3, 8, 8)

    def run(self, blob: NDArray[np.float32]) -> Outputs:
        self.runs.append(blob.shape)
        until = time.perf_counter() + self._seconds
        while time.perf_counter() < until:
            pass
        return {}


class Bench:
    """Two runtimes, what was opened, and where notes are kept."""

    def __init__(self, folder: Path) -> None:
        self.net = folder / "net.onnx"
        self.net.write_bytes(b"weights")
        self.notes = folder / "cache" / "notes.json"
        self.opened: list[Timed] = []
        self.seconds = {"one": 0.002, "other": 0.0001}

    def opener(self, name: str) -> Callable[[], Contender]:
        def opened() -> Timed:
            if name not in self.seconds:
                raise ModelError(f"{name} can't open it")
            self.opened.append(Timed(name, self.seconds[name]))
            return self.opened[-1]

        return opened

    def open(self, asked: str = "") -> str:
        """The runtime that is taken."""
        self.opened.clear()
        openers = {name: self.opener(name) for name in ("one", "other")}
        return open_fastest(self.net, openers, asked=asked, notes=self.notes).runtime


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_faster_one_is_taken_and_told(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert bench.open() == "other"
    assert "net.onnx runs on other: one " in caplog.text
    assert {shape for session in bench.opened for shape in session.runs} == {(1, 3, 8, 8)}
    bench.net.write_bytes(b"more weights")
    bench.seconds = {"one": 0.0001, "other": 0.002}
    assert bench.open() == "one"


def test_it_is_measured_once(bench: Bench) -> None:
    bench.open()
    assert bench.open() == "other"
    assert [session.runtime for session in bench.opened] == ["other"]
    assert not bench.opened[0].runs
    assert stat.S_IMODE(bench.notes.stat().st_mode) == 0o600


def test_another_precision_is_measured_on_its_own(bench: Bench) -> None:
    bench.open("bfloat16")
    bench.seconds = {"one": 0.0001, "other": 0.002}
    assert bench.open("float32") == "one"
    assert bench.open("bfloat16") == "other"


def test_what_was_remembered_but_fails_now_is_measured_again(bench: Bench) -> None:
    bench.open()
    del bench.seconds["other"]
    assert bench.open() == "one"
    bench.seconds["other"] = 0.0001
    assert bench.open() == "other"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"net": "one"}', json.dumps({"a": 1})])
def test_notes_that_make_no_sense_are_written_anew(bench: Bench, text: str) -> None:
    bench.notes.parent.mkdir()
    bench.notes.write_text(text)
    assert bench.open() == "other"
    assert bench.open() == "other"
    assert len(bench.opened) == 1


def test_where_nothing_can_be_remembered_each_start_measures(bench: Bench) -> None:
    bench.notes.parent.write_text("a file where the folder should be")
    assert bench.open() == "other"
    assert bench.open() == "other"
    assert len(bench.opened) == 2


def test_if_all_fail_the_first_tells_why(bench: Bench) -> None:
    bench.seconds.clear()
    with pytest.raises(ModelError, match="one can't open it"):
        bench.open()


def test_a_net_that_is_not_there_is_named(bench: Bench) -> None:
    bench.net.unlink()
    with pytest.raises(ModelError, match=r"net\.onnx: can't be read: No such file"):
        bench.open()


def test_a_net_that_takes_any_size_is_measured_on_a_look_for_faces() -> None:
    assert usual_shape([None, 3, None, None]) == (1, 3, 384, 640)
    assert usual_shape([4, 1, 64, 48]) == (1, 1, 64, 48)
