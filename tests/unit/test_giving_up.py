from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

_BEGIN = """
import signal, sys
from pathlib import Path
from streamer.giving_up import GivenUp, give_up, undoing

for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, give_up)
file = Path(sys.argv[1])
file.touch()
"""

_LOADING = """
try:  # as a library does that takes all for its own failure
    print("ready", flush=True)
    signal.pause()
except BaseException:
    raise ImportError("initialization failed") from None
"""

_FETCHING = """
try:
    with undoing():
        try:
            print("ready", flush=True)
            signal.pause()
        finally:
            file.unlink()
except GivenUp:
    pass
"""

_SWALLOWING = """
with undoing():
    while True:
        try:
            print("ready", flush=True)
            signal.pause()
        except BaseException:
            pass
"""


def ended(program: str, file: Path, *numbers: signal.Signals) -> tuple[int, str]:
    """Exit code and what it said, after these signals; the second one when it has answered the first."""
    command = [sys.executable, "-c", _BEGIN + program, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        said = ""
        for number in numbers:
            process.send_signal(number)
            said += process.stderr.readline()
        said += process.stderr.read()
        return process.wait(20), said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("program", [_LOADING, _SWALLOWING, _FETCHING], ids=["loading", "swallowing", "fetching"])
def test_a_signal_ends_a_start_whatever_is_going_on(tmp_path: Path, program: str, number: signal.Signals) -> None:
    assert ended(program, tmp_path / "half-a-file", number) == (0, "stopped before it served\n")


def test_what_was_begun_is_undone(tmp_path: Path) -> None:
    file = tmp_path / "half-a-file"
    ended(_FETCHING, file, signal.SIGTERM)
    assert not file.exists()


def test_a_second_signal_waits_for_nothing(tmp_path: Path) -> None:
    code, _ = ended(_SWALLOWING, tmp_path / "half-a-file", signal.SIGINT, signal.SIGINT)
    assert code == 130
