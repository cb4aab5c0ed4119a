"""Who is let in: tokens, cookies, hosts and origins, on every route there is."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import httpx
import pytest
from starlette.routing import WebSocketRoute

from streamer.server.access import attempts
from streamer.server.access.sessions import COOKIE
from streamer.server.access.table import ROUTES
from tests.unit.server.asking import (
    BEARER,
    TOKEN,
    application,
    ask_websocket,
    browser,
    documented_operations,
    every_route,
    get,
    routes_of,
)

PUBLIC_PATHS = {key.partition(" ")[2] for key, needs in ROUTES.items() if needs is None}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong tokens are answered soon."""
    monkeypatch.setattr(attempts, "FAILURE_SECONDS", 0.001)


def test_without_the_token_every_route_is_refused_but_the_listed_ones() -> None:
    async def scenario() -> None:
        app = application(token=TOKEN)
        tried = set(every_route(app))
        assert documented_operations(app) <= tried
        assert {("GET", "/"), ("GET", "/openapi.json"), ("POST", "/login"), ("GET", "/static/anything.js")} <= tried
        async with browser(app) as client:
            for method, path in sorted(tried):
                answer = await client.request(method, path)
                if path in PUBLIC_PATHS:
                    assert answer.status_code < 400 or method == "POST", (method, path)
                else:
                    assert answer.status_code == 401, (method, path)
                    assert answer.headers["www-authenticate"].startswith("Bearer")
                    assert "lobby" not in answer.text

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "header",
    [
        "",
        TOKEN,
        f"Basic {TOKEN}",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN.upper()}",
        "Bearer \xff",
    ],
)
def test_anything_but_the_token_is_refused(header: str) -> None:
    app = application(token=TOKEN)
    headers = httpx.Headers({b"Authorization": header.encode("latin-1")})

    async def scenario() -> None:
        async with browser(app) as client:
            assert (await client.get("/api/v1/status", headers=headers)).status_code == 401
            # never in a URL
            assert (await client.get(f"/api/v1/status?token={TOKEN}&access_token={TOKEN}")).status_code == 401

    asyncio.run(scenario())


def test_with_the_token_routes_answer() -> None:
    app = application(token=TOKEN)
    for path in ("/api/v1/status", "/api/v1/cameras", "/metrics", "/docs", "/openapi.json"):
        assert asyncio.run(get(app, path, **BEARER)).status_code == 200, path


def test_a_browser_signs_in_and_out() -> None:
    async def scenario() -> None:
        async with browser(application(token=TOKEN), Accept="text/html") as client:
            refused = await client.get("/docs")
            assert (refused.status_code, "<form" in refused.text) == (401, True)
            assert 'value="/docs"' in refused.text
            signed_in = await client.post("/login", data={"token": TOKEN, "target": "/docs"})
            assert (signed_in.status_code, signed_in.headers["location"]) == (303, "/docs")
            cookie = signed_in.headers["set-cookie"]
            assert "HttpOnly" in cookie
            assert "samesite=strict" in cookie.lower()
            assert "secure" not in cookie.lower()
            assert TOKEN not in cookie
            assert (await client.get("/docs")).status_code == 200
            copied = {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}"}
            await client.post("/logout")
            assert (await client.get("/docs")).status_code == 401
            assert (await client.get("/docs", headers=copied)).status_code == 401

    asyncio.run(scenario())


def test_a_session_that_was_signed_out_of_or_replaced_opens_no_websocket_also_when_its_cookie_was_copied() -> None:
    app = application(token=TOKEN)

    async def cookies() -> list[str]:
        async with browser(app) as client:
            found = []
            for _ in range(2):
                await client.post("/login", data={"token": TOKEN})
                found.append(client.cookies[COOKIE])
            await client.post("/logout")
            await client.post("/login", data={"token": TOKEN})
            return [*found, client.cookies[COOKIE]]

    opened = []
    for cookie in asyncio.run(cookies()):
        sent, _ = ask_websocket(app, {"Host": "127.0.0.1:8000", "Cookie": f"{COOKIE}={cookie}"})
        opened.append(sent[0]["type"])
    assert opened == ["websocket.http.response.start", "websocket.http.response.start", "websocket.accept"]


def test_behind_tls_the_cookie_is_for_tls_only() -> None:
    async def scenario() -> None:
        async with browser(application(token=TOKEN), "https://cams.example") as client:
            answer = await client.post("/login", data={"token": TOKEN})
            assert "secure" in answer.headers["set-cookie"].lower()

    asyncio.run(scenario())


@pytest.mark.parametrize("by", ["form", "header"])
def test_wrong_tokens_are_delayed_and_limited_without_blocking_others(by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "FAILURE_SECONDS", 0.4)
    app = application(token=TOKEN)

    def attempt(client: httpx.AsyncClient, token: str) -> Any:
        if by == "form":
            return client.post("/login", data={"token": token})
        return client.get("/api/v1/status", headers={"Authorization": f"Bearer {token}"})

    async def scenario() -> None:
        async with browser(app) as client, browser(app, client_host="192.0.2.7") as elsewhere:
            begun = time.monotonic()
            failing = [asyncio.create_task(attempt(client, f"wrong {i}")) for i in range(25)]
            await asyncio.sleep(0.05)
            assert (await client.get("/healthz")).status_code == 200
            assert (await attempt(client, TOKEN)).status_code == 429  # not looked at: it might be the next guess
            assert (await attempt(elsewhere, TOKEN)).status_code in {200, 303}
            assert time.monotonic() - begun < 0.4
            answers = [answer.status_code for answer in await asyncio.gather(*failing)]
            assert time.monotonic() - begun >= 0.4
            assert (answers.count(401), answers.count(429)) == (20, 5)
            assert (await attempt(client, TOKEN)).status_code in {200, 303}

    asyncio.run(scenario())


def test_a_huge_form_is_refused() -> None:
    async def scenario() -> None:
        async with browser(application(token=TOKEN)) as client:
            assert (await client.post("/login", data={"token": "x" * 10_000})).status_code == 413

    asyncio.run(scenario())


def test_a_form_of_many_fields_is_refused() -> None:
    async def scenario() -> None:
        async with browser(application(token=TOKEN)) as client:
            many = {"token": TOKEN, **{f"field{i}": "x" for i in range(20)}}
            answer = await client.post("/login", data=many)
            assert (answer.status_code, answer.json()["detail"]) == (400, "the form may have 10 fields")

    asyncio.run(scenario())


def test_who_leaves_in_the_midst_of_the_form_leaves_no_error_behind() -> None:
    app = application(token=TOKEN)
    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"token=", "more_body": True},
        {"type": "http.disconnect"},
    ]
    statuses = []

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/login",
        "raw_path": b"/login",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8000"), (b"content-length", b"40")],
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
    }
    asyncio.run(app(scope, receive, send))  # raises what the server would log
    assert statuses == [400]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/docs", "/docs"),
        ("/?camera=lobby", "/?camera=lobby"),
        ("", "/"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
    ],
)
def test_a_login_leads_to_this_server_only(target: str, expected: str) -> None:
    async def scenario() -> None:
        async with browser(application(token=TOKEN)) as client:
            answer = await client.post("/login", data={"token": TOKEN, "target": target})
            assert answer.headers["location"] == expected

    asyncio.run(scenario())


def test_what_a_refused_page_is_called_is_escaped_in_the_form() -> None:
    answer = asyncio.run(get(application(token=TOKEN), '/static/"><script>x</script>', Accept="text/html"))
    assert answer.status_code == 401
    assert "<script>x" not in answer.text


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1:8000", True),
        ("localhost", True),
        ("LOCALHOST:8000", True),
        ("[::1]:8000", True),
        ("cams.example", True),  # listed
        ("attacker.example:8000", False),
        ("127.0.0.1.attacker.example", False),
        ("", False),
    ],
)
def test_on_loopback_only_its_own_names_are_served(host: str, allowed: bool) -> None:
    app = application(allowed_origins=("https://cams.example",))
    assert asyncio.run(get(app, "/api/v1/status", Host=host)).status_code == (200 if allowed else 403)


def test_with_a_token_any_name_is_served() -> None:
    guarded = application(token=TOKEN)
    assert asyncio.run(get(guarded, "/api/v1/status", **BEARER, Host="cams.example")).status_code == 200


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("192.168.1.20:8000", True),
        ("[fe80::1]:8000", True),
        ("localhost:8000", True),
        (f"{socket.gethostname()}:8000", True),
        (f"{socket.gethostname().partition('.')[0]}.local", True),
        ("cams.example", True),  # listed
        ("cams.example:8000", False),  # another port is another server
        ("attacker.example:8000", False),
        ("192.168.1.20.attacker.example", False),
        (f"{socket.gethostname()}.attacker.example", False),
        ("", False),
    ],
)
def test_without_a_token_on_a_network_no_other_site_s_name_is_served(host: str, allowed: bool) -> None:
    app = application(host="0.0.0.0", auth="none", allowed_origins=("https://cams.example",))  # noqa: S104 - nothing listens
    answer = asyncio.run(get(app, "/api/v1/status", Host=host))
    assert answer.status_code == (200 if allowed else 403)
    assert allowed or "server.allowed_origins" in answer.json()["detail"]


def test_without_a_token_the_name_on_which_it_listens_is_served() -> None:
    app = application(host="cams.lan", auth="none")
    assert asyncio.run(get(app, "/api/v1/status", Host="cams.lan:8000")).status_code == 200


def test_without_a_token_a_page_under_another_site_s_name_neither_writes_nor_watches() -> None:
    """As a browser asks for it when that name was made to resolve to this machine: the Origin equals the Host."""
    app = application(host="0.0.0.0", auth="none")  # noqa: S104 - nothing listens
    rebound = {"Host": "attacker.example:8000", "Origin": "http://attacker.example:8000"}

    async def scenario() -> None:
        async with browser(app, **rebound) as client:
            answer = await client.put("/api/v1/cameras/lobby/rules", json={"lines": [], "zones": []})
            assert answer.status_code == 403

    asyncio.run(scenario())
    sent, listened = ask_websocket(app, rebound)
    assert (sent[0]["type"], sent[0]["status"], listened) == ("websocket.http.response.start", 403, False)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:8000", 303),
        ("https://trusted.example", 303),
        ("https://attacker.example", 403),
        ("http://127.0.0.1:9999", 403),
        ("null", 403),
    ],
)
def test_a_form_of_another_site_is_refused(origin: str, status: int) -> None:
    async def scenario() -> None:
        app = application(token=TOKEN, allowed_origins=("https://trusted.example/",))
        async with browser(app) as client:
            answer = await client.post("/login", data={"token": TOKEN}, headers={"Origin": origin})
            assert answer.status_code == status

    asyncio.run(scenario())


def test_every_change_is_refused_to_pages_of_other_sites_also_with_a_cookie() -> None:
    async def scenario() -> None:
        app = application(token=TOKEN)
        changes = {(method, path) for method, path in every_route(app) if method not in {"GET", "HEAD", "OPTIONS"}}
        assert ("PUT", "/api/v1/cameras/lobby/rules") in changes
        async with browser(app) as client:
            await client.post("/login", data={"token": TOKEN})
            for method, path in sorted(changes):
                for origin in ("https://attacker.example", "null", "http://127.0.0.1:8000.attacker.example"):
                    answer = await client.request(method, path, json={}, headers={"Origin": origin})
                    assert answer.status_code == 403, (method, path, origin)

    asyncio.run(scenario())


def test_the_page_itself_may_draw_rules_and_a_program_with_the_token_too() -> None:
    async def scenario() -> None:
        async with browser(application(token=TOKEN)) as client:
            path = "/api/v1/cameras/lobby/rules"
            empty: dict[str, Any] = {"lines": [], "zones": []}
            assert (await client.put(path, json=empty, headers=BEARER)).status_code != 401
            await client.post("/login", data={"token": TOKEN})
            answer = await client.put(path, json=empty, headers={"Origin": "http://127.0.0.1:8000"})
            assert answer.status_code not in {401, 403}

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Cookie": f"{COOKIE}=9999999999.config.00"}, 401),
        ({"Authorization": f"Bearer {TOKEN}", "Origin": "https://attacker.example"}, 403),
    ],
)
def test_a_stranger_s_websocket_is_refused_before_any_message_of_whatever_type_is_read(
    headers: dict[str, str], status: int
) -> None:
    """No message type can be reached past the handshake: so none needs a check of its own."""
    app = application(token=TOKEN)
    [path] = [route.path for route in routes_of(app) if isinstance(route, WebSocketRoute)]
    assert path == "/ws"
    sent, listened = ask_websocket(app, {"Host": "127.0.0.1:8000", **headers})
    assert sent[0]["type"] == "websocket.http.response.start"
    assert sent[0]["status"] == status
    assert not listened
