"""Who asks: by a bearer token, a ticket, or the session cookie. Nothing is taken from anywhere else in a request."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

from pydantic import SecretStr
from starlette.requests import HTTPConnection
from starlette.responses import Response

from streamer.config import AuthConfig, ServerConfig
from streamer.server.access.attempts import Attempts
from streamer.server.access.keyring import Keyring
from streamer.server.access.rights import EVERYTHING, Grant
from streamer.server.access.sessions import COOKIE, Sessions, key_from_token, key_with_token, stored_key
from streamer.server.access.signed_out import SignedOut
from streamer.server.access.tickets import Tickets
from streamer.server.access.tokens import TokenFile, WatchedTokens

__all__ = ["Authenticator", "Unknown"]


_UNGUARDED = Grant(EVERYTHING)


class Unknown(Enum):
    """Somebody who has not shown who they are."""

    BROUGHT_NOTHING = "nothing, or a session that is over"
    BROUGHT_WRONG = "a token or ticket that is not known"


class Authenticator:
    """One for each running server: it knows the tickets, and who is trying out tokens."""

    def __init__(self, config: ServerConfig, *, data: Path | None = None) -> None:
        """Raises ConfigError: the file of tokens, or the key beside it, can't be used.

        data: a file beside which something may be kept, where there is no file of tokens.
        """
        self.tickets = Tickets()
        self._attempts = Attempts()
        auth = config.auth
        self.guarded = isinstance(auth, AuthConfig)
        token, file = (auth.token, auth.file) if isinstance(auth, AuthConfig) else (None, None)
        self.keyring = Keyring(_plain(token), None if file is None else WatchedTokens(TokenFile(file)))
        # Unguarded, nobody is given a cookie
        secret = _plain(token) or ""
        key = key_from_token(secret) if file is None else key_with_token(stored_key(file), secret)
        beside = (file or data) if self.guarded else None
        signed_out = SignedOut(None if beside is None else beside.with_suffix(".signed-out"))
        self.sessions = Sessions(key, self.keyring, signed_out)

    def identify(self, asked: HTTPConnection) -> Grant | Unknown:
        """Who asks. Somebody who brings a wrong token is refused also with a good cookie: they are trying it out."""
        if not self.guarded:
            return _UNGUARDED
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.by_token(token.strip(), host_of(asked)) or Unknown.BROUGHT_WRONG
        if asked.scope["type"] == "websocket" and (ticket := asked.query_params.get("ticket")) is not None:
            return self.tickets.redeem(ticket) or Unknown.BROUGHT_WRONG
        cookie = asked.cookies.get(COOKIE)
        return (self.sessions.grant(cookie) if cookie else None) or Unknown.BROUGHT_NOTHING

    def by_token(self, token: str, host: str) -> Grant | None:
        """What a token allows. host: where it comes from.

        Those of the file can't be guessed, so they always count: who tries out tokens locks no program out. The
        configuration's is what somebody made up; while too much was wrong from an address, it isn't looked at.
        """
        grant = self.keyring.of_file(token)
        return grant if grant or self._attempts.exhausted(host) else self.keyring.of_config(token)

    async def punish(self, asked: HTTPConnection) -> Response | None:
        """After something wrong was brought: see `Attempts.fail`."""
        return await self._attempts.fail(host_of(asked))


def host_of(asked: HTTPConnection) -> str:
    """The address that a request comes from."""
    return asked.client.host if asked.client else ""


def _plain(token: SecretStr | None) -> str | None:
    return None if token is None else token.get_secret_value()
