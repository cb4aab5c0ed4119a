"""Who asks, and for what: behind a proxy that is trusted, one that isn't, and none."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from streamer.server.app import create_app
from streamer.server.forwarding import ProxiedRequests, path_prefix_of
from tests.server_harness import make_services

PROXIES = ["10.0.0.1", "192.168.7.0/24", "fd00::/64"]


def passed_on(peer: str | None, *, path: str = "/", kind: str = "http", prefix: str = "", **headers: str) -> Any:
    """The scope that the application is given."""
    seen: list[Any] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope)

    async def nothing(*_: Any) -> Any:
        raise AssertionError

    scope = {
        "type": kind,
        "path": path,
        "raw_path": path.encode(),
        "scheme": "http" if kind == "http" else "ws",
        "client": None if peer is None else (peer, 40000),
        "headers": [(b"host", b"inside:8000")]
        + [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(ProxiedRequests(application, proxies=PROXIES, path_prefix=prefix)(scope, nothing, nothing))
    [given] = seen
    return given


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("192.168.7.20", "203.0.113.9", "203.0.113.9"),
        ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),  # as a socket for both kinds of addresses tells it
        ("fd00::5", "2001:db8::7", "2001:db8::7"),
        # what the client itself wrote in front is not believed
        ("10.0.0.1", "127.0.0.1, 203.0.113.9", "203.0.113.9"),
        # two proxies, both trusted
        ("10.0.0.1", "203.0.113.9, 192.168.7.20", "203.0.113.9"),
        ("10.0.0.1", "unknown, 192.168.7.20", "192.168.7.20"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        # not a proxy of ours
        ("10.0.0.2", "203.0.113.9", "10.0.0.2"),
        ("127.0.0.1", "203.0.113.9", "127.0.0.1"),
    ],
)
def test_the_client_is_whom_the_trusted_proxy_saw(peer: str, said: str, client: str) -> None:
    assert passed_on(peer, x_forwarded_for=said)["client"][0] == client


def test_scheme_and_host_are_what_the_nearest_trusted_proxy_says() -> None:
    said = {"x_forwarded_proto": "http, https", "x_forwarded_host": "evil.example, cams.example"}
    scope = passed_on("10.0.0.1", **said)
    assert (scope["scheme"], dict(scope["headers"])[b"host"]) == ("https", b"cams.example")
    assert passed_on("10.0.0.1", kind="websocket", **said)["scheme"] == "wss"
    assert passed_on("10.0.0.1", x_forwarded_proto="javascript")["scheme"] == "http"


@pytest.mark.parametrize("peer", ["10.0.0.2", None])
def test_nobody_else_is_believed_and_nothing_of_it_is_passed_on(peer: str | None) -> None:
    said = {"x_forwarded_proto": "https", "x_forwarded_host": "evil.example", "x_forwarded_for": "127.0.0.1"}
    scope = passed_on(peer, **said)
    assert scope["scheme"] == "http"
    assert scope["headers"] == [(b"host", b"inside:8000")]
    assert scope["client"] == (None if peer is None else (peer, 40000))


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("/cams/", "/"),
        ("/cams/api/v1/status", "/api/v1/status"),
        ("/api/v1/status", "/api/v1/status"),  # the proxy has taken the prefix off
        ("/camshaft", "/camshaft"),
        ("/cams", "/cams"),
        ("/cams/cams/x", "/cams/x"),
        ("/cams//evil.example", "//evil.example"),
    ],
)
def test_the_prefix_is_taken_off_once_and_whole(path: str, seen: str) -> None:
    scope = passed_on("10.0.0.2", path=path, prefix="/cams")
    assert (scope["path"], scope["raw_path"], path_prefix_of(scope)) == (seen, seen.encode(), "/cams")


def test_below_a_prefix_pages_links_cookies_and_the_api_s_description_name_it() -> None:
    async def scenario() -> None:
        token = "a-token-of-the-tests-0123456789"
        services, _ = make_services(token=token, path_prefix="/cams/", trusted_proxies=["127.0.0.1"])
        transport = httpx.ASGITransport(app=create_app(services))
        forwarded = {"X-Forwarded-Host": "cams.example", "X-Forwarded-Proto": "https"}
        async with httpx.AsyncClient(transport=transport, base_url="http://inside:8000", headers=forwarded) as client:
            form = await client.get("/cams/docs", headers={"Accept": "text/html"})
            assert form.status_code == 401
            assert 'action="/cams/login"' in form.text
            assert 'href="/cams/login.css"' in form.text
            signed_in = await client.post(
                "/cams/login", data={"token": token, "target": "/docs"}, headers={"Origin": "https://cams.example"}
            )
            assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/cams/docs")
            cookie = signed_in.headers["set-cookie"].lower()
            assert "path=/cams;" in cookie
            assert "secure" in cookie
            bearer = {"Authorization": f"Bearer {token}"}
            assert (await client.get("/openapi.json", headers=bearer)).json()["servers"] == [{"url": "/cams"}]
            assert "/cams/api/v1/status" in (await client.get("/cams/docs", headers=bearer)).text
            assert (await client.post("/cams/logout", headers=bearer)).headers["location"] == "/cams/login"

    asyncio.run(scenario())
