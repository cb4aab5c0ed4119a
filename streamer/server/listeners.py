"""Opens the sockets that listen: on every address of a host, with a clear error where one can't be had."""

from __future__ import annotations

import errno
import socket
from typing import Any

from streamer.errors import StreamerError
from streamer.server.connections import ConnectionLimits, LimitedListener

__all__ = ["listen"]


def listen(host: str, port: int, limits: ConnectionLimits) -> list[socket.socket]:
    """Sockets that listen on every address of the host; with port 0 all on the same free one. Raises StreamerError."""
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise StreamerError(f"server.host: {host} can't be resolved: {error.strerror}") from None
    listeners: list[socket.socket] = []
    try:
        for family, _, _, _, address in dict.fromkeys(addresses):
            if family not in {socket.AF_INET, socket.AF_INET6}:
                continue
            taken = listeners[0].getsockname()[1] if listeners else port
            try:
                listeners.append(_listen_on(family, (address[0], taken), limits))
            except OSError as error:
                # `localhost` has an IPv6 address also where the system has no IPv6
                if not (listeners and error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}):
                    raise
    except OSError as error:
        for listener in listeners:
            listener.close()
        raise StreamerError(_why(error, host, port)) from None
    return listeners


def _listen_on(family: int, address: tuple[Any, int], limits: ConnectionLimits) -> socket.socket:
    listener = LimitedListener(family, socket.SOCK_STREAM)
    listener.limits = limits
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(1024)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _why(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"server.port: {port} on {host} is in use by another program; choose another, or 0 for any free one"
    if error.errno == errno.EACCES:
        return f"server.port: this user may not listen on port {port}; use one above 1023"
    return f"server.host: can't listen on {host}, port {port}: {error.strerror}"
