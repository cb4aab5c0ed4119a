"""So many connections and no more, in all and from one address: what a stranger holds open nobody else can have.

They are counted as sockets, from the moment they are accepted until they are closed, whatever is spoken on them: each
takes one of the process' descriptors, of which cameras and databases need theirs.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
import weakref
from collections import Counter
from collections.abc import Iterable
from typing import Any

from streamer.pacing import Throttle
from streamer.server.addresses import Networks, network_of

__all__ = ["ConnectionLimits", "LimitedListener"]

log = logging.getLogger(__name__)

SPARE = 200  # connections beyond those of all viewers: of pages that load, programs that ask, Prometheus
_LOOPBACK = ("127.0.0.0/8", "::1/128")


class ConnectionLimits:
    """How many connections are open through all listeners together, and which would be one too many."""

    def __init__(self, viewers: int, *, proxies: Iterable[str] = (), speaks_tls: bool = False) -> None:
        """viewers: so many and `SPARE` may be open, half of them from one address, but for this machine's and proxies'.

        speaks_tls: one too many is closed without a word, which would need a handshake first.
        """
        self.most = viewers + SPARE
        self.most_of_one = self.most // 2
        self.speaks_tls = speaks_tls
        self._exempt = Networks((*_LOOPBACK, *proxies))
        self._open: Counter[str] = Counter()
        self._refusals = Throttle()

    def refusal(self, host: str) -> str:
        """Why one more from this address is too many; empty when it isn't."""
        if self._open.total() >= self.most:
            return "too many connections are open; try again later"
        if host not in self._exempt and self._open[network_of(host)] >= self.most_of_one:
            return "too many connections from this address are open; close some"
        return ""

    def count(self, connection: socket.socket, host: str) -> weakref.finalize[..., Any]:
        """Count this connection until what is returned is called, or nobody holds it any more."""
        network = network_of(host)
        self._open[network] += 1
        left = weakref.finalize(connection, self._leave, network)
        left.atexit = False
        return left

    def tell(self, why: str) -> None:
        """Log a refusal, but not each of many."""
        if count := self._refusals.count(time.monotonic()):
            log.warning(
                "refused %d connection(s), %d are open: %s (server.max_viewers and %d more may be)",
                count,
                self._open.total(),
                why,
                SPARE,
            )

    def _leave(self, network: str) -> None:
        self._open[network] -= 1
        if not self._open[network]:
            del self._open[network]


class LimitedListener(socket.socket):
    """A listening socket. On Windows asyncio's default loop accepts without asking it: nothing is limited there."""

    limits: ConnectionLimits

    def accept(self) -> tuple[socket.socket, Any]:
        """Called by the loop. Raises BlockingIOError also after a refusal, so that the loop sees to others first."""
        accepted, address = super().accept()
        if why := self.limits.refusal(address[0]):
            _refuse(accepted, "" if self.limits.speaks_tls else why)
            self.limits.tell(why)
            raise BlockingIOError
        counted = _Counted(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        counted.left = self.limits.count(counted, address[0])
        return counted, address


class _Counted(socket.socket):
    """An accepted connection, counted until it is closed."""

    left: weakref.finalize[..., Any]

    def close(self) -> None:
        super().close()
        self.left()


def _refuse(accepted: socket.socket, why: str) -> None:
    """Close it, with an answer in HTTP where there is something to say."""
    with accepted:
        if not why:
            return
        accepted.setblocking(False)
        with contextlib.suppress(OSError):
            accepted.recv(64 * 1024)  # what stays unread would take the answer from them
        with contextlib.suppress(OSError):
            accepted.send(
                b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
                b"Content-Length: %d\r\nRetry-After: 5\r\nConnection: close\r\n\r\n%b" % (len(why), why.encode())
            )
            accepted.shutdown(socket.SHUT_WR)
