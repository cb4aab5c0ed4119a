from __future__ import annotations

import io
import logging
import time

import pytest

from streamer.redaction import RedactingFilter, redact, redact_document, register_secret


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rtsp://user:pass@10.0.0.9/live failed", "rtsp://***@10.0.0.9/live failed"),
        ("rtsp://us%40er:p%3Aw@cam:554/a?b=c", "rtsp://***@cam:554/a?b=c"),
        # a password written into the URL unencoded, with everything that can confuse a parser
        ("rtsp://user:p@ss:w/o#r%d@cam/a", "rtsp://***@cam/a"),
        ("two: http://a:b@c/ and rtsps://d:e@f/", "two: http://***@c/ and rtsps://***@f/"),
        ("no user: rtsp://cam/a, mail me@example.org", "no user: rtsp://cam/a, mail me@example.org"),
        ("rtsp:/me:pw@cam and RTSP//me:pw@cam", "rtsp:/***@cam and RTSP//***@cam"),
        ("asked over HTTP/1.1 by me@example.org", "asked over HTTP/1.1 by me@example.org"),
        ("'rtsp://u:p@h/x'", "'rtsp://***@h/x'"),
    ],
)
def test_the_user_part_of_urls_is_masked(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_a_registered_secret_is_masked_wherever_it_stands_and_however_encoded() -> None:
    register_secret("tr0ub/@dor:#%")
    for text in (
        "login tr0ub/@dor:#% refused",
        "login tr0ub%2F%40dor%3A%23%25 refused",
        "login tr0ub/%40dor%3A%23%25 refused",
    ):
        assert redact(text) == "login *** refused"


def test_a_token_that_was_made_here_is_redacted_wherever_somebody_puts_it() -> None:
    token = "streamer_" + "aB3-_" * 8 + "xyz"
    assert redact(f"127.0.0.1 - WebSocket /ws?token={token} 401") == "127.0.0.1 - WebSocket /ws?token=*** 401"
    assert redact("streamer_session is a cookie") == "streamer_session is a cookie"


def test_a_log_record_is_redacted_in_its_arguments_and_its_traceback() -> None:
    stream = io.StringIO()
    logger = logging.getLogger("test-of-redaction")
    logger.propagate = False
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactingFilter())
    logger.addHandler(handler)
    error = OSError("can't open rtsp://me:marked-secret@cam/1")
    logger.error("source %s", "rtsp://me:marked-secret@cam/1", exc_info=error)
    assert "marked-secret" not in stream.getvalue()
    assert stream.getvalue().count("rtsp://***@cam/1") == 2


@pytest.mark.parametrize(
    "text", ["a" * 200_000 + "://@", "://" * 100_000 + "@", "rtsp://" + "a@" * 100_000, "@://" * 100_000]
)
def test_no_text_takes_long(text: str) -> None:
    begin = time.perf_counter()
    redact(text)
    assert time.perf_counter() - begin < 2  # quadratic ways take minutes


def test_a_password_that_is_a_common_word_or_number_takes_no_key_and_no_figure_along() -> None:
    for secret in ("1234", "camera", "live"):
        register_secret(secret)
    document = {
        "cameras": [
            {"id": "camera1", "state": "live", "frames": 51234, "reason": "camera said 1234", "x": ("live", 1.5)}
        ],
        "reasons": {"camera1": "failed: 1234"},
    }
    assert redact_document(document) == {
        "cameras": [{"id": "camera1", "state": "live", "frames": 51234, "reason": "*** said ***", "x": ["live", 1.5]}],
        "reasons": {"camera1": "failed: ***"},
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # passwords beyond the user part, as many cameras want them
        ("http://cam/video.cgi?user=admin&pwd=secret&n=1", "http://cam/video.cgi?user=admin&pwd=***&n=1"),
        ("rtsp://cam/user=admin_password=tl_Jwpbo_channel=1.sdp", "rtsp://cam/user=admin_password=***_channel=1.sdp"),
        ("http://cam/?Password=a_b/c", "http://cam/?Password=***"),
        ("rtsp://cam/?token=abc;x", "rtsp://cam/?token=***;x"),
    ],
)
def test_passwords_in_the_path_or_query_are_masked(text: str, expected: str) -> None:
    assert redact(text) == expected
