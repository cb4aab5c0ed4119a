"""Redirects of RTSP cameras: followed a few times, to RTSP only, and with the password only to the same host."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest

from streamer.capture.addresses import Address, locate
from streamer.capture.redirects import MOST_REDIRECTS, Way, follow_redirects
from streamer.errors import SourceError
from tests.system.faults.rtsp_script import Answer, Script, ScriptedRtsp, plays, redirects, refuses, says_nothing
from tests.system.program import eventually
from tests.watching import camera


def _at(url: str, **more: str) -> Address:
    return locate(camera(url, **more))


def _follow(at: Address, timeout: float) -> Address:
    with contextlib.ExitStack() as held:
        return follow_redirects(at, timeout, held)


@contextlib.contextmanager
def _served(*scripts: Script) -> Iterator[list[ScriptedRtsp]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(ScriptedRtsp(script)) for script in scripts]


def test_a_camera_that_does_not_redirect_is_where_it_is() -> None:
    with _served(plays(tuple)) as (server,):
        at = _at(server.url, username="me", password="secret-1")
        assert _follow(at, 5) is at
        assert server.asked == {"OPTIONS": 1, "DESCRIBE": 1}


def test_a_redirect_is_followed_and_the_login_goes_along_to_the_same_host() -> None:
    with _served(plays(tuple), says_nothing()) as (there, here):
        here.script = redirects(there.url)
        found = _follow(_at(here.url, username="me", password="secret-1"), 5)
        assert found.url == there.url.replace("rtsp://", "rtsp://me:secret-1@")
        assert found.credentials


def test_the_login_stays_when_the_host_changes() -> None:
    with _served(plays(tuple), says_nothing()) as (there, here):
        elsewhere = there.url.replace("127.0.0.1", "localhost")
        here.script = redirects(elsewhere)
        found = _follow(_at(here.url, username="me", password="secret-1"), 5)
        assert found.url == elsewhere
        assert not found.credentials


def test_a_login_that_the_redirect_names_is_used_and_shows_nowhere() -> None:
    with _served(plays(tuple), says_nothing()) as (there, here):
        here.script = redirects(there.url.replace("rtsp://", "rtsp://you:marked-secret@"))
        found = _follow(_at(here.url), 5)
        assert "you:marked-secret@" in found.url
        assert "marked-secret" not in f"{found} {found.shown}"


def test_a_camera_that_redirects_to_itself_is_asked_once_each() -> None:
    with _served(says_nothing()) as (server,):
        server.script = redirects(server.url)
        with pytest.raises(SourceError, match="in a loop") as caught:
            _follow(_at(server.url), 5)
        assert caught.value.retry
        assert server.asked == {"OPTIONS": 1, "DESCRIBE": 1}


def test_redirects_that_always_differ_are_bounded() -> None:
    with _served(says_nothing()) as (server,):
        number = iter(range(1000))
        server.script = Script(lambda _: Answer("302 Found", (f"Location: {server.url}/{next(number)}",)))
        with pytest.raises(SourceError, match=f"more than {MOST_REDIRECTS} times"):
            _follow(_at(server.url), 5)
        assert sum(server.asked.values()) == MOST_REDIRECTS + 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://127.0.0.1/x", "", "/other", "rtsp://", "rtp://h:1"])
def test_a_redirect_to_anything_but_rtsp_is_refused(target: str) -> None:
    with _served(redirects(target)) as (server,), pytest.raises(SourceError, match="not followed"):
        _follow(_at(server.url), 5)


def test_what_no_preflight_understands_is_left_to_ffmpeg() -> None:
    with _served(refuses("404 Not Found"), refuses("501 Not Implemented", at="OPTIONS")) as servers:
        for server in servers:
            at = _at(server.url)
            assert _follow(at, 5) is at


def test_a_refused_login_is_tried_once() -> None:
    challenge = Answer("401 Unauthorized", ('WWW-Authenticate: Digest realm="r", nonce="n"',))
    with _served(Script(lambda _: challenge)) as (server,):
        with pytest.raises(SourceError, match="refused the user name or password"):
            _follow(_at(server.url, username="me", password="secret-1"), 5)
        assert server.asked == {"OPTIONS": 2}


def test_a_camera_that_never_answers_is_given_up_in_time() -> None:
    with _served(says_nothing()) as (server,):
        begin = time.monotonic()
        with pytest.raises(TimeoutError):
            _follow(_at(server.url), 0.3)
        assert time.monotonic() - begin < 5


def test_a_camera_is_asked_again_only_after_an_attempt_that_did_not_open() -> None:
    with _served(plays(tuple)) as (server,):
        way, at = Way(), _at(server.url)
        for _ in range(3):
            with way.led(at, 5) as found:
                assert found is at
        assert server.asked["DESCRIBE"] == 1
        with pytest.raises(SourceError), way.led(at, 5):
            raise SourceError("does not open")
        with way.led(at, 5):
            assert server.asked["DESCRIBE"] == 2


def test_the_connection_is_held_while_ffmpeg_opens_every_other_time_that_this_fails() -> None:
    with _served(plays(tuple)) as (server,):
        way, at = Way(), _at(server.url)
        for _ in range(2):
            with contextlib.suppress(SourceError), way.led(at, 5):
                assert server.connected == 1
                raise SourceError("no answer")
            with contextlib.suppress(SourceError), way.led(at, 5):
                eventually("the connection is closed", lambda: server.connected == 0)
                raise SourceError("no answer")


def test_the_connection_is_held_after_a_camera_that_was_known_went_away() -> None:
    with _served(plays(tuple)) as (server,):
        way, at = Way(), _at(server.url)
        with way.led(at, 5):
            pass
        with contextlib.suppress(SourceError), way.led(at, 5):
            raise SourceError("refused")
        eventually("the connection is closed", lambda: server.connected == 0)
        with way.led(at, 5):
            assert server.connected == 1


@contextlib.contextmanager
def _host_of(monkeypatch: pytest.MonkeyPatch, port: int, *, deaf: int) -> Iterator[None]:
    """Every name has so many addresses at which nobody answers, and then that of this machine."""
    addresses = [f"127.0.0.{number}" for number in range(2, 2 + deaf)]
    with contextlib.ExitStack() as stack:
        for address in addresses:
            stack.enter_context(socket.create_server((address, port), backlog=0))
            filler = stack.enter_context(socket.create_connection((address, port)))  # one more isn't answered
            assert filler.getpeername()[0] == address
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (each, port)) for each in (*addresses, "127.0.0.1")]
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
        yield


def test_the_addresses_of_a_host_share_the_time() -> None:
    with _served(plays(tuple)) as (server,), pytest.MonkeyPatch.context() as patch:
        at = _at(server.url)
        with _host_of(patch, server.port, deaf=2):
            begin = time.monotonic()
            assert _follow(at, 3) is at
            assert time.monotonic() - begin > 1, "both were waited for"
        assert server.asked["DESCRIBE"] == 1


def test_many_addresses_that_do_not_answer_take_no_longer_than_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = int(unused.getsockname()[1])
    at = _at(f"rtsp://127.0.0.1:{port}/cam")
    with pytest.MonkeyPatch.context() as patch, _host_of(patch, port, deaf=20):
        begin = time.monotonic()
        with pytest.raises(ConnectionRefusedError):  # by the last one
            _follow(at, 1)
        assert time.monotonic() - begin < 4


@pytest.mark.parametrize(
    "target",
    [
        "rtsp://127.0.0.1:1x/@localhost/x",  # FFmpeg ends the host at the first slash, and reads the port up to the x
        "rtsp://127.0.0.1:1x#@localhost/x",
        "rtsp://127.0.0.1:1x?@localhost/x",
    ],
)
def test_a_redirect_that_ffmpeg_would_read_as_another_host_is_refused(target: str) -> None:
    with _served(redirects(target)) as (server,), pytest.raises(SourceError, match="which is no address"):
        _follow(_at(server.url), 5)


def test_tls_is_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with _served(redirects("rtsp://127.0.0.1/plain")) as (server,):
        at = _at(server.url.replace("rtsp://", "rtsps://"))
        # The test is of where it may lead; a real TLS server is in the system tests.
        monkeypatch.setattr("ssl.SSLContext.wrap_socket", lambda _self, connection, **_: connection)
        with pytest.raises(SourceError, match="no rtsps:// address"):
            _follow(at, 5)


@pytest.mark.parametrize("host", ["localhost", "[::ffff:127.0.0.1]", "[::]"])
def test_a_camera_of_the_network_can_not_redirect_to_this_machine(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    with _served(redirects(f"rtsp://{host}:9/x")) as (server,):
        monkeypatch.setattr(socket.socket, "getpeername", lambda _self: ("192.0.2.7", 554))
        with pytest.raises(SourceError, match="redirects to this machine"):
            _follow(_at(server.url), 5)


def test_a_redirect_to_a_name_that_can_not_be_is_left_to_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    with _served(redirects("rtsp://a..b/x")) as (server,):
        monkeypatch.setattr(socket.socket, "getpeername", lambda _self: ("192.0.2.7", 554))
        assert _follow(_at(server.url), 5).url == "rtsp://a..b/x"
