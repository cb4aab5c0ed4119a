"""Which tokens are accepted at this moment, and what each allows: the configuration's own, and those of the file."""

from __future__ import annotations

import hmac
import math
import time
from collections.abc import Callable
from dataclasses import replace

from streamer.server.access.rights import Access, Grant, Role
from streamer.server.access.tokens import StoredToken, WatchedTokens, digest

__all__ = ["Keyring"]

_CONFIG = "config"  # stands for the configuration's token, where others are known by their digest


class Keyring:
    """Grants by tokens."""

    def __init__(
        self, token: str | None, stored: WatchedTokens | None, *, clock: Callable[[], float] = time.time
    ) -> None:
        """token: the configuration's. stored: of the file."""
        self._config = None if token is None else digest(token)
        self._stored = stored
        self._clock = clock

    def of_config(self, token: str) -> Grant | None:
        """By the configuration's token. Takes equally long for every wrong one."""
        known = self._config is not None and hmac.compare_digest(digest(token), self._config)
        return self.known(_CONFIG) if known else None

    def of_file(self, token: str) -> Grant | None:
        """By one of the file. How long it takes tells something of digests only, which helps nobody to a token."""
        return None if token == _CONFIG else self.known(digest(token))

    def known(self, key: str) -> Grant | None:
        """The grant of a key (see `Grant.token`), if its token is accepted now."""
        if key == _CONFIG:
            return None if self._config is None else self._grant(key, Access("", Role.ADMIN), math.inf)
        found = None if self._stored is None else self._stored.current().get(key)
        if found is None or self._expired(found):
            return None
        return self._grant(key, found.access, math.inf if found.expires is None else found.expires)

    def until(self, grant: Grant, end: float) -> Grant:
        """The same for a shorter time. end: UTC seconds."""
        return self._grant(grant.token, grant.access, min(grant.until, end))

    def _grant(self, key: str, access: Access, until: float) -> Grant:
        bare = Grant(access, key, until)
        return replace(bare, holds=lambda: self._holds(bare))

    def _holds(self, grant: Grant) -> bool:
        now = self.known(grant.token)
        return now is not None and now.access == grant.access and self._clock() < grant.until

    def _expired(self, token: StoredToken) -> bool:
        return token.expires is not None and self._clock() >= token.expires
