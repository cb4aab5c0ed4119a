"""The guard in front of every route, and signing in: nobody unknown, no strangers' pages in a viewer's browser."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Mapping
from importlib import resources
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter
from starlette._utils import get_route_path
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from streamer.config import ServerConfig
from streamer.server.access.authentication import Authenticator, Unknown, host_of
from streamer.server.access.hosts import ServedHosts
from streamer.server.access.rights import Access, admit
from streamer.server.access.sessions import COOKIE, SESSION_SECONDS
from streamer.server.access.table import Found, NotServed, find
from streamer.server.forwarding import path_prefix_of
from streamer.server.problems import problem, unknown_camera

__all__ = ["Guard", "login_router"]

FORM_SECONDS = 10.0  # in which the form has to arrive
_LARGEST_FORM = 4096
_MOST_FIELDS = 10


class Guard:
    """ASGI middleware in front of every route. Refuses before a websocket is accepted, and before a body is read."""

    def __init__(self, app: ASGIApp, config: ServerConfig, authenticator: Authenticator) -> None:
        self._app = app
        self._authenticator = authenticator
        self._hosts = ServedHosts(config, guarded=authenticator.guarded)
        self._trusted = frozenset(config.allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        method = "WEBSOCKET" if scope["type"] == "websocket" else str(scope["method"])
        refusal = self._stranger(asked, method) or await self._refusal(asked, method)
        if refusal is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            websocket = WebSocket(scope, receive, send)
            await websocket.send_denial_response(refusal)
        else:
            await refusal(scope, receive, send)

    def _stranger(self, asked: HTTPConnection, method: str) -> Response | None:
        """The refusal of what another site's page sends."""
        if why := self._hosts.refusal(asked.headers.get("host", "")):
            return problem(403, why)
        if method not in {"GET", "HEAD", "OPTIONS"} and not self._origin_allowed(asked):
            return problem(403, "pages of this Origin may not connect; list it under server.allowed_origins")
        return None

    async def _refusal(self, asked: HTTPConnection, method: str) -> Response | None:
        """The refusal of who isn't known, or may not do this. Who isn't known learns not even what there is."""
        path = get_route_path(asked.scope)
        found = find(method, path)
        if isinstance(found, Found) and found.needs is None:
            return None
        grant = self._authenticator.identify(asked)
        if grant is Unknown.BROUGHT_WRONG:
            too_many = await self._authenticator.punish(asked)
            return too_many or _challenge(asked, method, path)
        if isinstance(grant, Unknown):
            return _challenge(asked, method, path)
        admit(asked.scope, grant)
        return _forbidden(found, grant.access)

    def _origin_allowed(self, asked: HTTPConnection) -> bool:
        """A page of another site can send with the viewer's cookies; programs send no Origin."""
        origin = asked.headers.get("origin")
        if origin is None:
            return True
        origin = origin.lower()
        return origin in self._trusted or origin in _own_origins(asked)


def _own_origins(asked: HTTPConnection) -> set[str]:
    """Of the server's own pages. Over TLS none without it: who can change those on their way is a stranger.

    Without TLS those with it, too: a proxy may add it, and not say so.
    """
    host = asked.headers.get("host", "").lower()
    secure = asked.scope["scheme"] in {"https", "wss"}
    return {f"https://{host}"} if secure else {f"http://{host}", f"https://{host}"}


def _challenge(asked: HTTPConnection, method: str, path: str) -> Response:
    challenge = {"WWW-Authenticate": 'Bearer realm="streamer"'}
    if method == "GET" and "text/html" in asked.headers.get("accept", ""):
        return login_page(401, headers=challenge, target=path, prefix=path_prefix_of(asked.scope))
    return problem(401, "needs a token: send Authorization: Bearer, or sign in at /login", headers=challenge)


def _forbidden(found: Found | NotServed, access: Access) -> Response | None:
    """The refusal of what this access doesn't reach. Cameras of others are answered as those that don't exist."""
    if isinstance(found, NotServed):
        if methods := [method for method in found.methods if method != "WEBSOCKET"]:
            detail = f"this path takes {', '.join(methods)} only; /docs lists what there is"
            return problem(405, detail, headers={"Allow": ", ".join(methods)})
        return problem(404, "nothing is served at this path; /docs lists what there is")
    if found.needs is not None and access.role not in found.needs:
        able = ", ".join(sorted(found.needs))
        return problem(403, f"the role {access.role} may not do this; it needs a token of the role {able}")
    if found.camera is not None and not access.sees(found.camera):
        return problem(404, unknown_camera(found.camera))
    return None


def login_page(
    status: int, *, headers: Mapping[str, str] | None = None, target: str, message: str = "", prefix: str
) -> Response:
    """The form. target: the path to go to afterwards. prefix: of this server's paths, as browsers see them."""
    page = resources.files("streamer.server").joinpath("pages", "login.html").read_text("utf-8")
    for name, text in (("prefix", prefix), ("target", target), ("message", message)):
        page = page.replace(f"{{{{{name}}}}}", html.escape(text))
    return HTMLResponse(page, status, headers={"Cache-Control": "no-store", **(headers or {})})


def login_router(authenticator: Authenticator) -> APIRouter:
    """The routes of signing in and out with a browser."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    async def show_form(request: Request) -> Response:
        prefix = path_prefix_of(request.scope)
        return (
            login_page(200, target="/", prefix=prefix) if authenticator.guarded else RedirectResponse(f"{prefix}/", 303)
        )

    @router.get("/login.css")
    async def style() -> Response:
        sheet = resources.files("streamer.server").joinpath("pages", "login.css").read_bytes()
        return Response(sheet, media_type="text/css", headers={"Cache-Control": "max-age=3600"})

    @router.post("/login")
    async def sign_in(request: Request) -> Response:
        prefix = path_prefix_of(request.scope)
        if not authenticator.guarded:
            return RedirectResponse(f"{prefix}/", 303)
        form = await _form(request)
        if isinstance(form, Response):
            return form
        target = _local(form.get("target", "/"))
        grant = authenticator.by_token(form.get("token", "").strip(), host_of(request))
        if grant is None:
            too_many = await authenticator.punish(request)
            return too_many or login_page(
                401, target=target, message="This token is not known here, or has ended.", prefix=prefix
            )
        await _end_session(request, authenticator)  # which nobody could sign out of any more
        response = RedirectResponse(prefix + target, 303, headers={"Cache-Control": "no-store"})
        cookie, secure = authenticator.sessions.new_cookie(grant), request.url.scheme == "https"
        response.set_cookie(
            COOKIE, cookie, SESSION_SECONDS, path=prefix or "/", httponly=True, samesite="strict", secure=secure
        )
        return response

    @router.post("/logout")
    async def sign_out(request: Request) -> Response:
        prefix = path_prefix_of(request.scope)
        response = RedirectResponse(f"{prefix}/login", 303)
        await _end_session(request, authenticator)
        response.delete_cookie(COOKIE, path=prefix or "/", httponly=True, samesite="strict")
        return response

    return router


async def _end_session(request: Request, authenticator: Authenticator) -> None:
    if cookie := request.cookies.get(COOKIE):
        await authenticator.sessions.end(cookie)


async def _form(request: Request) -> dict[str, str] | Response:
    """The fields of an urlencoded form, or the refusal of one that is too large, too slow, or left in its midst."""
    body = b""
    try:
        async with asyncio.timeout(FORM_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _LARGEST_FORM:
                    return problem(413, f"the form may have {_LARGEST_FORM} bytes")
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS)
    except TimeoutError:
        return problem(408, "the form did not arrive in time")
    except ClientDisconnect:
        return problem(400, "the form did not arrive")  # told to nobody
    except ValueError:
        return problem(400, f"the form may have {_MOST_FIELDS} fields")
    return {name: values[0] for name, values in fields.items()}


def _local(target: str) -> str:
    """The target if it is a path of this server, else the page: a login must not lead elsewhere."""
    parts = urlsplit(target)
    plain = not parts.scheme and not parts.netloc and target.startswith("/") and not target.startswith("//")
    return target if plain and "\\" not in target and target.isprintable() else "/"
