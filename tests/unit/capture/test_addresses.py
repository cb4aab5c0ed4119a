"""What a `source` is taken for, and that no password shows."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.capture.addresses import Kind, locate, shown
from streamer.errors import SourceError
from streamer.redaction import redact
from tests.watching import camera


@pytest.mark.parametrize(
    ("source", "platform", "kind", "url", "input_format"),
    [
        ("rtsp://10.0.0.1/s", "linux", Kind.RTSP, "rtsp://10.0.0.1/s", None),
        ("RTSP://10.0.0.1:554/s?a=b", "linux", Kind.RTSP, "rtsp://10.0.0.1:554/s?a=b", None),
        ("http://cam.local/video.mjpg", "linux", Kind.HTTP, "http://cam.local/video.mjpg", None),
        # an "@" that belongs to the path
        ("http://cam.local/video?user=a@b", "linux", Kind.HTTP, "http://cam.local/video?user=a@b", None),
        ("0", "linux", Kind.WEBCAM, "/dev/video0", "v4l2"),
        ("/dev/video12", "linux", Kind.WEBCAM, "/dev/video12", "v4l2"),
        ("1", "darwin", Kind.WEBCAM, "1:none", "avfoundation"),
        ("FaceTime HD Camera", "darwin", Kind.WEBCAM, "FaceTime HD Camera:none", "avfoundation"),
        ("Integrated Camera", "win32", Kind.WEBCAM, "video=Integrated Camera", "dshow"),
        ("video=Integrated Camera", "win32", Kind.WEBCAM, "video=Integrated Camera", "dshow"),
        ("0", "win32", Kind.WEBCAM, "0", "dshow"),  # looked up among the devices when it is opened
        (r"C:\clips\monday.mp4", "win32", Kind.FILE, r"C:\clips\monday.mp4", None),
        ("monday.mp4", "darwin", Kind.FILE, "monday.mp4", None),
        ("Integrated Camera", "linux", Kind.FILE, "Integrated Camera", None),
        ("clips/monday.mp4", "linux", Kind.FILE, "clips/monday.mp4", None),
        ("Demo", "linux", Kind.DEMO, "", None),
    ],
)
def test_source_is_taken_for(source: str, platform: str, kind: Kind, url: str, input_format: str | None) -> None:
    address = locate(camera(source), platform)
    assert (address.kind, address.url, address.input_format) == (kind, url, input_format)


@given(
    st.text(st.characters(exclude_characters=":", codec="utf-8"), min_size=1, max_size=12),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=12),
)
def test_any_password_reaches_ffmpeg_whole_and_is_not_shown(user: str, password: str) -> None:
    config = camera("http://host/path", username=user, password=password)
    address = locate(config)
    match = re.fullmatch(r"http://([^@/?#:]*):([^@/?#:]*)@host/path", address.url)
    assert match, address.url
    assert (unquote(match[1]), unquote(match[2])) == (user, password)
    assert address.shown == "http://host/path"
    assert address.url not in repr(address)


def test_fields_win_over_the_url() -> None:
    address = locate(camera("rtsp://old:word@host/s", username="new", password="other"))
    assert address.url == "rtsp://new:other@host/s"
    assert address.credentials


def test_credentials_that_ffmpeg_would_cut_off_are_refused() -> None:
    fits = camera("rtsp://host/s", username="u", password="x" * 125)
    assert locate(fits).credentials
    with pytest.raises(SourceError, match="128 characters") as caught:
        locate(camera("rtsp://host/s", username="u", password="x" * 126))
    assert not caught.value.retry
    assert locate(camera("http://host/s", username="u", password="x" * 126)).credentials, "HTTP has no such limit"


def test_user_name_with_a_colon_is_refused() -> None:
    with pytest.raises(SourceError, match="colon"):
        locate(camera("rtsp://host/s", username="a:b", password="long enough"))


def test_password_pasted_into_the_url_is_not_shown() -> None:
    config = camera("rtsp://admin:se cret/#@x@host/s")
    assert shown(config) == "rtsp://host/s"
    assert locate(config).url == "rtsp://admin:se%20cret%2F%23%40x@host/s"


def test_existing_file_on_macos_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recording").touch()
    assert locate(camera("recording"), "darwin").kind is Kind.FILE


def test_a_password_is_redacted_as_it_is_sent_too() -> None:
    locate(camera("rtsp://viewer:p%40ssword@127.0.0.1/cam"))
    sent = base64.b64encode(b"viewer:p@ssword").decode()
    assert redact(f"Authorization: Basic {sent}") == "Authorization: Basic ***"
