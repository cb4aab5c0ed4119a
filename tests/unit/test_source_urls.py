"""Where the user part of a camera's URL ends, however its password was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.config_file import parse_config
from streamer.errors import ConfigError
from streamer.source_urls import split_credentials, user_part_is_unclear


@pytest.mark.parametrize(
    ("rest", "user", "password", "remainder"),
    [
        ("host/path", "", "", "host/path"),
        ("u:p@host/path", "u", "p", "host/path"),
        ("u@host", "u", "", "host"),
        ("u:p%40q@host/path", "u", "p@q", "host/path"),  # encoded, as RFC 3986 wants it
        ("u:p@q@host/path", "u", "p@q", "host/path"),  # pasted as it is
        ("u:p/q@host/path", "u", "p/q", "host/path"),
        ("u:p#q@host/path", "u", "p#q", "host/path"),
        ("u:p@:/#%w x@host:554/path", "u", "p@:/#%w x", "host:554/path"),
        ("u:100%@host/path", "u", "100%", "host/path"),
        ("[fe80::1]:554/path", "", "", "[fe80::1]:554/path"),
        ("u:p@[fe80::1]:554/path", "u", "p", "[fe80::1]:554/path"),
        ("host/path?mail=a@b", "", "", "host/path?mail=a@b"),
        ("u:p@host/path?mail=a@b", "u", "p", "host/path?mail=a@b"),
    ],
)
def test_user_part_is_found(rest: str, user: str, password: str, remainder: str) -> None:
    assert split_credentials(rest) == (user, password, remainder)


@pytest.mark.parametrize(
    ("rest", "unclear"),
    [
        ("u:p@ss/w@cam", True),
        ("u:p@ss/w@cam:554/path", True),
        ("u:p@ss?w@cam", True),
        ("u:p@cam/path?mail=a@b", True),  # or a password with "@", "/" and "?"
        ("u:12/34@cam", True),  # or the host u at port 12
        ("u:p@cam/path", False),
        ("u:p@q@cam/path", False),
        ("u:p/q@cam/path", False),  # p is no port
        ("cam/video@2x.mjpg", False),
        ("10.0.0.1:8080/video@2x.mjpg", False),
        ("[fe80::1]:8080/video@2x.mjpg", False),
        ("cam:8080/video.mjpg", False),
    ],
)
def test_a_url_that_can_be_read_in_two_ways_is_told(rest: str, unclear: bool) -> None:
    assert user_part_is_unclear(rest) is unclear


@given(st.text("pw@/?#:", min_size=1, max_size=10))
def test_a_password_pasted_into_the_url_is_read_whole_or_refused(password: str) -> None:
    rest = f"u:{password}@10.9.8.7/path"
    assert user_part_is_unclear(rest) or split_credentials(rest)[1:] == (password, "10.9.8.7/path")


def test_the_refusal_shows_no_piece_of_the_password_and_says_what_to_do() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config("cameras: [{id: door, source: 'rtsp://u:first@second/third@cam/1'}]", name="config.yaml")
    [problem] = caught.value.problems
    assert problem.startswith("cameras[0].source: ")
    assert "username" in problem
    assert "%40" in problem
    assert not any(piece in str(caught.value) for piece in ("first", "second", "third"))
