"""Who may look: a token for every route when one is set, and no strangers' pages in the viewer's browser."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import html
import time
from collections.abc import Callable, Mapping
from importlib import resources
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from streamer.config import LOOPBACK_HOSTS, AuthConfig, ServerConfig
from streamer.server.problems import problem

__all__ = ["Guard", "Sessions", "login_router"]

COOKIE = "streamer_session"
SESSION_SECONDS = 7 * 24 * 3600
FAILURE_SECONDS = 1.0  # a wrong token is answered after this
FORM_SECONDS = 10.0  # in which the form has to arrive
_FAILURES_AT_ONCE = 20
_LARGEST_FORM = 4096
# What can be had without a token. Nothing here tells anything about cameras or people.
PUBLIC_PATHS = frozenset({"/healthz", "/login", "/login.css"})


class Sessions:
    """Checks tokens, and makes session cookies that need no memory: an expiry, signed with a key from the token."""

    def __init__(self, token: str, *, clock: Callable[[], float] = time.time) -> None:
        self._digest = hashlib.sha256(token.encode()).digest()
        # Another token, other sessions. A restart of the server ends none.
        self._key = hmac.digest(token.encode(), b"streamer session cookie", "sha256")
        self._clock = clock

    def accepts_token(self, token: str) -> bool:
        """Takes equally long for every wrong one."""
        return hmac.compare_digest(hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest(), self._digest)

    def new_cookie(self) -> str:
        """Good for SESSION_SECONDS."""
        expiry = str(int(self._clock()) + SESSION_SECONDS)
        return f"{expiry}.{self._sign(expiry)}"

    def accepts_cookie(self, cookie: str) -> bool:
        """Whether it is one of ours, and not expired."""
        expiry, _, signature = cookie.partition(".")
        if not hmac.compare_digest(self._sign(expiry).encode(), signature.encode()):
            return False
        return self._clock() < int(expiry)  # a number, as we signed it

    def _sign(self, expiry: str) -> str:
        return hmac.digest(self._key, expiry.encode(), "sha256").hex()


class Guard:
    """ASGI middleware in front of every route. Refuses before a websocket is accepted, and before a body is read."""

    def __init__(self, app: ASGIApp, config: ServerConfig) -> None:
        self._app = app
        self._config = config
        self._sessions = sessions_of(config)
        self._trusted = frozenset(origin.rstrip("/").lower() for origin in config.allowed_origins)
        self._trusted_hosts = frozenset(urlsplit(origin).netloc for origin in self._trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(HTTPConnection(scope), str(scope["path"]), str(scope.get("method", "GET")))
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            websocket = WebSocket(scope, receive, send)
            await websocket.send_denial_response(refusal)
        else:
            await refusal(scope, receive, send)

    def _refusal(self, asked: HTTPConnection, path: str, method: str) -> Response | None:
        headers = asked.headers
        if not self._host_allowed(headers):
            return problem(
                403, "this Host is not served here; use localhost, or list its address under server.allowed_origins"
            )
        changes = asked.scope["type"] == "websocket" or method not in {"GET", "HEAD", "OPTIONS"}
        if changes and not self._origin_allowed(headers):
            return problem(403, "pages of this Origin may not connect; list it under server.allowed_origins")
        if self._sessions is None or path in PUBLIC_PATHS or self._knows(asked):
            return None
        challenge = {"WWW-Authenticate": 'Bearer realm="streamer"'}
        if method == "GET" and asked.scope["type"] == "http" and "text/html" in headers.get("accept", ""):
            return login_page(401, headers=challenge, target=path)
        return problem(401, "needs the token: send Authorization: Bearer, or sign in at /login", headers=challenge)

    def _knows(self, asked: HTTPConnection) -> bool:
        sessions = self._sessions
        if sessions is None:
            return True
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and sessions.accepts_token(token.strip()):
            return True
        cookie = asked.cookies.get(COOKIE)
        return cookie is not None and sessions.accepts_cookie(cookie)

    def _host_allowed(self, headers: Headers) -> bool:
        """On loopback without a token, another site could have its own name resolve to this machine: refuse names."""
        if self._sessions is not None or self._config.host not in LOOPBACK_HOSTS:
            return True
        host = headers.get("host", "").lower()
        return _hostname(host) in LOOPBACK_HOSTS or host in self._trusted_hosts

    def _origin_allowed(self, headers: Headers) -> bool:
        """A page of another site can send with the viewer's cookies; programs send no Origin."""
        origin = headers.get("origin")
        if origin is None:
            return True
        origin = origin.lower()
        return origin in self._trusted or urlsplit(origin).netloc == headers.get("host", "").lower()


def sessions_of(config: ServerConfig) -> Sessions | None:
    """None when no token is set."""
    return Sessions(config.auth.token.get_secret_value()) if isinstance(config.auth, AuthConfig) else None


def _hostname(host: str) -> str:
    """Without the port: of `localhost:8000`, `127.0.0.1`, `[::1]:8000`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def login_page(status: int, *, headers: Mapping[str, str] | None = None, target: str, message: str = "") -> Response:
    """The form. target: the path to go to afterwards."""
    page = resources.files("streamer.server").joinpath("pages", "login.html").read_text("utf-8")
    page = page.replace("{{target}}", html.escape(target)).replace("{{message}}", html.escape(message))
    return HTMLResponse(page, status, headers={"Cache-Control": "no-store", **(headers or {})})


def login_router(config: ServerConfig) -> APIRouter:
    """The routes of signing in and out with a browser."""
    router = APIRouter(include_in_schema=False)
    sessions = sessions_of(config)
    waiting = 0

    @router.get("/login")
    async def show_form() -> Response:
        return login_page(200, target="/") if sessions else RedirectResponse("/", 303)

    @router.get("/login.css")
    async def style() -> Response:
        sheet = resources.files("streamer.server").joinpath("pages", "login.css").read_bytes()
        return Response(sheet, media_type="text/css", headers={"Cache-Control": "max-age=3600"})

    @router.post("/login")
    async def sign_in(request: Request) -> Response:
        nonlocal waiting
        if sessions is None:
            return RedirectResponse("/", 303)
        try:
            form = await _form(request)
        except TimeoutError:
            return problem(408, "the form did not arrive in time")
        if form is None:
            return problem(413, f"the form may have {_LARGEST_FORM} bytes")
        target = _local(form.get("target", "/"))
        if sessions.accepts_token(form.get("token", "")):
            response = RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})
            secure = request.url.scheme == "https"
            response.set_cookie(
                COOKIE, sessions.new_cookie(), SESSION_SECONDS, httponly=True, samesite="strict", secure=secure
            )
            return response
        if waiting >= _FAILURES_AT_ONCE:
            return problem(429, "too many failed logins at once; try again later", headers={"Retry-After": "5"})
        waiting += 1
        try:
            await asyncio.sleep(FAILURE_SECONDS)
        finally:
            waiting -= 1
        return login_page(401, target=target, message="That is not the token of this server.")

    @router.post("/logout")
    async def sign_out() -> Response:
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    return router


async def _form(request: Request) -> dict[str, str] | None:
    """The fields of an urlencoded form; None when it is too large. Raises TimeoutError when it takes too long."""
    body = b""
    async with asyncio.timeout(FORM_SECONDS):
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LARGEST_FORM:
                return None
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}


def _local(target: str) -> str:
    """The target if it is a path of this server, else the page: a login must not lead elsewhere."""
    parts = urlsplit(target)
    plain = not parts.scheme and not parts.netloc and target.startswith("/") and not target.startswith("//")
    return target if plain and "\\" not in target and target.isprintable() else "/"
