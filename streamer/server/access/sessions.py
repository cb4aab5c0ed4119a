"""Session cookies that need no memory: an expiry and a token's digest, signed. They end with the token."""

from __future__ import annotations

import hmac
import logging
import os
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from streamer.errors import ConfigError
from streamer.private_files import keep_private
from streamer.server.access.keyring import Keyring
from streamer.server.access.rights import Grant

__all__ = ["COOKIE", "SESSION_SECONDS", "Sessions", "key_from_token", "key_with_token", "stored_key"]

log = logging.getLogger(__name__)

COOKIE = "streamer_session"
SESSION_SECONDS = 7 * 24 * 3600


class Sessions:
    """Makes cookies and reads them. Another key, other sessions."""

    def __init__(self, key: bytes, keyring: Keyring, *, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._keyring = keyring
        self._clock = clock

    def new_cookie(self, grant: Grant) -> str:
        """Good for SESSION_SECONDS, or as long as the token."""
        told = f"{int(min(self._clock() + SESSION_SECONDS, grant.until))}.{grant.token}"
        return f"{told}.{self._sign(told)}"

    def grant(self, cookie: str) -> Grant | None:
        """What it allows now; None if it is not one of ours, is expired, or its token is not accepted any more."""
        told, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(self._sign(told).encode(), signature.encode("utf-8", "surrogateescape")):
            return None
        expiry, _, token = told.partition(".")
        end = int(expiry)  # a number, as we signed it
        found = self._keyring.known(token) if self._clock() < end else None
        return None if found is None else self._keyring.until(found, end)

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
