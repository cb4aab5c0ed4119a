"""What reverse proxies in front say about a request: who asks, under which name, by which scheme, below which path."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send

from streamer.server.addresses import Networks

__all__ = ["ProxiedRequests", "path_prefix_of"]

_PREFIX_KEY = "streamer.path_prefix"
_FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host")


def path_prefix_of(scope: Scope) -> str:
    """Below which path browsers find the server, as `/cams`; empty when at the root. For links from the root on."""
    return str(scope.get(_PREFIX_KEY, ""))


class ProxiedRequests:
    """ASGI middleware, the outermost: everything behind it sees the request as the client sent it to the proxy.

    `X-Forwarded-For`, `-Proto` and `-Host` are believed when the connection comes from a trusted proxy, and taken out
    of every request: anybody can send them. The path prefix is taken off where the proxy has left it on.
    """

    def __init__(self, app: ASGIApp, *, proxies: Sequence[str], path_prefix: str) -> None:
        """proxies: addresses and networks. path_prefix: as `/cams`; may be empty."""
        self._app = app
        self._trusted = Networks(proxies)
        self._prefix = path_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "lifespan":
            scope = {**scope, _PREFIX_KEY: self._prefix}
            self._take_off_prefix(scope)
            said = [(name, value) for name, value in scope["headers"] if name in _FORWARDED]
            if said:
                scope["headers"] = [header for header in scope["headers"] if header[0] not in _FORWARDED]
                client = scope.get("client")
                if client is not None and client[0] in self._trusted:
                    self._believe(scope, said)
        await self._app(scope, receive, send)

    def _take_off_prefix(self, scope: Scope) -> None:
        for key, prefix in (("path", self._prefix), ("raw_path", self._prefix.encode())):
            path = scope.get(key)
            if path and prefix and path.startswith(prefix) and path[len(prefix) :][:1] in {"/", b"/"}:
                scope[key] = path[len(prefix) :]

    def _believe(self, scope: Scope, said: list[tuple[bytes, bytes]]) -> None:
        """Of what several proxies said, the last was said by the one that we trust."""
        hosts, schemes, addresses = (
            [part.strip() for name, value in said if name == asked for part in value.decode("latin-1").split(",")]
            for asked in (b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-for")
        )
        if schemes and schemes[-1] in {"http", "https"}:
            scope["scheme"] = schemes[-1].replace("http", "ws") if scope["type"] == "websocket" else schemes[-1]
        if hosts and hosts[-1]:
            headers = [header for header in scope["headers"] if header[0] != b"host"]
            scope["headers"] = [*headers, (b"host", hosts[-1].encode("latin-1"))]
        client = self._first_untrusted(addresses)
        if client:
            scope["client"] = (client, 0)

    def _first_untrusted(self, addresses: list[str]) -> str:
        """The client, as the nearest trusted proxy saw it; what it itself wrote in front of that is not believed."""
        client = ""
        for said in reversed(addresses):
            address = _without_port(said)
            if address is None:
                break
            client = address
            if address not in self._trusted:
                break
        return client


def _without_port(said: str) -> str | None:
    """Of `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]`, `[::1]:5`; None for anything else."""
    address = said[1:].partition("]")[0] if said.startswith("[") else said
    if address.count(":") == 1:
        address = address.partition(":")[0]
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None
