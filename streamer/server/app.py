"""Puts the routes together, and serves them on one port in the running loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from streamer import __version__
from streamer.server import api
from streamer.server.access.authentication import Authenticator
from streamer.server.access.openapi import HOW_TO_AUTHORIZE, declare_security
from streamer.server.access.table import check_complete
from streamer.server.access.ticket_api import ticket_router
from streamer.server.auth import Guard, login_router
from streamer.server.bodies import BoundedBodies
from streamer.server.broadcaster import Broadcaster
from streamer.server.connections import ConnectionLimits
from streamer.server.documentation import documentation_page
from streamer.server.footfall_api import footfall_router
from streamer.server.forwarding import ProxiedRequests, path_prefix_of
from streamer.server.heat_api import heat_router
from streamer.server.http_protocol import ViewerHttpProtocol
from streamer.server.images import image_router
from streamer.server.listeners import listen
from streamer.server.problems import install_problem_handlers, problem_response
from streamer.server.protocol import MAX_MESSAGE, MESSAGE_TYPES
from streamer.server.rules_api import rules_router
from streamer.server.services import Services
from streamer.server.tls import Certificate
from streamer.server.transport import ViewerWebSocketProtocol

__all__ = ["Server", "Services", "create_app"]

log = logging.getLogger(__name__)

_CANCEL_SECONDS = 0.2  # at a stop, from cutting off a connection to cancelling what still works for it
_STATIC = Path(__file__).parent / "static"
_DESCRIPTION = (
    "Faces, ages and genders from live cameras. Pictures and results are pushed over the websocket at /ws "
    "(subprotocol streamer.v1); here is what is asked for."
)
# Routes that receive bodies by themselves, within bounds of their own
_RECEIVE_THEMSELVES = ("/analyze", "/api/v1/analyze", "/login")
# Everything comes from this server; pictures are drawn from blobs.
_SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    # Pictures of people, and figures of the moment; static files say otherwise
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: with it browsers send the login form with `Origin: null`
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def create_app(services: Services) -> FastAPI:
    """The application. Its lifespan attaches the hub to the running loop, and ends all viewers.

    Raises ConfigError: the file of tokens can't be used.
    """
    broadcaster = Broadcaster(services)
    database = services.database
    authenticator = Authenticator(services.config.server, data=None if database is None else database.file)
    reached = services.config.server

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        broadcaster.start()
        yield
        await broadcaster.close()

    app = _Application(
        guarded=authenticator.guarded,
        title="streamer",
        version=__version__,
        description=f"{_DESCRIPTION} {HOW_TO_AUTHORIZE}" if authenticator.guarded else _DESCRIPTION,
        lifespan=lifespan,
        responses={
            401: problem_response("A token is needed, and none came, or a wrong one."),
            403: problem_response("Not allowed: to this token, or to pages of this Origin."),
        },
        servers=[{"url": reached.path_prefix}] if reached.path_prefix else None,
        docs_url=None,
        redoc_url=None,
        # They would lead to what the Host header says, and out of the path prefix
        redirect_slashes=False,
    )
    app.state.broadcaster = broadcaster
    install_problem_handlers(app)
    app.include_router(image_router(services))  # first, as it is asked most often by far
    app.include_router(api.router)
    app.include_router(heat_router(services))
    app.include_router(footfall_router(services))
    app.include_router(rules_router(services))
    app.include_router(login_router(authenticator))
    app.include_router(ticket_router(authenticator.tickets))
    app.mount("/static", _StaticFiles(directory=_STATIC, check_dir=False), name="static")
    _add_pages(app, broadcaster)
    check_complete(app.routes, MESSAGE_TYPES)
    # The last added is the outermost: who is refused is so before a body is read, and with the security headers
    app.add_middleware(BoundedBodies, but=_RECEIVE_THEMSELVES)
    app.add_middleware(Guard, config=services.config.server, authenticator=authenticator)
    app.add_middleware(_SecurityHeaders)
    app.add_middleware(ProxiedRequests, proxies=reached.trusted_proxies, path_prefix=reached.path_prefix)
    return app


def _add_pages(app: FastAPI, broadcaster: Broadcaster) -> None:
    @app.websocket("/ws")
    async def websocket(websocket: WebSocket) -> None:
        await broadcaster.serve_websocket(websocket)

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(_STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    @app.get("/docs", include_in_schema=False)
    async def documentation(request: Request) -> HTMLResponse:
        return HTMLResponse(documentation_page(app.openapi(), path_prefix_of(request.scope)))


class _Application(FastAPI):
    """Its OpenAPI document tells who may do what."""

    def __init__(self, *, guarded: bool, **settings: Any) -> None:
        super().__init__(**settings)
        self._guarded = guarded

    def openapi(self) -> dict[str, Any]:
        """Made once, and kept."""
        made = self.openapi_schema is not None
        document = super().openapi()
        if self._guarded and not made:
            declare_security(document)
        return document


class _StaticFiles(StaticFiles):
    """Files that a browser keeps but asks about each time: after an update nobody sees a mixture of two versions."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Called by starlette."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


class _SecurityHeaders:
    """ASGI middleware; not starlette's `BaseHTTPMiddleware`, which would stand between streams and their ends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class _Cancellable:
    """ASGI middleware: what is cancelled as the server stops ends without a word, as who asked for it is gone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if scope["type"] == "lifespan":
                raise
            log.info("a request was under way as the server stopped: %s", scope["path"])


class Server:
    """Runs the application in the running loop, and leaves signals alone."""

    def __init__(self, services: Services) -> None:
        """Raises ConfigError: the certificate can't be used."""
        self._config = services.config.server
        self._certificate = None if self._config.tls is None else Certificate(self._config.tls)
        self.app = create_app(services)
        certificate = self._certificate
        self._server = uvicorn.Server(
            uvicorn.Config(
                _Cancellable(self.app),
                ssl_context_factory=None if certificate is None else lambda _config, _usual: certificate.context,
                proxy_headers=False,  # see ProxiedRequests
                http=ViewerHttpProtocol,
                ws=ViewerWebSocketProtocol,
                ws_max_size=MAX_MESSAGE,
                ws_per_message_deflate=False,
                ws_ping_interval=10.0,
                ws_ping_timeout=10.0,
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
            )
        )
        self._main: asyncio.Task[None] | None = None
        self._renewal: asyncio.Task[None] | None = None

    async def start(self) -> int:
        """Listen, and serve from now on; returns the port. Raises StreamerError when the address can't be had."""
        reached = self._config
        limits = ConnectionLimits(
            reached.max_viewers, proxies=reached.trusted_proxies, speaks_tls=self._certificate is not None
        )
        listeners = listen(reached.host, reached.port, limits)
        config, server = self._server.config, self._server
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup(sockets=listeners)
        self._main = asyncio.create_task(server.main_loop(), name="server")
        if self._certificate is not None:
            self._renewal = asyncio.create_task(self._certificate.watch(), name="certificate")
        return int(listeners[0].getsockname()[1])

    async def stop(self, timeout: float = 3.0) -> None:  # noqa: ASYNC109 - bounds the whole, and never raises
        """Close every connection and the port. Whoever has not left after `timeout` seconds is cut off.

        A request that then goes on working is cancelled a moment later.
        """
        if self._main is None:
            return
        if self._renewal is not None:
            self._renewal.cancel()
        server = self._server
        for listener in server.servers:  # first: who is sent away must not come in again
            listener.close()
        broadcaster: Broadcaster = self.app.state.broadcaster
        broadcaster.end_viewers(1001, "the server stops")
        server.should_exit = True
        await self._main
        self._main = None
        connections = server.server_state.connections

        def abort_all() -> None:
            for connection in tuple(connections):
                connection.transport.abort()

        def cancel_all() -> None:
            for request in tuple(server.server_state.tasks):
                request.cancel()

        loop = asyncio.get_running_loop()
        measures = (loop.call_later(timeout, abort_all), loop.call_later(timeout + _CANCEL_SECONDS, cancel_all))
        try:
            await server.shutdown()
        finally:
            for measure in measures:
                measure.cancel()
