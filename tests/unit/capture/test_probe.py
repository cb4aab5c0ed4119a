"""Asking a source once what it sends."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from streamer.capture.probe import probe
from streamer.errors import SourceError
from tests.media import make_video
from tests.watching import camera


def test_probe_of_a_file_tells_what_it_holds(tmp_path: Path) -> None:
    info = probe(camera(str(make_video(tmp_path / "clip.mp4", seconds=1, size=(640, 360)))), 5)
    assert (info.codec, info.size, info.fps, info.pixel_format) == ("h264", (640, 360), 25.0, "yuv420p")
    assert (info.transport, info.duration, info.frame_count) == ("file", 1.0, 25)
    assert info.first_frame_seconds is not None


def test_probe_raises_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        probe(camera(str(tmp_path / "missing.mp4")), 5)
    with pytest.raises(SourceError, match="not at hand"):
        probe(camera("demo"), 5)


def test_probe_comes_back_in_time_from_a_source_that_hangs(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    began = time.monotonic()
    try:
        with pytest.raises(SourceError, match=r"no picture within 0\.3 s"):
            probe(camera(str(pipe)), 0.3)
        assert time.monotonic() - began < 1
    finally:
        os.close(os.open(pipe, os.O_WRONLY))
