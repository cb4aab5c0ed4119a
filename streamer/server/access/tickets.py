"""Tickets for the websocket: for programs that can send no header there, and must put no token into a URL."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

from streamer.server.access.rights import Grant

__all__ = ["TICKET_SECONDS", "Tickets", "TicketsOutError"]

TICKET_SECONDS = 30.0
_MOST = 32  # unused, for each token: a page opens one websocket


class TicketsOutError(Exception):
    """This token has too many that are not used."""


class Tickets:
    """Each is good for one use, within TICKET_SECONDS. Kept in memory only."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._issued: dict[str, tuple[float, Grant]] = {}  # in the order of their ends

    def issue(self, grant: Grant) -> str:
        """A new one. Raises TicketsOutError."""
        self._forget_expired()
        if sum(other.token == grant.token for _, other in self._issued.values()) >= _MOST:
            raise TicketsOutError
        ticket = secrets.token_urlsafe(32)
        self._issued[ticket] = (self._clock() + TICKET_SECONDS, grant)
        return ticket

    def redeem(self, ticket: str) -> Grant | None:
        """What it allows, the first time; None for a used, expired or made-up one, or when its token is revoked."""
        self._forget_expired()
        _, grant = self._issued.pop(ticket, (0.0, None))
        return grant if grant is not None and grant.holds() else None

    def _forget_expired(self) -> None:
        now = self._clock()
        while self._issued and next(iter(self._issued.values()))[0] <= now:
            del self._issued[next(iter(self._issued))]
