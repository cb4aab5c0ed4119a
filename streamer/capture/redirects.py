"""Where a camera's address leads: redirects are followed here, before FFmpeg is given the address.

FFmpeg follows those of RTSP without end, 2,000 a second if the camera redirects to itself, also from TLS to plain text,
and takes the password along to any host. So the camera is asked first what FFmpeg will ask it, and FFmpeg gets the
address that answers without a redirect. A camera that answers otherwise the second time is FFmpeg's, until
`open_timeout`. Those of HTTP it is told not to follow: so it asks first, and only what it can't open is asked here.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from streamer.capture.addresses import Address, Kind
from streamer.capture.asking import redirection
from streamer.capture.connecting import AUTHORITY, connect, rest_of
from streamer.capture.off_limits import addresses_of, is_loopback, is_off_limits
from streamer.errors import SourceError
from streamer.redaction import redact, register_secret
from streamer.source_urls import split_credentials

__all__ = ["MOST_REDIRECTS", "Way", "follow_redirects"]

MOST_REDIRECTS: Final = 5

_URL = re.compile(r"(?P<scheme>rtsps?|https?)://(?P<rest>[^/?#].*)", re.IGNORECASE)
_SCHEMES = {Kind.RTSP: ("rtsp", "rtsps"), Kind.HTTP: ("http", "https")}


class Way:
    """Where one camera's address leads, from attempt to attempt: asked anew only after one that did not open.

    The connection over which was asked stays open until FFmpeg has its own: a server that makes its stream when it is
    asked, as GStreamer's does, would take it down in between and refuse FFmpeg. If FFmpeg didn't get the stream so, it
    is closed first the next time, and so on by turns: some small cameras serve one connection at a time.
    """

    def __init__(self) -> None:
        self._known: Address | None = None
        self._hold = True

    @contextlib.contextmanager
    def led(self, address: Address, timeout: float) -> Iterator[Address]:
        """The address to open within the context. Raises as `follow_redirects`."""
        with contextlib.ExitStack() as held:
            known, self._known = self._known, None
            at = known or follow_redirects(address, timeout, held)
            if not self._hold:
                held.close()
            try:
                yield at
            except BaseException:
                self._hold = self._hold if known else not self._hold  # where nothing was held, that isn't why
                raise
            self._known, self._hold = at, True


def follow_redirects(address: Address, timeout: float, held: contextlib.ExitStack) -> Address:
    """The address that answers to `address` in the end; itself, where it doesn't redirect or can't be understood.

    timeout: s for all. held: closes the last connection. Raises SourceError for redirects that aren't followed: in a
    loop or more than MOST_REDIRECTS, to another protocol, out of TLS, from the network to this machine or what only it
    should reach; and for a refused login, which isn't tried twice. Raises OSError if no connection can be made,
    TimeoutError if nothing answers in time.
    """
    deadline = time.monotonic() + timeout
    at, seen = address, {address.url}
    location, asked, from_outside = "", "", False

    def check(addresses: Iterable[str]) -> None:
        # A camera may lead to another port of its own, also where that is on a link-local address
        if from_outside and any(ip != asked and is_off_limits(ip) for ip in addresses):
            raise SourceError(
                f"{address.shown}: redirects to this machine, or to what only it should reach, {redact(location)}: "
                "not followed"
            )

    while True:
        held.close()
        connection = connect(at, deadline)
        if connection is None:
            return at
        held.enter_context(connection)
        peer = str(connection.getpeername()[0])
        check([peer])  # the name may stand for another address by now
        asked, from_outside = peer, from_outside or not is_loopback(peer)
        found = redirection(at, connection, deadline)
        if found is None:
            return at
        location = found
        at = _next(at, location, address.shown)
        if at.url in seen or len(seen) > MOST_REDIRECTS:
            raise SourceError(
                f"{address.shown}: redirects in a loop or more than {MOST_REDIRECTS} times, at last to "
                f"{redact(location)}: give the address of the stream itself"
            )
        check(addresses_of(at.host))
        seen.add(at.url)


def _next(at: Address, location: str, shown: str) -> Address:
    """Where a redirect leads; user and password go along only to the same host. Raises SourceError."""
    found = _URL.fullmatch(location)
    schemes = _SCHEMES[at.kind][1 if at.secure else 0 :]
    if not found or found["scheme"].lower() not in schemes:
        wanted = " or ".join(f"{scheme}://" for scheme in schemes)
        raise SourceError(
            f"{shown}: redirects to {redact(location) or 'nowhere'}, which is no {wanted} address: not followed; "
            "give the address of the stream itself"
        )
    _, password, remainder = split_credentials(found["rest"])
    register_secret(password)
    # FFmpeg ends the host at the first of /?#, also where we take a user part to go on behind it
    authority = AUTHORITY.match(remainder)
    if authority is None or not {*"/?#"}.isdisjoint(_userinfo(found["rest"])):
        raise SourceError(f"{shown}: redirects to {redact(location)}, which is no address")
    host, scheme, userinfo = authority["host"].strip("[]"), found["scheme"].lower(), _userinfo(found["rest"])
    if not userinfo and host.lower() == at.host.lower():
        userinfo = _userinfo(rest_of(at))
    return replace(
        at,
        url=f"{scheme}://{userinfo}{remainder}",
        secure=scheme.endswith("s"),
        credentials=bool(userinfo),
        host=host,
    )


def _userinfo(rest: str) -> str:
    """User and password of a URL given without its scheme, as written, with the sign that ends them."""
    return rest[: len(rest) - len(split_credentials(rest)[2])]
