"""Capture against real servers: RTSP over TCP and UDP, MJPEG over HTTP, and servers that misbehave."""

from __future__ import annotations

import itertools
import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streamer.capture.probe import probe
from streamer.capture.source import open_source
from streamer.errors import SourceError
from streamer.types import CameraState
from tests.media import frame_number, make_video
from tests.mjpeg_server import MjpegServer
from tests.system.faults.rtp import access_units, steady
from tests.system.faults.rtsp_script import ScriptedRtsp, plays
from tests.system.rtsp_server import RtspServer, free_port
from tests.system.tls_proxy import TlsProxy
from tests.watching import Watch, camera

pytestmark = pytest.mark.system

PASSWORD = "p@:/#%w0rd x"


@pytest.fixture(scope="session")
def h264(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("media") / "h264.mp4", seconds=4, size=(640, 360))


@pytest.fixture(scope="session")
def h265(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("media") / "h265.mp4", seconds=4, size=(640, 360), codec="libx265")


@pytest.fixture(scope="module")
def server(h264: Path) -> Iterator[RtspServer]:
    with RtspServer({"cam": h264}) as running:
        yield running


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_h264_camera_goes_live_and_delivers_the_pictures_in_order(server: RtspServer, transport: str) -> None:
    with Watch(camera(server.url("cam"), transport=transport)) as watch:
        watch.wait_for_state(CameraState.LIVE)
        watch.wait_for_frames(40)
        frames = watch.frames[-30:]
    status = watch.reader.status
    assert (status.codec, status.size) == ("h264", (640, 360))
    numbers = [frame_number(frame.picture.pixels()) for frame in frames]
    steps = {(b - a) % 100 for a, b in itertools.pairwise(numbers)}
    assert steps == {1}, f"frames out of order or lost: {numbers}"
    assert [frame.seq for frame in frames] == list(range(frames[0].seq, frames[0].seq + 30))
    assert watch.states == [CameraState.LIVE, CameraState.STOPPED]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_h265_camera_goes_live(h265: Path, transport: str) -> None:
    with (
        RtspServer({"cam": h265}, codec="h265") as server,
        Watch(camera(server.url("cam"), transport=transport)) as watch,
    ):
        watch.wait_for_frames(30)
        assert watch.reader.status.codec == "hevc"
        assert watch.reader.status.fps == 0 or 15 < watch.reader.status.fps < 60


def test_frame_rate_is_that_of_the_camera_whatever_the_limit(server: RtspServer) -> None:
    with Watch(camera(server.url("cam"), max_fps=5)) as watch:
        watch.wait_for_frames(20, seconds=15)
        status = watch.reader.status
    assert 23 <= status.fps <= 27
    dropped = watch.metric("streamer_frames_dropped_total", reason="rate")
    assert dropped == pytest.approx(0.8 * status.frames, rel=0.3)
    assert watch.metric("streamer_frames_captured_total") >= status.frames


def test_live_pictures_are_fresh(server: RtspServer) -> None:
    """What comes from the decoder is what the camera sends now: nothing waits in between."""
    with open_source(camera(server.url("cam"))) as source:
        delays = []
        for sample in source.frames():
            delays.append(time.monotonic() - sample.pts)
            if len(delays) == 75:
                break
    settled = delays[25:]
    assert max(settled) - min(settled) < 0.25, "the delay between capture and arrival grows or jitters"


def test_clip_that_the_server_loops_goes_on_at_its_own_rate(server: RtspServer) -> None:
    with open_source(camera(server.url("cam"))) as source:
        samples = list(itertools.islice(source.frames(), 130))  # of a clip of 100
    numbers = [frame_number(sample.picture.pixels()) for sample in samples]
    assert {(b - a) % 100 for a, b in itertools.pairwise(numbers)} == {1}
    times = [sample.pts for sample in samples[1:]]  # the first one comes without a time
    assert [b - a for a, b in itertools.pairwise(times)] == pytest.approx([0.04] * 128)


def test_camera_of_few_frames_that_tells_nothing_beforehand_is_live_with_its_second_frame(h264: Path) -> None:
    units = access_units(h264)
    with ScriptedRtsp(plays(lambda: steady(units, fps=1))) as slow, open_source(camera(slow.url)) as source:
        assert (source.info.codec, source.info.size, source.info.transport) == ("h264", (640, 360), "tcp")
        numbers = [frame_number(sample.picture.pixels()) for sample in itertools.islice(source.frames(), 3)]
    assert numbers == [0, 1, 2]


def test_server_killed_and_started_again_is_live_within_5_s_of_its_return(h264: Path) -> None:
    with RtspServer({"cam": h264}) as server, Watch(camera(server.url("cam"))) as watch:
        watch.wait_for_state(CameraState.LIVE)
        server.kill()
        down = watch.wait_for_state(CameraState.RECONNECTING)
        assert down.next_attempt_at is not None
        assert down.next_attempt_at - time.time() <= 0.5
        watch.wait(lambda: "refused" in watch.statuses[-1].reason, what="a refused connection")
        assert watch.metric("streamer_camera_up") == 0
        server.start()
        watch.wait_for_state(CameraState.LIVE, seconds=5)
        watch.wait_for_frames(5)
        assert watch.reader.status.reconnects >= 1
        assert watch.metric("streamer_camera_reconnects_total") == watch.reader.status.reconnects
        assert watch.metric("streamer_camera_up") == 1


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_frozen_server_is_noticed_and_thawed_one_comes_back(h264: Path, transport: str) -> None:
    with RtspServer({"cam": h264}) as server:
        config = camera(server.url("cam"), transport=transport, open_timeout=3)
        with Watch(config) as watch:
            watch.wait_for_frames(10)
            server.freeze()
            frozen = time.monotonic()
            watch.wait_for_state(CameraState.STALLED, seconds=4)
            assert time.monotonic() - frozen < 3
            assert "no frame for 1" in watch.statuses[-1].reason
            watch.wait_for_state(CameraState.RECONNECTING, seconds=4)
            server.thaw()
            watch.wait_for_state(CameraState.LIVE, seconds=10)
            watch.wait_for_frames(5)


@pytest.mark.parametrize("digest", [False, True], ids=["basic", "digest"])
def test_password_of_any_signs_works_and_shows_nowhere(
    h264: Path, digest: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with RtspServer({"cam": h264}, user="us er", password=PASSWORD, digest=digest) as server:
        config = camera(server.url("cam"), username="us er", password=PASSWORD)
        with Watch(config) as watch:
            watch.wait_for_state(CameraState.LIVE)
            server.kill()
            watch.wait_for_state(CameraState.RECONNECTING)
    told = caplog.text + repr(watch.statuses) + repr(watch.reader.status)
    assert "reconnecting" in told
    for form in (PASSWORD, "p%40", "w0rd", "us%20er"):
        assert form not in told


def test_camera_over_tls_is_read_through_its_one_connection(h264: Path, tmp_path: Path) -> None:
    with (
        RtspServer({"cam": h264}, user="viewer", password=PASSWORD) as server,
        TlsProxy(server.port, tmp_path) as proxy,
    ):
        url = f"rtsps://127.0.0.1:{proxy.port}/cam"
        info = probe(camera(url, username="viewer", password=PASSWORD, transport="udp"), 8)
    assert (info.codec, info.size, info.transport) == ("h264", (640, 360), "tcp")


def test_wrong_password_is_said_plainly_and_tried_again(h264: Path) -> None:
    with RtspServer({"cam": h264}, user="viewer", password=PASSWORD) as server:
        with Watch(camera(server.url("cam"), username="viewer", password="not that")) as watch:
            status = watch.wait_for_state(CameraState.RECONNECTING)
        assert "refused the user name or password" in status.reason
        assert "not that" not in status.reason
        with pytest.raises(SourceError, match="asks for a user name and password") as caught:
            probe(camera(server.url("cam")), 5)
        assert caught.value.retry


def test_password_pasted_into_the_url_works_and_shows_nowhere(h264: Path) -> None:
    with RtspServer({"cam": h264}, user="viewer", password=PASSWORD) as server:
        config = camera(server.url("cam").replace("://", f"://viewer:{PASSWORD}@"))
        assert probe(config, 8).codec == "h264"
        with Watch(config) as watch:
            watch.wait_for_state(CameraState.LIVE)
            assert "w0rd" not in repr(watch.reader.status)


def test_unknown_path_says_to_check_the_path(server: RtspServer) -> None:
    with Watch(camera(server.url("nothing"))) as watch:
        assert "check the path" in watch.wait_for_state(CameraState.RECONNECTING).reason


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_server_that_never_answers_is_given_up_in_time(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://127.0.0.1:{silent.getsockname()[1]}/cam"
        with Watch(camera(url, open_timeout=1)) as watch:
            took = watch.wait(lambda: CameraState.RECONNECTING in watch.states, 5)
            assert took < 2.5
            assert "no answer within 1 s" in watch.statuses[-1].reason
            began = time.monotonic()
            assert watch.reader.stop(timeout=3)
            assert time.monotonic() - began < 2.5


def test_server_that_answers_but_sends_nothing_is_told_as_that_in_the_time_for_connecting() -> None:
    with ScriptedRtsp(plays(tuple)) as server, Watch(camera(server.url, open_timeout=1, stall_timeout=1)) as watch:
        took = watch.wait(lambda: CameraState.RECONNECTING in watch.states, 10)
        assert "no video came" in watch.statuses[-1].reason
        assert took < 4


def test_refused_connection_and_unknown_host_are_told_apart() -> None:
    with pytest.raises(SourceError, match="connection refused"):
        probe(camera(f"rtsp://127.0.0.1:{free_port()}/cam"), 5)
    with pytest.raises(SourceError, match=r"unknown host no-such-host\.invalid"):
        probe(camera("rtsp://no-such-host.invalid/cam"), 5)


def test_probe_tells_codec_size_rate_and_first_picture(server: RtspServer) -> None:
    info = probe(camera(server.url("cam")), 8)
    assert (info.codec, info.size, info.fps, info.transport) == ("h264", (640, 360), 25.0, "tcp")
    assert info.pixel_format == "yuv420p"
    assert info.first_frame_seconds is not None
    assert 0 < info.first_frame_seconds < 8


def test_stop_is_quick_while_live_stalled_and_connecting(h264: Path) -> None:
    with RtspServer({"cam": h264}) as server:
        live = Watch(camera(server.url("cam")))
        with live:
            live.wait_for_frames(5)
            assert live.reader.stop(timeout=1)
            assert live.states[-1] is CameraState.STOPPED
        with Watch(camera(server.url("cam"), stall_timeout=3)) as stalled:
            stalled.wait_for_frames(5)
            server.freeze()
            began = time.monotonic()
            stalled.reader.stop(timeout=1)
            assert time.monotonic() - began < 1.5
            assert stalled.reader.stop(timeout=8), "the thread ends by itself when FFmpeg's time-out has passed"
        connecting = Watch(camera(server.url("cam"), open_timeout=2))
        with connecting:
            began = time.monotonic()
            connecting.reader.stop(timeout=0.5)
            assert time.monotonic() - began < 1.0
            assert connecting.reader.stop(timeout=8)


def test_mjpeg_camera_that_changes_its_size_goes_on() -> None:
    with MjpegServer((320, 240), (640, 480), (160, 120), frames_per_size=20) as server:
        with Watch(camera(server.url("video.mjpg"))) as watch:
            watch.wait_for_frames(55)
            watch.wait(lambda: watch.reader.status.size == (160, 120) or watch.frames[-1].width == 160)
            sizes = [(frame.width, frame.height) for frame in watch.frames]
        assert list(dict.fromkeys(sizes)) == [(320, 240), (640, 480), (160, 120)]
        assert watch.states == [CameraState.LIVE, CameraState.STOPPED]
        assert [frame_number(frame.picture.pixels()) for frame in watch.frames] == [frame.seq for frame in watch.frames]
        assert watch.reader.status.reconnects == 0


def test_mjpeg_camera_that_freezes_is_opened_again() -> None:
    with MjpegServer(frozen_after=20) as server, Watch(camera(server.url("video.mjpg"))) as watch:
        watch.wait_for_states(
            CameraState.LIVE, CameraState.STALLED, CameraState.RECONNECTING, CameraState.LIVE, seconds=10
        )


def test_mjpeg_camera_takes_user_and_password() -> None:
    with MjpegServer(authorization="Basic dmlld2VyOnBAOi8jJXcwcmQgeA==") as server:
        assert probe(camera(server.url("secret"), username="viewer", password=PASSWORD), 5).codec == "mjpeg"
        with pytest.raises(SourceError, match="refused the user name or password"):
            probe(camera(server.url("secret"), username="viewer", password="wrong"), 5)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing", "check the path"),
        ("page", "no MJPEG stream"),
        ("file", "which is no http:// or https:// address: not followed"),
    ],
)
def test_address_that_is_no_stream_is_said_plainly(path: str, message: str) -> None:
    with MjpegServer() as server, pytest.raises(SourceError, match=message):
        probe(camera(server.url(path)), 5)


def test_hls_playlist_is_read_only_when_allowed(tmp_path: Path) -> None:
    make_video(tmp_path / "playlist.m3u8", seconds=2)
    with MjpegServer(folder=tmp_path) as server:
        with pytest.raises(SourceError, match="allow_hls"):
            probe(camera(server.url("playlist.m3u8")), 5)
        assert probe(camera(server.url("playlist.m3u8"), allow_hls=True), 5).codec == "h264"
