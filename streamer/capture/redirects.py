"""Where a camera's RTSP address leads: redirects are followed here, before FFmpeg is given the address.

FFmpeg follows them without end, 2,000 a second if the camera redirects to itself, also from TLS to plain text, and
takes the password along to any host. So the camera is asked first what FFmpeg will ask it, and FFmpeg gets the address
that answers without a redirect. A camera that answers otherwise the second time is FFmpeg's, until `open_timeout`.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from streamer.capture.addresses import Address
from streamer.capture.rtsp import Answer, authorization, request
from streamer.errors import SourceError
from streamer.redaction import redact, register_secret
from streamer.source_urls import split_credentials

__all__ = ["MOST_REDIRECTS", "Way", "follow_redirects"]

MOST_REDIRECTS: Final = 5

_URL = re.compile(r"(?P<scheme>rtsps?)://(?P<rest>[^/?#].*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]+\]|[^:/?#]+)(?::(?P<port>\d{1,5}))?(?=[/?#]|$)")
_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}  # as FFmpeg has them
_LARGEST = 256 * 1024  # bytes of an answer


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
    loop or more than MOST_REDIRECTS, to anything but RTSP, out of TLS, from the network to this machine; and for a
    refused login, which isn't tried twice. Raises OSError if no connection can be made, TimeoutError if nothing answers
    in time.
    """
    deadline = time.monotonic() + timeout
    at, seen, from_outside = address, {address.url}, False
    while True:
        held.close()
        connection = _connect(at, deadline)
        if connection is None:
            return at
        held.enter_context(connection)
        from_outside = from_outside or not _is_local(str(connection.getpeername()[0]))
        location = _ask(at, connection, deadline)
        if location is None:
            return at
        at = _next(at, location, address.shown)
        if at.url in seen or len(seen) > MOST_REDIRECTS:
            raise SourceError(
                f"{address.shown}: redirects in a loop or more than {MOST_REDIRECTS} times, at last to "
                f"{redact(location)}: give the address of the stream itself"
            )
        if from_outside and any(map(_is_local, _addresses(at.host))):
            raise SourceError(f"{address.shown}: redirects to this machine, {redact(location)}: not followed")
        seen.add(at.url)


def _next(at: Address, location: str, shown: str) -> Address:
    """Where a redirect leads; user and password go along only to the same host. Raises SourceError."""
    found = _URL.fullmatch(location)
    if not found or (at.secure and found["scheme"].lower() != "rtsps"):
        wanted = "rtsps://" if at.secure else "rtsp:// or rtsps://"
        raise SourceError(
            f"{shown}: redirects to {redact(location) or 'nowhere'}, which is no {wanted} address: not followed; "
            "give the address of the stream itself"
        )
    _, password, remainder = split_credentials(found["rest"])
    register_secret(password)
    # FFmpeg ends the host at the first of /?#, also where we take a user part to go on behind it
    authority = _AUTHORITY.match(remainder)
    if authority is None or not {*"/?#"}.isdisjoint(_userinfo(found["rest"])):
        raise SourceError(f"{shown}: redirects to {redact(location)}, which is no address")
    host, scheme, userinfo = authority["host"].strip("[]"), found["scheme"].lower(), _userinfo(found["rest"])
    if not userinfo and host.lower() == at.host.lower():
        userinfo = _userinfo(_rest(at))
    return replace(
        at,
        url=f"{scheme}://{userinfo}{remainder}",
        secure=scheme == "rtsps",
        credentials=bool(userinfo),
        host=host,
    )


def _ask(at: Address, connection: socket.socket, deadline: float) -> str | None:
    """Where the camera redirects to; None if it doesn't, or says what is for FFmpeg to understand."""
    user, password, remainder = split_credentials(_rest(at))
    url = f"{_scheme(at)}://{remainder}"
    conversation = _Conversation(connection, deadline)
    for method in ("OPTIONS", "DESCRIBE"):  # as FFmpeg does, which follows a redirect of either
        try:
            answer = conversation.ask(method, url)
            if answer.status == 401 and user:
                login = authorization(answer.all("www-authenticate"), method, url, user, password)
                answer = conversation.ask(method, url, login) if login else answer
                if login and answer.status == 401:
                    raise SourceError(f"{at.shown}: the camera refused the user name or password (401)")
        except TimeoutError:
            raise
        except (OSError, ValueError):
            return None
        if 300 <= answer.status < 400:
            return answer.first("location")
        if answer.status != 200:
            return None
    return None


class _Conversation:
    """Requests and answers, one after the other, over one connection."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._received = b""
        self._number = 0

    def ask(self, method: str, url: str, login: str = "") -> Answer:
        """Raises OSError, and ValueError if the answer is none."""
        self._number += 1
        self._connection.settimeout(_left(self._deadline))
        self._connection.sendall(request(method, url, self._number, login))
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            self._receive()
        answer = Answer.parse(self._received[:end])
        whole = end + 4 + int(answer.first("content-length") or 0)
        while len(self._received) < whole:
            self._receive()
        self._received = self._received[whole:]
        return answer

    def _receive(self) -> None:
        self._connection.settimeout(_left(self._deadline))
        more = self._connection.recv(65536)
        if not more or len(self._received) > _LARGEST:
            raise ValueError("no answer, or one without end")
        self._received += more


def _connect(at: Address, deadline: float) -> socket.socket | None:
    """None: an address, or TLS, that only FFmpeg may understand. Raises OSError."""
    authority = _AUTHORITY.match(split_credentials(_rest(at))[2])
    if authority is None:
        return None
    port = int(authority["port"] or _DEFAULT_PORTS[_scheme(at)])
    try:
        connection = _dial(at.host, port, deadline)
    except (UnicodeError, OverflowError):  # such a name or port can't be; FFmpeg says so
        return None
    if not at.secure:
        return connection
    context = ssl.create_default_context()
    context.check_hostname = False  # cameras sign their certificates themselves; FFmpeg doesn't look either
    context.verify_mode = ssl.CERT_NONE
    with contextlib.ExitStack() as stack:
        stack.callback(connection.close)
        connection.settimeout(_left(deadline))
        try:
            secured = context.wrap_socket(connection, server_hostname=at.host)
        except ssl.SSLError:
            return None
        stack.pop_all()
        return secured


def _dial(host: str, port: int, deadline: float) -> socket.socket:
    """A connection to the first of the host's addresses that takes it; they share the time. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    problem = OSError(f"{host} has no address")
    for number, (family, kind, protocol, _, address) in enumerate(found):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(_left(deadline) / (len(found) - number))
            connection.connect(address)
        except OSError as error:
            connection.close()
            problem = error
        else:
            return connection
    raise problem


def _addresses(host: str) -> Iterator[str]:
    with contextlib.suppress(OSError, UnicodeError):  # the name is unknown, or none: connecting will say so
        for *_, found in socket.getaddrinfo(host, None):
            yield str(found[0])


def _is_local(ip: str) -> bool:
    found = ipaddress.ip_address(ip.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found  # ::ffff:127.0.0.1 reaches 127.0.0.1
    return found.is_loopback or found.is_unspecified


def _scheme(at: Address) -> str:
    return "rtsps" if at.secure else "rtsp"


def _rest(at: Address) -> str:
    return at.url.partition("://")[2]


def _userinfo(rest: str) -> str:
    """User and password of a URL given without its scheme, as written, with the sign that ends them."""
    return rest[: len(rest) - len(split_credentials(rest)[2])]


def _left(deadline: float) -> float:
    """Seconds that are left. Raises TimeoutError."""
    if (left := deadline - time.monotonic()) <= 0:
        raise TimeoutError("no time is left")
    return left
