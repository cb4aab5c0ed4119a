"""Asks an application, as browsers and programs do; and which routes it has."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route, WebSocketRoute

from streamer.server.app import create_app
from tests.server_harness import make_services

TOKEN = "a-token-of-the-tests-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def application(**overrides: Any) -> FastAPI:
    """Over the harness' cameras; see `make_services`."""
    services, _ = make_services(**overrides)
    return create_app(services)


@contextlib.asynccontextmanager
async def browser(
    app: FastAPI, base_url: str = "http://127.0.0.1:8000", *, client_host: str = "127.0.0.1", **headers: str
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application. client_host: the address that it comes from."""
    transport = httpx.ASGITransport(app=app, client=(client_host, 50000))
    async with httpx.AsyncClient(transport=transport, base_url=base_url, headers=headers) as client:
        yield client


async def get(app: FastAPI, path: str, base_url: str = "http://127.0.0.1:8000", **headers: str) -> httpx.Response:
    """One answer."""
    async with browser(app, base_url) as client:
        return await client.get(path, headers=headers)


def routes_of(router: Any) -> Iterator[Any]:
    """Its routes, and those of the routers that it includes, at any depth."""
    for route in router.routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from routes_of(included)


def every_route(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of each HTTP route, asked of the application: a route that is added is tried, too."""
    for route in routes_of(app):
        if isinstance(route, Mount):
            yield "GET", f"{route.path}/anything.js"
        elif isinstance(route, Route | APIRoute):
            for method in route.methods or ():
                yield method, route.path.replace("{camera_id}", "lobby")
        else:
            assert isinstance(route, WebSocketRoute), f"a kind of route that no test here knows: {route!r}"


def documented_operations(app: FastAPI) -> set[tuple[str, str]]:
    """What the OpenAPI document says there is."""
    return {
        (method.upper(), path.replace("{camera_id}", "lobby"))
        for path, operations in app.openapi()["paths"].items()
        for method in operations
    }


def ask_websocket(
    app: FastAPI, headers: dict[str, str], query: str = f"token={TOKEN}"
) -> tuple[list[dict[str, Any]], bool]:
    """What is answered to a handshake, and whether the application asked for a message of the client."""
    sent: list[dict[str, Any]] = []
    listened = False
    handshakes = iter([{"type": "websocket.connect"}])

    async def receive() -> dict[str, Any]:
        nonlocal listened
        handshake = next(handshakes, None)
        if handshake is None:
            listened = True
            return {"type": "websocket.disconnect", "code": 1000}
        return handshake

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/ws",
        "raw_path": b"/ws",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "subprotocols": ["streamer.v1"],
        "extensions": {"websocket.http.response": {}},
        "scheme": "ws",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
    }
    asyncio.run(app(scope, receive, send))
    return sent, listened
