"""What libraries print by themselves: nothing unless asked for, and then through the log. Each in its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from streamer.inference.levi_hassner_net import layers
from tests.media import make_video

BEGIN = """
import sys
from pathlib import Path
from streamer.config import LogConfig
from streamer.logs import set_up_logging
set_up_logging(LogConfig(libraries=sys.argv[1] == "yes"))
path = Path(sys.argv[2])
"""


def damaged_jpeg(folder: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    whole = cv2.imencode(".jpg", noise)[1].tobytes()
    path = folder / "damaged.jpg"
    path.write_bytes(whole[:3000] + bytes(2000) + whole[5000:])
    return path


def damaged_png(folder: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    whole = cv2.imencode(".png", noise)[1].tobytes()
    path = folder / "damaged.png"
    path.write_bytes(whole[:3000] + bytes(2000) + whole[5000:])
    return path


def damaged_h264(folder: Path) -> Path:
    path = make_video(folder / "damaged.mp4")
    content = bytearray(path.read_bytes())
    middle = len(content) // 3
    for i in np.random.default_rng(0).integers(middle // 2, middle, 200):
        content[i] ^= 0xFF
    path.write_bytes(content)
    return path


def broken_caffemodel(folder: Path) -> Path:
    """Right as far as it goes: a net without weights."""
    path = folder / "broken.caffemodel"
    path.write_bytes(bytes(1000))
    return path


DECODE = "import cv2; cv2.imread(str(path))"
PLAY = """
import av
with av.open(str(path)) as container:
    for packet in container.demux(video=0):
        try:
            packet.decode()
        except av.FFmpegError:
            pass
"""
RUN_NET = f"""
import numpy as np
from streamer.errors import ModelError
from streamer.inference.runtime import open_caffe_session
try:
    open_caffe_session(path, {layers(8)!r}).run(np.zeros((1, 3, 227, 227), np.float32))
except ModelError:
    pass
"""
READ_LAYERS = RUN_NET.replace(repr(layers(8)), repr("layer { nonsense"))  # protobuf's own words
CASES = [
    pytest.param(damaged_jpeg, DECODE, id="jpeg"),
    pytest.param(damaged_png, DECODE, id="png"),
    pytest.param(damaged_h264, PLAY, id="h264"),
    pytest.param(broken_caffemodel, RUN_NET, id="caffemodel"),
    pytest.param(broken_caffemodel, READ_LAYERS, id="prototxt"),
]


def said(program: str, path: Path, *, libraries: bool, end: str = "") -> str:
    """What a program writes to standard error after it has set up its log."""
    # the log's thread is given its time: it reads until the pipe has nobody left who could write
    command = [sys.executable, "-c", BEGIN + program + end, "yes" if libraries else "no", str(path)]
    # what an earlier test set in this process is not asked for here
    environ = {name: value for name, value in os.environ.items() if name != "OPENCV_LOG_LEVEL"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environ).stderr


HEAR_OUT = """
import os, threading
os.dup2(1, 2)
for thread in threading.enumerate():
    if thread.name == "libraries-log":
        thread.join(10)
"""


@pytest.mark.parametrize(("make", "program"), CASES)
def test_libraries_are_silent_by_default(make: Callable[[Path], Path], program: str, tmp_path: Path) -> None:
    assert not said(program, make(tmp_path), libraries=False)


@pytest.mark.parametrize(("make", "program"), CASES)
def test_what_libraries_print_is_logged_if_asked_for(
    make: Callable[[Path], Path], program: str, tmp_path: Path
) -> None:
    lines = said(program, make(tmp_path), libraries=True, end=HEAR_OUT).splitlines()
    assert lines
    assert all("WARNING streamer.logs: library: " in line for line in lines)


def test_what_libraries_print_is_redacted(tmp_path: Path) -> None:
    program = """
import os
from streamer.redaction import register_secret
register_secret("hunter2-marked")
os.write(2, b"[rtsp] Opening rtsp://viewer:hunter2-marked@cam/live\\n")
"""
    lines = said(program, tmp_path, libraries=True, end=HEAR_OUT)
    assert "[rtsp] Opening rtsp://" in lines
    assert "hunter2" not in lines


@pytest.mark.parametrize("libraries", [False, True])
def test_errors_of_the_program_itself_are_still_written(tmp_path: Path, *, libraries: bool) -> None:
    program = """
import logging, traceback
logging.getLogger("streamer").error("something is wrong")
print("and so is this", file=sys.stderr)
try:
    raise RuntimeError("and this")
except RuntimeError:
    traceback.print_exc()
"""
    lines = said(program, tmp_path, libraries=libraries)
    for part in ("something is wrong", "and so is this", "RuntimeError: and this"):
        assert part in lines


def test_what_is_said_of_each_stranger_s_request_is_said_once_a_minute(tmp_path: Path) -> None:
    program = """
import logging
log = logging.getLogger("uvicorn.error")
for _ in range(1000):
    log.warning("Invalid HTTP request received.")
    log.warning("Unsupported upgrade request.")
log.error("something is wrong")
[strangers] = log.filters
strangers._rubbish._next = 0  # a minute later
log.warning("Unsupported upgrade request.")
"""
    first, ours, later = said(program, tmp_path, libraries=False).splitlines()
    assert "Invalid HTTP request received." in first
    assert "something is wrong" in ours
    assert "Unsupported upgrade request. (2000 such requests since the last was told of)" in later


def test_a_crash_leaves_its_trace(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BEGIN + "import os; os.abort()", "no", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Fatal Python error: Aborted" in done.stderr
