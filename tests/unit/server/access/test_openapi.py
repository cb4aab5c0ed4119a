"""The OpenAPI document says of each route what the table of the guard says."""

from __future__ import annotations

import asyncio
from typing import Any

from streamer.server.access.sessions import COOKIE
from streamer.server.access.table import ROUTES
from tests.unit.server.asking import BEARER, TOKEN, application, browser, get


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """As the table names them."""
    return {
        f"{'GET' if method == 'head' else method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_each_operation_declares_what_the_table_says() -> None:
    found = operations(application(token=TOKEN).openapi())
    assert {"GET /healthz", "POST /analyze", "GET /metrics", "PUT /api/v1/cameras/{camera_id}/rules"} <= set(found)
    for key, operation in found.items():
        needs = ROUTES[key]
        assert operation["security"] == ([] if needs is None else [{"bearer": []}, {"session": []}]), key
        assert operation.get("x-roles") == (None if needs is None else sorted(needs)), key


def test_by_what_it_declares_a_request_is_let_in() -> None:
    app = application(token=TOKEN)
    document = app.openapi()
    schemes = document["components"]["securitySchemes"]
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    assert (schemes["session"]["type"], schemes["session"]["in"]) == ("apiKey", "cookie")
    assert "/ws?ticket=" in document["info"]["description"]

    async def scenario() -> None:
        async with browser(app) as client:
            await client.post("/login", data={"token": TOKEN})
            cookie = {"Cookie": f"{schemes['session']['name']}={client.cookies[COOKIE]}"}
        for headers in (cookie, BEARER):
            assert (await get(app, "/api/v1/status", **headers)).status_code == 200

    asyncio.run(scenario())


def test_where_nobody_is_asked_for_anything_nothing_is_declared() -> None:
    document = application().openapi()
    assert "securitySchemes" not in document["components"]
    assert all("security" not in operation for operation in operations(document).values())
    assert "Authorize" not in asyncio.run(get(application(), "/docs")).text


def test_the_page_of_the_documentation_says_how_to_authorize_and_who_may() -> None:
    page = asyncio.run(get(application(token=TOKEN), "/docs", **BEARER)).text
    assert "<h2>Authorize</h2>" in page
    assert f"the cookie {COOKIE}" in page
    assert "Authorize: bearer or session, of the role admin or metrics</p>" in page
    healthz = page.partition("GET /healthz</code>")[2].partition("<h2>")[0]
    assert "Authorize" not in healthz
