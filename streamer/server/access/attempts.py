"""Wrong tokens are answered late, and only so many at once: nobody tries out many. The loop is never blocked."""

from __future__ import annotations

import asyncio
from collections import Counter

from starlette.responses import Response

from streamer.server.addresses import network_of
from streamer.server.problems import problem

__all__ = ["Attempts"]

FAILURE_SECONDS = 1.0  # a wrong token is answered after this
_AT_ONCE = 20  # that wait, from one address
_AT_ONCE_IN_ALL = 1000


class Attempts:
    """Counts the wrong attempts that wait for their answer, by the address that they come from."""

    def __init__(self) -> None:
        self._waiting: Counter[str] = Counter()

    def exhausted(self, host: str) -> bool:
        """Whether this address must wait before what it brings is looked at, if that is something one can guess.

        However many others try, an address without wrong attempts of its own is heard.
        """
        own = self._waiting[network_of(host)]
        return own >= _AT_ONCE or (own > 0 and self._waiting.total() >= _AT_ONCE_IN_ALL)

    async def fail(self, host: str) -> Response | None:
        """Wait as long as a wrong attempt has to; at once a refusal, where too many wait already."""
        if self.exhausted(host):
            return problem(429, "too many wrong attempts at once; try again later", headers={"Retry-After": "5"})
        network = network_of(host)
        self._waiting[network] += 1
        try:
            await asyncio.sleep(FAILURE_SECONDS)
        finally:
            self._waiting[network] -= 1
            if not self._waiting[network]:
                del self._waiting[network]
        return None
