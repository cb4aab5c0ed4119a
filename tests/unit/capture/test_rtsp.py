"""RTSP's requests, answers and logins."""

from __future__ import annotations

import pytest

from streamer.capture.rtsp import Answer, authorization, request


def test_answer_is_taken_apart() -> None:
    answer = Answer.parse(
        b"RTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\nWWW-Authenticate: Basic\r\nwww-authenticate: Digest x"
    )
    assert answer.status == 401
    assert answer.first("cseq") == "2"
    assert answer.all("www-authenticate") == ["Basic", "Digest x"]
    assert not answer.first("location")


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK", b"RTSP/1.0 2x0", b"\xff\xfe"])
def test_what_is_no_rtsp_is_refused(head: bytes) -> None:
    with pytest.raises(ValueError, match="RTSP"):
        Answer.parse(head)


def test_the_answer_of_another_protocol_is_none() -> None:
    assert Answer.parse(b"HTTP/1.1 302 Found\r\nLocation: /x", "HTTP").first("location") == "/x"
    with pytest.raises(ValueError, match="not an HTTP answer"):
        Answer.parse(b"RTSP/1.0 302 Found\r\nLocation: /x", "HTTP")


def test_a_request_ends_with_an_empty_line_and_asks_for_sdp() -> None:
    text = request("DESCRIBE", "rtsp://cam/1", 3, "Basic eA==").decode()
    assert text.startswith("DESCRIBE rtsp://cam/1 RTSP/1.0\r\nCSeq: 3\r\n")
    assert "Accept: application/sdp" in text
    assert text.endswith("Authorization: Basic eA==\r\n\r\n")


def test_digest_without_qop_is_that_of_rfc_2069() -> None:
    challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    login = authorization([challenge], "GET", "/dir/index.html", "Mufasa", "CircleOfLife")
    assert 'response="1949323746fe6a43ef61f9606e7febea"' in login  # the RFC's example, as its erratum 749 has it
    assert "qop" not in login


def test_digest_with_qop_is_that_of_rfc_2617(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _size: "0a4f113b")
    digest = (
        'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    login = authorization(['Basic realm="x"', digest], "GET", "/dir/index.html", "Mufasa", "Circle Of Life")
    assert 'response="6629fae49393a05397450978507c4ef1"' in login  # the RFC's example
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in login
    assert login.endswith("qop=auth, nc=00000001")


_ASKED = (  # RFC 7616, 3.9.1
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
_SHA_256, _MD5, _BASIC = _ASKED.format("SHA-256"), _ASKED.format("MD5"), 'Basic realm="x"'


@pytest.mark.parametrize(
    ("challenges", "algorithm", "response"),
    [
        ([_SHA_256], "SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ([_MD5], "MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ([_SHA_256, _MD5], "SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ([_BASIC, _MD5, _SHA_256], "SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ([_MD5, _ASKED.format("SHA-512-256"), _BASIC], "MD5", "8ca523f5e9506fed4657c9700eebdbec"),
    ],
)
def test_the_strongest_digest_is_answered_as_in_rfc_7616(
    challenges: list[str], algorithm: str, response: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _size: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    login = authorization(challenges, "GET", "/dir/index.html", "Mufasa", "Circle of Life")
    assert login.startswith("Digest ")
    assert f'response="{response}"' in login
    assert f"algorithm={algorithm}" in login


def test_basic_is_taken_where_no_digest_is_understood() -> None:
    login = authorization([_ASKED.format("SHA-512-256"), _BASIC], "OPTIONS", "rtsp://cam", "me", "pass")
    assert login == "Basic bWU6cGFzcw=="


@pytest.mark.parametrize(
    "challenges",
    [[], ["Negotiate"], ["Digest"], ['Digest realm="r"'], ['Digest realm="r", nonce="n", algorithm=SHA-512-256']],
)
def test_a_challenge_that_is_not_understood_is_not_answered(challenges: list[str]) -> None:
    assert not authorization(challenges, "DESCRIBE", "rtsp://cam/1", "me", "pass")


def test_basic_is_user_and_password() -> None:
    assert authorization(["Basic realm=x"], "OPTIONS", "rtsp://cam", "me", "pass") == "Basic bWU6cGFzcw=="
