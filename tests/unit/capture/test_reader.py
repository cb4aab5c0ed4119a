"""A camera's reader: states, reconnects, pacing, limits, threads that hang."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import threading
import time
from pathlib import Path

import pytest

from streamer.errors import ModelError
from streamer.types import CameraState, CameraStatus
from tests.media import frame_number, make_video
from tests.watching import Watch, camera


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_video(tmp_path / "clip.mp4", seconds=1)


def test_file_is_played_in_real_time_and_looped(clip: Path) -> None:
    with Watch(camera(str(clip))) as watch:
        watch.wait_for_frames(60)
    frames = watch.frames[:60]
    assert [frame_number(frame.picture.pixels()) for frame in frames] == [n % 25 for n in range(60)]
    assert [frame.seq for frame in frames] == list(range(60))
    assert frames[-1].captured_at - frames[0].captured_at == pytest.approx(59 / 25, abs=0.2)
    steps = [b.captured_at - a.captured_at for a, b in itertools.pairwise(frames)]
    assert sorted(steps)[len(steps) // 2] == pytest.approx(0.04, abs=0.01)
    assert abs(frames[0].wall_time - time.time()) < 30
    assert watch.states == [CameraState.LIVE, CameraState.STOPPED]


def test_file_played_once_stops_at_its_end(clip: Path) -> None:
    with Watch(camera(str(clip), loop=False)) as watch:
        status = watch.wait_for_state(CameraState.STOPPED)
        assert status.reason == "end of file"
        assert (status.frames, status.codec, status.size) == (25, "h264", (320, 240))
        assert len(watch.frames) == 25
        assert watch.metric("streamer_camera_up") == 0


def test_rate_limit_drops_frames_before_the_queue_and_counts_them(clip: Path) -> None:
    with Watch(camera(str(clip), loop=False, max_fps=5)) as watch:
        watch.wait_for_state(CameraState.STOPPED)
    assert len(watch.frames) == pytest.approx(5, abs=1)
    assert [frame.seq for frame in watch.frames] == list(range(len(watch.frames)))
    assert watch.metric("streamer_frames_captured_total") == 25
    assert watch.metric("streamer_frames_dropped_total", reason="rate") == 25 - len(watch.frames)


def test_an_eased_camera_delivers_fewer_frames_and_tells_those_left_out_from_its_own_limit(clip: Path) -> None:
    watch = Watch(camera(str(clip), loop=False, max_fps=12.5))
    watch.reader.ease(5, deblock=True)
    with watch:
        watch.wait_for_state(CameraState.STOPPED)
    assert len(watch.frames) == pytest.approx(5, abs=1)
    by_limit, by_load = (watch.metric("streamer_frames_dropped_total", reason=why) or 0 for why in ("rate", "load"))
    assert by_limit == pytest.approx(12, abs=1)
    assert by_limit + by_load == 25 - len(watch.frames)


def test_a_file_played_in_time_has_no_lag(clip: Path) -> None:
    with Watch(camera(str(clip))) as watch:
        watch.wait_for_frames(40)
        assert watch.reader.status.lag < 0.2


def test_frames_that_nobody_takes_are_evicted_and_counted(clip: Path) -> None:
    with Watch(camera(str(clip), loop=False), take=False) as watch:
        watch.wait_for_state(CameraState.STOPPED)
    assert len(watch.queue) == 2
    assert watch.metric("streamer_frames_dropped_total", reason="evicted") == 23


def test_every_reason_to_drop_has_a_figure_from_the_start(clip: Path) -> None:
    watch = Watch(camera(str(clip)))
    for reason in ("rate", "load", "evicted", "corrupt", "keyframe"):
        labels = {"camera": "cam", "reason": reason}
        assert watch.metrics.registry.get_sample_value("streamer_frames_dropped_total", labels) == 0


def test_clip_whose_times_jump_is_played_without_a_stop(tmp_path: Path) -> None:
    clip = make_video(tmp_path / "jump.mkv", pts=[*range(10), *range(90_000, 90_010)])
    with Watch(camera(str(clip), loop=False)) as watch:
        watch.wait_for_state(CameraState.STOPPED, seconds=3)
    assert len(watch.frames) == 20
    assert watch.states == [CameraState.LIVE, CameraState.STOPPED]


def test_missing_file_fails_for_good(tmp_path: Path) -> None:
    with Watch(camera(str(tmp_path / "nothing.mp4"))) as watch:
        status = watch.wait_for_state(CameraState.FAILED)
    assert "no such file" in status.reason
    assert status.next_attempt_at is None
    assert watch.states == [CameraState.FAILED]


def test_refused_connection_is_tried_again_with_longer_pauses() -> None:
    with Watch(camera("rtsp://127.0.0.1:1/cam", reconnect_min=0.05, reconnect_max=0.4)) as watch:
        watch.wait(lambda: len(watch.statuses) >= 5, 10)
        statuses = watch.statuses[:5]
    assert {status.state for status in statuses} == {CameraState.RECONNECTING}
    pauses = [status.next_attempt_at - time.time() for status in statuses if status.next_attempt_at]
    assert len(pauses) == 5
    gaps = [b.next_attempt_at - a.next_attempt_at for a, b in itertools.pairwise(statuses)]  # type: ignore[operator]
    assert gaps[-1] > gaps[0]
    assert max(gaps) < 0.8
    assert watch.metric("streamer_camera_reconnects_total") >= 4
    assert all(status.since == statuses[0].since for status in statuses), "it is one outage"


def test_thread_that_ffmpeg_holds_for_ever_is_left_behind_and_bounded(tmp_path: Path) -> None:
    """Opening a pipe that nobody writes to blocks in the kernel, where none of FFmpeg's time-outs reaches."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with Watch(camera(str(pipe), open_timeout=0.2, stall_timeout=0.2, reconnect_max=0.2)) as watch:
        try:
            watch.wait(lambda: bool(watch.statuses) and "attempts that hang" in watch.statuses[-1].reason, 20)
            assert [status.state for status in watch.statuses] == [CameraState.RECONNECTING] * 4
            assert "no answer within 0.2 s" in watch.statuses[0].reason
            hanging = [thread for thread in threading.enumerate() if thread.name.startswith("capture-cam-")]
            assert len(hanging) == 3
            began = time.monotonic()
            assert not watch.reader.stop(timeout=0.5)
            assert time.monotonic() - began < 1
            assert watch.reader.status.state is CameraState.STOPPED
        finally:
            writer = os.open(pipe, os.O_WRONLY)  # lets them go
            os.close(writer)
        assert watch.reader.stop(timeout=5)


def test_abandoned_attempt_that_comes_round_delivers_nothing(tmp_path: Path, clip: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with Watch(camera(str(pipe), open_timeout=0.2, stall_timeout=0.2, reconnect_min=30, reconnect_max=30)) as watch:
        watch.wait_for_state(CameraState.RECONNECTING)
        # It was cancelled, and may close its end before all is written, here or when the pipe is closed.
        with contextlib.suppress(BrokenPipeError), pipe.open("wb", buffering=0) as writer:
            writer.write(clip.read_bytes())
        watch.reader.stop(timeout=5)
    assert watch.frames == []
    assert watch.reader.status.frames == 0


def test_stop_before_and_after_start_is_harmless(clip: Path) -> None:
    never = Watch(camera(str(clip)))
    assert never.reader.stop(timeout=0)
    with Watch(camera(str(clip))) as watch:
        watch.wait_for_frames(3)
        assert watch.reader.stop(timeout=2)
        assert watch.reader.stop(timeout=2)
    count = len(watch.frames)
    assert watch.reader.status.state is CameraState.STOPPED
    assert watch.reader.status.fps == 0
    assert len(watch.frames) == count


def test_stop_ends_a_long_pause_at_once() -> None:
    with Watch(camera("rtsp://127.0.0.1:1/cam", reconnect_min=60, reconnect_max=60)) as watch:
        watch.wait_for_state(CameraState.RECONNECTING)
        began = time.monotonic()
        assert watch.reader.stop(timeout=2)
        assert time.monotonic() - began < 0.5


def test_listener_that_fails_does_not_stop_the_camera(clip: Path, caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch(camera(str(clip)))

    def fail(_status: CameraStatus) -> None:
        raise RuntimeError("a listener's own trouble")

    watch.reader._on_status = fail
    with watch:
        watch.wait_for_frames(5)
    assert "a listener's own trouble" in caplog.text


def test_demo_without_its_material_says_so() -> None:
    class Empty:
        def path(self, name: str) -> Path:
            raise ModelError(f"{name} can't be fetched: no network")

    with Watch(camera("demo"), store=Empty()) as watch:
        assert "no network" in watch.wait_for_state(CameraState.RECONNECTING).reason
    with Watch(camera("demo")) as watch:
        assert "not at hand" in watch.wait_for_state(CameraState.FAILED).reason


def test_status_is_whole_at_every_moment(clip: Path) -> None:
    with Watch(camera(str(clip), name="Front door")) as watch:
        first = watch.reader.status
        kept = dataclasses.replace(first)
        assert (first.camera, first.name, first.source) == ("cam", "Front door", str(clip))
        watch.wait_for_frames(50)
        status = watch.reader.status
        assert status.state is CameraState.LIVE
        assert 20 < status.fps < 30
        assert 25 < status.frames <= 51
        assert status.next_attempt_at is None
    assert first == kept, "an older status doesn't change"
