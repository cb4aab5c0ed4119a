"""Reading a file offline: all of it, in order, on its own timeline."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from streamer.capture.files import read_file
from streamer.errors import SourceError
from tests.media import frame_number, make_video


def test_every_frame_comes_once_on_the_media_timeline(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", seconds=2, b_frames=2)
    with read_file(path, "clip") as reader:
        assert (reader.frame_count, reader.duration) == (50, 2.0)
        assert (reader.info.codec, reader.info.size, reader.info.fps) == ("h264", (320, 240), 25.0)
        frames = list(reader)
    assert [frame.seq for frame in frames] == list(range(50))
    assert [frame_number(frame.picture.pixels()) for frame in frames] == list(range(50))
    assert [frame.captured_at for frame in frames] == pytest.approx([n / 25 for n in range(50)])
    assert [frame.wall_time for frame in frames] == [frame.captured_at for frame in frames]
    assert {frame.camera for frame in frames} == {"clip"}


def test_wall_time_counts_from_when_the_recording_began(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", seconds=0.2)
    with read_file(path, "clip", started_at=1_700_000_000.0) as reader:
        assert [frame.wall_time for frame in reader][-1] == pytest.approx(1_700_000_000.16)


def test_timeline_never_goes_back(tmp_path: Path) -> None:
    whole = make_video(tmp_path / "a.ts", seconds=0.4).read_bytes()
    path = tmp_path / "twice.ts"
    path.write_bytes(whole + whole)  # the second half starts again at the first one's time
    with read_file(path, "clip") as reader:
        frames = list(reader)
    assert len(frames) >= 19
    assert any(b.pts < a.pts for a, b in itertools.pairwise(frames))
    assert all(b.captured_at > a.captured_at for a, b in itertools.pairwise(frames))


def test_file_without_a_length_is_read_all_the_same(tmp_path: Path) -> None:
    path = make_video(tmp_path / "raw.h264", seconds=0.4)
    with read_file(path, "clip") as reader:
        assert reader.frame_count is None
        assert len(list(reader)) == 10


def test_unreadable_file_is_said_plainly(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.mp4"
    garbage.write_bytes(b"\0" * 4096)
    for path, message in ((garbage, "not a video file"), (tmp_path / "missing.mp4", "no such file")):
        with pytest.raises(SourceError, match=message):
            read_file(path, "clip")


def test_name_that_looks_like_a_url_or_a_webcam_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "clip.mkv", seconds=0.2).rename(tmp_path / "0")
    with read_file(Path("0"), "clip") as reader:
        assert len(list(reader)) == 5


def test_real_clip_is_read_to_its_end(shared: Path) -> None:
    with read_file(shared / "clips" / "three_people_540p.mp4", "clip") as reader:
        count = sum(1 for _frame in reader)
    assert reader.frame_count is not None
    assert abs(count - reader.frame_count) <= 1
