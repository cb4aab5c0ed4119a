"""Redirects of HTTP cameras, over real sockets: followed by the rules of RTSP's, and never by FFmpeg."""

from __future__ import annotations

import contextlib
import socket
from typing import Any

import pytest

from streamer.capture.addresses import Address, locate
from streamer.capture.redirects import MOST_REDIRECTS, follow_redirects
from streamer.capture.source import open_source
from streamer.errors import SourceError
from tests.mjpeg_server import MjpegServer
from tests.watching import camera

OUTSIDE = ("192.0.2.7", 80)  # of the documentation: no machine has it


def _follow(at: Address) -> Address:
    with contextlib.ExitStack() as held:
        return follow_redirects(at, 5, held)


def _of_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is connected to seems to be a camera elsewhere."""
    monkeypatch.setattr(socket.socket, "getpeername", lambda _self: OUTSIDE)


@pytest.mark.parametrize("location", ["/video.mjpg", "video.mjpg?from=old", "{here}"])
def test_a_redirect_is_followed_to_the_stream(location: str) -> None:
    with MjpegServer() as server:
        server.redirects["old"] = location.format(here=server.url("video.mjpg"))
        with open_source(camera(server.url("old"))) as source:
            assert next(source.frames()).picture.width == 320
        assert server.asked == ["old", "old", "video.mjpg", "video.mjpg"]  # FFmpeg, and then the way; FFmpeg again


def test_a_camera_that_does_not_redirect_is_asked_once() -> None:
    with MjpegServer() as server:
        with open_source(camera(server.url("video.mjpg"))):
            pass
        assert server.asked == ["video.mjpg"]


def test_a_camera_of_the_network_can_not_have_a_server_of_this_machine_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with MjpegServer() as inner, MjpegServer() as server:
        server.redirects["video"] = inner.url("video.mjpg")
        _of_the_network(monkeypatch)
        with pytest.raises(SourceError, match="redirects to this machine") as caught:
            open_source(camera(server.url("video")))
        assert inner.url("video.mjpg") in str(caught.value), "where it pointed is named"
        assert inner.asked == []
        assert server.asked == ["video", "video"]


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "100.100.100.200", "2130706433", "[::ffff:169.254.169.254]"],
)
def test_nothing_is_asked_where_only_this_machine_should_reach(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    with MjpegServer() as server:
        server.redirects["video"] = f"http://{host}/latest/meta-data/"
        _of_the_network(monkeypatch)
        with pytest.raises(SourceError, match="what only it should reach"):
            open_source(camera(server.url("video")))


def test_a_name_that_stands_for_this_machine_the_second_time_is_not_asked_either(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with MjpegServer() as inner, MjpegServer() as server:
        server.redirects["video"] = inner.url("video.mjpg").replace("127.0.0.1", "rebound.example")
        at = locate(camera(server.url("video")))
        _resolve(monkeypatch, first="192.0.2.9")
        peers = iter([OUTSIDE, ("127.0.0.1", 80)])
        monkeypatch.setattr(socket.socket, "getpeername", lambda _self: next(peers))
        with pytest.raises(SourceError, match="redirects to this machine"):
            _follow(at)
        assert inner.asked == []


def test_a_camera_on_a_link_local_address_may_lead_to_another_port_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with MjpegServer() as there, MjpegServer() as here:
        here.redirects["video"] = there.url("video.mjpg").replace("127.0.0.1", "cam.example")
        at = locate(camera(here.url("video")))
        _resolve(monkeypatch, first="169.254.7.7")
        monkeypatch.setattr(socket.socket, "getpeername", lambda _self: ("169.254.7.7", 80))
        assert _follow(at).host == "cam.example"
        assert there.asked == ["video.mjpg"]


def _resolve(monkeypatch: pytest.MonkeyPatch, *, first: str) -> None:
    """Have every name stand for this address, but for loopback where a connection is made."""

    def resolved(_host: str, port: int | None, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (first if port is None else "127.0.0.1", port))]

    monkeypatch.setattr("socket.getaddrinfo", resolved)


def test_redirects_in_a_loop_and_without_end_are_bounded() -> None:
    with MjpegServer() as server:
        server.redirects |= {"loop": "/loop"} | {f"{number}": f"/{number + 1}" for number in range(100)}
        for name in ("loop", "0"):
            with pytest.raises(SourceError, match=f"in a loop or more than {MOST_REDIRECTS} times"):
                open_source(camera(server.url(name)))
        assert len(server.asked) == 2 + 1 + MOST_REDIRECTS + 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "rtsp://127.0.0.1/x", "gopher://127.0.0.1/x"])
def test_another_protocol_is_not_followed(target: str) -> None:
    with MjpegServer(redirects={"video": target}) as server:
        with pytest.raises(SourceError, match="no http:// or https:// address: not followed") as caught:
            open_source(camera(server.url("video")))
        assert target in str(caught.value)


def test_the_login_goes_along_to_the_same_host_only() -> None:
    with MjpegServer() as there, MjpegServer() as here:
        here.redirects |= {"own": "/video.mjpg", "other": there.url("video.mjpg").replace("127.0.0.1", "localhost")}
        own, other = (
            _follow(locate(camera(here.url(name), username="me", password="s3"))) for name in ("own", "other")
        )
        assert own.url == here.url("video.mjpg").replace("http://", "http://me:s3@")
        assert (other.host, other.credentials, "s3" in other.url) == ("localhost", False, False)


def test_a_redirect_behind_a_login_is_followed() -> None:
    with MjpegServer(authorization="Basic bWU6czM=") as server:
        server.redirects["video"] = "/secret"
        with open_source(camera(server.url("video"), username="me", password="s3")) as source:
            assert next(source.frames()).picture.width == 320
        with pytest.raises(SourceError, match="401"):
            open_source(camera(server.url("video")))
