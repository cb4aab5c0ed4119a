"""What holds for every source, whatever stands behind it."""

from __future__ import annotations

import contextlib
import itertools
import math
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamer.capture.source import Source, open_source
from streamer.config import CameraConfig
from tests.media import frame_number, make_video
from tests.mjpeg_server import MjpegServer
from tests.system.rtsp_server import RtspServer
from tests.watching import camera


@contextlib.contextmanager
def _file(folder: Path, name: str, codec: str) -> Iterator[CameraConfig]:
    yield camera(str(make_video(folder / name, seconds=1, codec=codec)))


@contextlib.contextmanager
def _mjpeg(_folder: Path) -> Iterator[CameraConfig]:
    with MjpegServer() as server:
        yield camera(server.url("video.mjpg"))


@contextlib.contextmanager
def _hls(folder: Path) -> Iterator[CameraConfig]:
    make_video(folder / "playlist.m3u8", seconds=2)
    with MjpegServer(folder=folder) as server:
        yield camera(server.url("playlist.m3u8"), allow_hls=True)


@contextlib.contextmanager
def _rtsp(folder: Path, transport: str) -> Iterator[CameraConfig]:
    clip = make_video(folder / "clip.mp4", seconds=2)
    with RtspServer({"cam": clip}) as server:
        yield camera(server.url("cam"), transport=transport)


@pytest.fixture(
    params=[
        "mp4",
        "mkv",
        "avi",
        "mjpeg",
        "hls",
        pytest.param("rtsp-tcp", marks=pytest.mark.system),
        pytest.param("rtsp-udp", marks=pytest.mark.system),
    ]
)
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CameraConfig]:
    """A camera of each kind that this machine can play."""
    kinds = {
        "mp4": lambda: _file(tmp_path, "clip.mp4", "libx264"),
        "mkv": lambda: _file(tmp_path, "clip.mkv", "libx265"),
        "avi": lambda: _file(tmp_path, "clip.avi", "mjpeg"),
        "mjpeg": lambda: _mjpeg(tmp_path),
        "hls": lambda: _hls(tmp_path),
        "rtsp-tcp": lambda: _rtsp(tmp_path, "tcp"),
        "rtsp-udp": lambda: _rtsp(tmp_path, "udp"),
    }
    with kinds[request.param]() as made:
        yield made


def test_source_gives_frames_in_order_with_times_and_tells_what_it_is(config: CameraConfig) -> None:
    with open_source(config) as opened:
        source: Source = opened
        samples = []
        for sample in source.frames():
            samples.append((sample.pts, frame_number(sample.picture.pixels()), sample.picture.width))
            if len(samples) == 20:
                break
        info = source.info
    assert len(samples) == 20
    numbers = [number for _pts, number, _width in samples]
    assert all((b - a) % 25 == 1 for a, b in itertools.pairwise(numbers)), numbers
    assert all(math.isfinite(pts) for pts, _number, _width in samples)
    assert {width for _pts, _number, width in samples} == {320}
    assert info.codec in {"h264", "hevc", "mjpeg"}
    assert info.size == (320, 240)
    assert info.pixel_format
    assert source.paced or source.live


def test_source_ends_when_it_is_cancelled(config: CameraConfig) -> None:
    cancel = threading.Event()
    count = 0
    with open_source(config, cancelled=cancel.is_set) as source:
        for _sample in source.frames():
            count += 1
            if count == 3:
                cancel.set()
    assert count == 3


def test_source_can_be_closed_twice_and_then_gives_nothing(config: CameraConfig) -> None:
    source = open_source(config)
    assert next(source.frames()).picture.height == 240
    source.close()
    source.close()
    with pytest.raises(ValueError, match="closed"):
        next(source.frames())
    with pytest.raises(ValueError, match="closed"):
        source.rewind()


def test_source_can_be_opened_again_after_it_was_closed(config: CameraConfig) -> None:
    for _round in range(3):
        with open_source(config) as source:
            assert next(source.frames()).picture.width == 320
