"""Under which names the server answers where no token is asked for.

Another site can have its own name resolve to this machine: its page then has the same origin as the server's, and the
browser shows it all (DNS rebinding). It can't be called by an address, nor by a name that this network gives.
"""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from streamer.config import LOOPBACK_HOSTS, ServerConfig

__all__ = ["ServedHosts"]


class ServedHosts:
    """What a request's `Host` may be."""

    def __init__(self, config: ServerConfig, *, guarded: bool) -> None:
        """guarded: a token is asked for, so that any name will do: no other site's page has it."""
        self._guarded = guarded
        self._on_loopback = config.host in LOOPBACK_HOSTS
        self._listed = frozenset(urlsplit(origin).netloc for origin in config.allowed_origins)
        self._names = {*LOOPBACK_HOSTS} if self._on_loopback else {*LOOPBACK_HOSTS, *_own_names(), config.host.lower()}

    def refusal(self, host: str) -> str:
        """Why this Host isn't answered, and what to do; empty when it is."""
        host = host.lower()
        name = _without_port(host)
        if self._guarded or name in self._names or host in self._listed:
            return ""
        if self._on_loopback:
            return "this Host is not served here; use localhost, or list its address under server.allowed_origins"
        if _is_an_address(name):
            return ""
        return (
            "this Host is not served without a token; use the IP address or this machine's own name, "
            "list the address of the page under server.allowed_origins, or set server.auth"
        )


def _own_names() -> set[str]:
    """Of this machine: as it calls itself, without its domain, and as multicast DNS tells it to its network."""
    own = socket.gethostname().lower()
    short = own.partition(".")[0]
    return {own, short, f"{short}.local"}


def _is_an_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _without_port(host: str) -> str:
    """Of `localhost:8000`, `127.0.0.1`, `[::1]:8000`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
