"""Session cookies: when they were issued and a token's digest, signed. Remembered are only those signed out of."""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from streamer.errors import ConfigError
from streamer.private_files import keep_private
from streamer.server.access.keyring import Keyring
from streamer.server.access.rights import Grant
from streamer.server.access.signed_out import SESSION_SECONDS, Session, SignedOut

__all__ = ["COOKIE", "SESSION_SECONDS", "Sessions", "key_from_token", "key_with_token", "stored_key"]

log = logging.getLogger(__name__)

COOKIE = "streamer_session"


class Sessions:
    """Makes cookies and reads them. Another key, other sessions."""

    def __init__(
        self, key: bytes, keyring: Keyring, signed_out: SignedOut, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._key = key
        self._keyring = keyring
        self._signed_out = signed_out
        self._clock = clock

    def new_cookie(self, grant: Grant) -> str:
        """Good for SESSION_SECONDS, or as long as the token."""
        told = f"{int(self._clock() * 1e6)}.{grant.token}.{secrets.token_hex(16)}"
        return f"{told}.{self._sign(told)}"

    def grant(self, cookie: str) -> Grant | None:
        """What it allows now; None if it is not one of ours, is over, or its token is not accepted any more."""
        session = self._read(cookie)
        if session is None or session in self._signed_out:
            return None
        end = session.issued / 1e6 + SESSION_SECONDS
        found = self._keyring.known(session.token) if self._clock() < end else None
        if found is None:
            return None
        grant = self._keyring.until(found, end)
        return replace(grant, holds=lambda: session not in self._signed_out and grant.holds())

    async def end(self, cookie: str) -> None:
        """Make this cookie and every copy of it worthless, and what was opened with it end."""
        if self.grant(cookie) is not None and (session := self._read(cookie)) is not None:
            self._signed_out.add(session)
            await asyncio.to_thread(self._signed_out.save)

    def _read(self, cookie: str) -> Session | None:
        """What it says, if we signed it."""
        told, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(self._sign(told).encode(), signature.encode("utf-8", "surrogateescape")):
            return None
        parts = told.split(".")
        return Session(int(parts[0]), parts[1], parts[2]) if len(parts) == 3 else None  # a number, as we signed it

    def _sign(self, told: str) -> str:
        return hmac.digest(self._key, told.encode("utf-8", "surrogateescape"), "sha256").hex()


def key_from_token(token: str) -> bytes:
    """For where nobody has a cookie but who knows this token: others could try out from theirs what it is."""
    return hmac.digest(token.encode(), b"streamer session cookie", "sha256")


def key_with_token(key: bytes, token: str) -> bytes:
    """A stored key that ends with the configuration's token, whose cookies do not say which token it was."""
    return hmac.digest(key, token.encode(), "sha256")


def stored_key(tokens: Path) -> bytes:
    """The key that lies beside a file of tokens, made when there is none. Raises ConfigError.

    Not in that file, and not made of it: whoever reads digests must not be able to sign with them.
    """
    path = tokens.with_suffix(".key")
    key = secrets.token_hex(32)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(key)
    except FileExistsError:
        try:
            key = path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            key = ""
        if not re.fullmatch(r"[0-9a-f]{64}", key):
            raise ConfigError(
                f"{path}: not a key of sessions that can be read; delete it, and all sign in anew"
            ) from None
        keep_private(path)
    except OSError as error:
        log.warning("%s: %s: browsers will have to sign in again after each restart", path, error.strerror)
    return bytes.fromhex(key)
