"""Tells in the OpenAPI document who may do what, from the same table that the guard asks."""

from __future__ import annotations

from typing import Any, Final

from streamer.server.access.sessions import COOKIE
from streamer.server.access.table import ROUTES
from streamer.server.access.tickets import TICKET_SECONDS

__all__ = ["HOW_TO_AUTHORIZE", "declare_security"]

HOW_TO_AUTHORIZE: Final = (
    "Programs send their token as Authorization: Bearer TOKEN with every request; browsers get a session cookie for it "
    "at /login. The websocket takes both, and where no header can be sent a ticket instead, as /ws?ticket=TICKET: "
    f"POST /api/v1/ticket makes one, good once and for {TICKET_SECONDS:.0f} s."
)
_SCHEMES: Final = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token that `streamer token new` has made, or the configuration's own (server.auth.token).",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "Given for a token at /login, and ended at /logout. Requests that change something must come "
        "from the server's own pages, or those of server.allowed_origins.",
    },
}


def declare_security(document: dict[str, Any]) -> None:
    """Add the schemes, and to each operation which of them it takes, and the roles that may do it as `x-roles`."""
    document.setdefault("components", {})["securitySchemes"] = _SCHEMES
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            needs = ROUTES[f"{'GET' if method == 'head' else method.upper()} {path}"]
            operation["security"] = [] if needs is None else [{name: []} for name in _SCHEMES]
            if needs is not None:
                operation["x-roles"] = sorted(needs)
