"""What each route and each message of a viewer needs: the one place where it is decided. What isn't listed is refused.

A route whose path has a `{camera_id}` needs, besides the role, that the camera is one of the token's. Routes that tell
of several cameras tell of the token's (`Access.of`), whatever they are asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from starlette.routing import Mount, Route, WebSocketRoute, compile_path

from streamer.server.access.rights import Role

__all__ = ["MESSAGES", "ROUTES", "Found", "NotServed", "check_complete", "find"]

Needs = frozenset[Role] | None

PUBLIC: Final[Needs] = None  # nothing here tells anything about cameras or people
ANYONE: Final[Needs] = frozenset(Role)
WATCH: Final[Needs] = frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN})
OPERATE: Final[Needs] = frozenset({Role.OPERATOR, Role.ADMIN})
MEASURE: Final[Needs] = frozenset({Role.METRICS, Role.ADMIN})  # of all cameras together: no viewer's business

# HEAD needs what GET does
ROUTES: Final[Mapping[str, Needs]] = {
    "GET /healthz": PUBLIC,
    "GET /login": PUBLIC,
    "POST /login": PUBLIC,
    "GET /login.css": PUBLIC,
    "POST /logout": ANYONE,
    "GET /readyz": ANYONE,
    "GET /metrics": MEASURE,
    "GET /": WATCH,
    "GET /static/{path:path}": WATCH,
    "GET /docs": WATCH,
    "GET /openapi.json": WATCH,
    "WEBSOCKET /ws": WATCH,
    "POST /api/v1/ticket": WATCH,
    "GET /api/v1/status": WATCH,
    "GET /api/v1/cameras": WATCH,
    "GET /api/v1/cameras/{camera_id}": WATCH,
    "GET /api/v1/cameras/{camera_id}/snapshot.jpg": WATCH,
    "GET /api/v1/cameras/{camera_id}/stream.mjpg": WATCH,
    "GET /api/v1/cameras/{camera_id}/heat": WATCH,
    "GET /api/v1/cameras/{camera_id}/rules": WATCH,
    "PUT /api/v1/cameras/{camera_id}/rules": OPERATE,
    "GET /api/v1/footfall": WATCH,
    "GET /api/v1/occupancy": WATCH,
    "GET /api/v1/dwell": WATCH,
    "GET /api/v1/visits": WATCH,
    "GET /api/v1/events": WATCH,
    # Work for the nets, which they have less time for the cameras for
    "POST /analyze": OPERATE,
    "POST /api/v1/analyze": OPERATE,
}

MESSAGES: Final[Mapping[str, frozenset[Role]]] = {
    "subscribe": frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN}),
    "ping": frozenset({Role.VIEWER, Role.OPERATOR, Role.ADMIN}),
}


class Found(NamedTuple):
    """What a request needs. camera: the id in its path, if there is one."""

    needs: Needs
    camera: str | None = None


class NotServed(NamedTuple):
    """Nothing is listed for a request. methods: those that its path takes; none where there is no such path."""

    methods: tuple[str, ...] = ()


def find(method: str, path: str) -> Found | NotServed:
    """What a request needs. method: of HTTP, or WEBSOCKET. path: decoded, without the prefix of a proxy."""
    method = "GET" if method == "HEAD" else method
    methods, camera = _literal.get(path), None
    if methods is None:
        for pattern, found in _patterns:
            if match := pattern.match(path):
                methods, camera = found, match.groupdict().get("camera_id")
                break
        else:
            return NotServed()
    return Found(methods[method], camera) if method in methods else NotServed(tuple(methods))


def check_complete(routes: Iterable[Any], messages: Iterable[str]) -> None:
    """Raises LookupError when a route or message type of the application is not in the table, or the other way round.

    routes: of the application. messages: the types that `streamer.server.protocol` takes.
    """
    served = set(_keys(routes))
    for what, listed, there in (("route", set(ROUTES), served), ("message type", set(MESSAGES), set(messages))):
        if strange := sorted(there ^ listed):
            raise LookupError(
                f"{what} {strange[0]}: either served without an entry in streamer/server/access/table.py, "
                "or listed there and not served"
            )


def _keys(routes: Iterable[Any]) -> Iterator[str]:
    """As in the table, of each route of an application, at any depth."""
    for route in routes:
        included = getattr(route, "original_router", None)  # FastAPI keeps a router that was included as one route
        if included is not None:
            yield from _keys(included.routes)
        elif isinstance(route, Mount):
            yield f"GET {route.path}/{{path:path}}"
        elif isinstance(route, WebSocketRoute):
            yield f"WEBSOCKET {route.path}"
        elif isinstance(route, Route):
            yield from {f"{'GET' if method == 'HEAD' else method} {route.path}" for method in route.methods or ()}
        else:
            raise LookupError(f"a kind of route that can't be guarded: {route!r}")


def _by_path() -> dict[str, dict[str, Needs]]:
    found: dict[str, dict[str, Needs]] = {}
    for key, needs in ROUTES.items():
        method, _, path = key.partition(" ")
        found.setdefault(path, {})[method] = needs
    return found


_literal: Final = {path: methods for path, methods in _by_path().items() if "{" not in path}
_patterns: Final[list[tuple[re.Pattern[str], dict[str, Needs]]]] = [
    (compile_path(path)[0], methods) for path, methods in _by_path().items() if "{" in path
]
