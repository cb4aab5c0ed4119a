"""The options that FFmpeg is opened with: known to this FFmpeg, and right for the kind of source.

FFmpeg says nothing about an option that it doesn't know, but refuses a known one with a value that makes no sense.
"""

from __future__ import annotations

import errno

import av
import av.error
import pytest

from streamer.capture.addresses import locate
from streamer.capture.ffmpeg_options import option_sets
from streamer.config import CameraConfig
from tests.watching import camera

NOBODY = "127.0.0.1:1"


def known(config: CameraConfig, name: str) -> bool:
    """Whether FFmpeg minds a senseless value of this option; if not, it goes on and finds nobody there."""
    address = locate(config)
    options = option_sets(address, config)[0] | {name: "senseless!"}
    with pytest.raises(av.error.FFmpegError) as caught:
        av.open(address.url, options=options, timeout=(5, 5))
    assert caught.value.errno in {errno.EINVAL, errno.ECONNREFUSED}
    return caught.value.errno == errno.EINVAL


def test_every_rtsp_option_is_known_to_ffmpeg() -> None:
    config = camera(f"rtsp://{NOBODY}/x")
    names = option_sets(locate(config), config)[0]
    assert [name for name in names if not known(config, name)] == []
    assert not known(config, "stimeout"), "what the time-out was called before FFmpeg 5"


def test_every_http_option_is_known_to_ffmpeg() -> None:
    config = camera(f"http://{NOBODY}/x")
    names = set(option_sets(locate(config), config)[0]) - {"format_whitelist"}  # only looked at once data came
    assert [name for name in names if not known(config, name)] == []


def test_transport_and_time_out_follow_the_configuration() -> None:
    config = camera("rtsp://host/x", transport="udp", open_timeout=2.5)
    options = option_sets(locate(config), config)[0]
    assert (options["rtsp_transport"], options["timeout"]) == ("udp", "2500000")


@pytest.mark.parametrize("source", ["rtsp://h/x", "rtsps://h/x", "http://h/x", "https://h/x"])
@pytest.mark.parametrize("allow_hls", [False, True])
def test_stream_from_the_network_may_never_open_a_file(source: str, allow_hls: bool) -> None:
    config = camera(source, allow_hls=allow_hls)
    options = option_sets(locate(config), config)[0]
    protocols = options["protocol_whitelist"].split(",")
    assert not {"file", "concat", "subfile", "data", "pipe"} & set(protocols)
    if source.startswith(("rtsps", "https")):
        assert not {"udp", "http"} & set(protocols), "what came over TLS leads nowhere in the clear"
    if source.startswith("http"):
        assert ("hls" in options["format_whitelist"].split(",")) is allow_hls


def test_webcam_is_asked_for_jpeg_first_where_a_size_or_rate_is_wanted() -> None:
    config = camera("0", webcam_size="1280x720", webcam_fps=30)
    wanted = {"video_size": "1280x720", "framerate": "30"}
    assert option_sets(locate(config, "linux"), config) == [wanted | {"input_format": "mjpeg"}, wanted]
    assert option_sets(locate(config, "win32"), config) == [wanted]


def test_webcam_is_left_as_it_is_where_nothing_is_wanted() -> None:
    config = camera("0")
    assert option_sets(locate(config, "linux"), config) == [{}]
    assert option_sets(locate(config, "darwin"), config) == [{"framerate": "30"}]
