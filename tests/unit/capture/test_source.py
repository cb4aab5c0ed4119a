"""Reading through FFmpeg: order, damage, key frames, sizes, times."""

from __future__ import annotations

import random
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from streamer.capture.source import DropReason, open_source
from streamer.errors import SourceError
from streamer.redaction import redact
from tests.media import frame_number, make_image, make_video, pattern
from tests.watching import camera


def _packets(path: Path, **video: object) -> list[bytes]:
    """The encoded frames of a made video, as H.264 byte stream."""
    made = make_video(path.with_suffix(".h264"), **video)  # type: ignore[arg-type]
    with av.open(str(made)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def _transport_stream(path: Path, packets: list[bytes], key: set[int], corrupt: int | None = None) -> Path:
    """Packets as they are, 25 a second, in an MPEG transport stream."""
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream("libx264", rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number, data in enumerate(packets):
            packet = Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 25)
            packet.pts = packet.dts = number
            packet.is_keyframe = number in key
            container.mux(packet)
    if corrupt is not None:
        whole = path.read_bytes()
        at = len(whole) // 3
        path.write_bytes(whole[:at] + random.Random(1).randbytes(corrupt) + whole[at + corrupt :])
    return path


def _numbers(path: Path, drops: list[DropReason] | None = None, *, live: bool = False) -> list[int]:
    on_drop = drops.append if drops is not None else lambda _reason: None
    with open_source(camera(str(path)), on_drop=on_drop) as source:
        source.live = live
        return [frame_number(sample.picture.pixels()) for sample in source.frames()]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts"])
def test_frames_come_in_order_and_complete_also_with_b_frames(tmp_path: Path, suffix: str) -> None:
    path = make_video(tmp_path / f"clip.{suffix}", seconds=1.2, b_frames=2)
    assert _numbers(path) == list(range(30))


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mjpeg", "mpeg4"])
def test_codecs_that_cameras_send_are_decoded(tmp_path: Path, codec: str) -> None:
    path = make_video(tmp_path / "clip.mkv", seconds=0.4, codec=codec)
    assert _numbers(path) == list(range(10))


def test_without_deblocking_frames_differ_and_none_is_lost(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mp4", seconds=1, preset="veryfast")
    pictures = []
    for deblock in (True, False):
        with open_source(camera(str(path), deblock=deblock)) as source:
            pictures.append([sample.picture.pixels() for sample in source.frames()])
    assert [frame_number(picture) for picture in pictures[1]] == list(range(25))
    assert any((one != other).any() for one, other in zip(*pictures, strict=True))


def test_deblocking_ends_and_begins_at_the_next_key_frame_and_no_frame_is_lost(tmp_path: Path) -> None:
    whole = make_video(tmp_path / "clip.mp4", seconds=2, keyframe_every=10, preset="veryfast")
    with open_source(camera(str(whole))) as source:
        deblocked = [sample.picture.pixels() for sample in source.frames()]
    wanted, pictures = True, []
    with open_source(camera(str(whole)), deblocks=lambda: wanted) as source:
        source._decoder._may_change = True  # as of a live stream
        for sample in source.frames():
            pictures.append(sample.picture.pixels())
            wanted = not 5 <= len(pictures) < 25
    assert [frame_number(picture) for picture in pictures] == list(range(50))
    alike = [bool((one == other).all()) for one, other in zip(deblocked, pictures, strict=True)]
    assert all(alike[:10])
    assert all(alike[30:])
    assert sum(alike[10:30]) <= 2, "without deblocking only a flat picture is the same"


def test_decoder_holds_no_frame_back(tmp_path: Path) -> None:
    """One thread and low delay: each packet gives its frame at once."""
    path = make_video(tmp_path / "clip.mkv", seconds=0.4)
    with open_source(camera(str(path))) as source:
        context = source._stream.codec_context
        assert context.thread_count == 1
        assert source._container is not None
        counts = [len(packet.decode()) for packet in source._container.demux(source._stream) if packet.size]
    assert counts == [1] * 10


def test_stream_joined_halfway_is_decoded_from_its_next_key_frame(tmp_path: Path) -> None:
    packets = _packets(tmp_path / "whole", seconds=2, keyframe_every=10)
    path = _transport_stream(tmp_path / "joined.ts", packets[3:], key=set(range(7, 50, 10)))
    drops: list[DropReason] = []
    assert _numbers(path, drops, live=True)[0] == 10
    assert drops.count("keyframe") == 7
    assert "corrupt" not in drops


def test_damaged_packets_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    packets = _packets(tmp_path / "whole", seconds=4, keyframe_every=10)
    path = _transport_stream(tmp_path / "damaged.ts", packets, key=set(range(0, 100, 10)), corrupt=4000)
    drops: list[DropReason] = []
    with open_source(camera(str(path)), on_drop=drops.append) as source:
        samples = [(sample.pts, frame_number(sample.picture.pixels())) for sample in source.frames()]
    assert drops.count("corrupt") > 0
    assert len(samples) > 50
    assert samples == sorted(samples, key=lambda sample: sample[0])
    assert [number for _pts, number in samples[-30:]] == list(range(70, 100)), "sound again after the damage"


def test_after_damage_a_live_stream_is_read_from_its_next_key_frame(tmp_path: Path) -> None:
    packets = _packets(tmp_path / "whole", seconds=2, keyframe_every=10)
    packets[13] = packets[13][: len(packets[13]) // 2]
    path = _transport_stream(tmp_path / "damaged.ts", packets, key=set(range(0, 50, 10)))
    drops: list[DropReason] = []
    assert _numbers(path, drops, live=True) == [n for n in range(50) if not 13 <= n < 20]
    assert (drops.count("corrupt"), drops.count("keyframe")) == (1, 6)


def test_nothing_but_damage_ends_the_source(tmp_path: Path) -> None:
    packets = _packets(tmp_path / "whole", seconds=4)
    noise = random.Random(2)
    broken = [packets[0], *(packet[:5] + noise.randbytes(len(packet) - 5) for packet in packets[1:])]
    path = _transport_stream(tmp_path / "broken.ts", broken, key={0})
    with open_source(camera(str(path))) as source, pytest.raises(SourceError, match="in a row could not be decoded"):
        for _sample in source.frames():
            pass


def test_change_of_size_in_the_stream_is_taken_in_stride(tmp_path: Path) -> None:
    small, large = _packets(tmp_path / "small", seconds=0.4), _packets(tmp_path / "large", seconds=0.4, size=(640, 480))
    path = _transport_stream(tmp_path / "both.ts", small + large + small, key={0, 10, 20})
    with open_source(camera(str(path))) as source:
        sizes = [(sample.picture.width, sample.picture.height) for sample in source.frames()]
    assert sizes == [(320, 240)] * 10 + [(640, 480)] * 10 + [(320, 240)] * 10


def test_jump_of_media_time_is_harmless(tmp_path: Path) -> None:
    path = make_video(tmp_path / "jump.mkv", pts=[0, 1, 2, 5000, 5001, 5002])
    with open_source(camera(str(path))) as source:
        times = [sample.pts for sample in source.frames()]
    assert times == pytest.approx([0, 0.04, 0.08, 200, 200.04, 200.08], abs=0.002)


@pytest.mark.parametrize(("rotation", "top_left"), [(90, "bl"), (-90, "tr"), (180, "br"), (0, "tl")])
def test_clip_recorded_sideways_is_turned_upright(tmp_path: Path, rotation: int, top_left: str) -> None:
    path = tmp_path / "phone.mp4"
    picture = np.zeros((240, 320, 3), np.uint8)
    corners = {"tl": np.s_[:80, :80], "tr": np.s_[:80, -80:], "bl": np.s_[-80:, :80], "br": np.s_[-80:, -80:]}
    picture[corners[top_left]] = 255
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        stream.set_display_rotation(rotation)
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_source(camera(str(path))) as source:
        shown = next(source.frames()).picture
    assert (shown.width, shown.height) == ((240, 320) if rotation in {90, -90} else (320, 240))
    quarter = shown.pixels()[:60, :60].mean(), shown.pixels()[-60:, -60:].mean()
    expected = _turned(picture, rotation)
    assert quarter == pytest.approx((expected[:60, :60].mean(), expected[-60:, -60:].mean()), abs=20)


def _turned(picture: NDArray[np.uint8], rotation: int) -> NDArray[np.uint8]:
    """The picture turned counter-clockwise by so many degrees, as a display matrix of this angle asks for."""
    return np.rot90(picture, rotation // 90)


def test_reading_ends_soon_after_it_is_cancelled(tmp_path: Path) -> None:
    cancel = threading.Event()
    path = make_video(tmp_path / "clip.mp4", seconds=2)
    with open_source(camera(str(path)), cancelled=cancel.is_set) as source:
        count = 0
        for _sample in source.frames():
            count += 1
            if count == 5:
                cancel.set()
    assert count == 5


def test_rewind_begins_again_at_the_first_frame(tmp_path: Path) -> None:
    for path in (make_video(tmp_path / "clip.mp4", seconds=0.6), make_video(tmp_path / "raw.h264", seconds=0.6)):
        with open_source(camera(str(path))) as source:
            for _round in range(3):
                assert [frame_number(sample.picture.pixels()) for sample in source.frames()] == list(range(15))
                source.rewind()


def test_photograph_is_a_source_of_one_frame(tmp_path: Path) -> None:
    path = make_image(tmp_path / "100%d.jpg", number=7)
    assert _numbers(path) == [7]


def _garbage(path: Path) -> Path:
    path.write_bytes(b"no video at all " * 1000)
    return path


def test_unusable_files_are_said_plainly_and_not_tried_again(tmp_path: Path) -> None:
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        assert isinstance(stream, av.AudioStream)
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.int16), format="s16", layout="mono")
        tone.sample_rate = 8000
        container.mux(stream.encode(tone))
    playlist = tmp_path / "list.m3u8"
    playlist.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")
    for path, message in (
        (tmp_path / "missing.mp4", "no such file"),
        (tmp_path, "a folder"),
        (_garbage(tmp_path / "garbage.mp4"), "not a video file"),
        (sound, "no video in it"),
        (playlist, "not a video file"),
    ):
        with pytest.raises(SourceError, match=message) as caught:
            open_source(camera(str(path)))
        assert not caught.value.retry
        assert str(path) in str(caught.value)


def test_missing_webcam_is_said_plainly_and_tried_again() -> None:
    if Path("/dev/video97").exists() or "v4l2" not in str(av.formats_available):
        pytest.skip("there is such a webcam here, or no v4l2")
    for settings in ({}, {"webcam_size": "640x480", "webcam_fps": 15}):
        with pytest.raises(SourceError, match="webcam 97: no such device: is it plugged in") as caught:
            open_source(camera("97", **settings))
        assert caught.value.retry


def test_webcam_input_that_this_build_lacks_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av, "formats_available", {"mp4"})
    with pytest.raises(SourceError, match="this build of PyAV reads no webcams") as caught:
        open_source(camera("0"))
    assert not caught.value.retry


def test_errors_hold_no_password() -> None:
    with pytest.raises(SourceError) as caught:
        open_source(camera("rtsp://127.0.0.1:1/x", username="viewer", password="very/secret"))
    assert "secret" not in str(caught.value)
    assert str(caught.value) == redact(str(caught.value))


def test_closed_source_gives_nothing(tmp_path: Path) -> None:
    source = open_source(camera(str(make_video(tmp_path / "clip.mp4", seconds=0.2))))
    source.close()
    source.close()
    with pytest.raises(ValueError, match="closed"):
        next(source.frames())


def test_pattern_tells_its_number() -> None:
    assert [frame_number(pattern(n)) for n in (0, 1, 77, 4095)] == [0, 1, 77, 4095]
