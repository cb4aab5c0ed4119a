"""Connections to cameras beside FFmpeg's own, each step of them within a deadline; and what stands in their URLs."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import time
from typing import Final

from streamer.capture.addresses import Address
from streamer.source_urls import split_credentials

__all__ = ["AUTHORITY", "connect", "rest_of", "scheme_of", "time_left"]

AUTHORITY: Final = re.compile(r"(?P<host>\[[^\]]+\]|[^:/?#]+)(?::(?P<port>\d{1,5}))?(?=[/?#]|$)")
_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}  # as FFmpeg has them


def connect(at: Address, deadline: float) -> socket.socket | None:
    """None: an address, or TLS, that only FFmpeg may understand. Raises OSError, TimeoutError too late."""
    authority = AUTHORITY.match(split_credentials(rest_of(at))[2])
    if authority is None:
        return None
    port = int(authority["port"] or _DEFAULT_PORTS[scheme_of(at)])
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
        connection.settimeout(time_left(deadline))
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
            connection.settimeout(time_left(deadline) / (len(found) - number))
            connection.connect(address)
        except OSError as error:
            connection.close()
            problem = error
        else:
            return connection
    raise problem


def scheme_of(at: Address) -> str:
    """In lower case."""
    return f"{at.kind}s" if at.secure else str(at.kind)


def rest_of(at: Address) -> str:
    """The URL without its scheme."""
    return at.url.partition("://")[2]


def time_left(deadline: float) -> float:
    """Seconds. Raises TimeoutError."""
    if (left := deadline - time.monotonic()) <= 0:
        raise TimeoutError("no time is left")
    return left
