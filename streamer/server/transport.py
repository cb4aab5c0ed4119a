"""The sockets under the viewers: small buffers, and a sight of what waits in them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from typing import Any, Protocol, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

__all__ = [
    "STATE_KEY",
    "Connection",
    "ViewerWebSocketProtocol",
    "WebSocketConnection",
    "connection_of",
    "set_up_buffers",
]

# Bytes that the kernel takes beyond what is on its way. Its default lets a slow viewer fall 82 pictures behind.
NOTSENT_LOWAT = 128 * 1024
STATE_KEY = "streamer.connection"  # in a scope's `state`
# RFC 6455 5.2: a whole message in one frame, opcode 2; what a server sends is not masked.
_BINARY = 0x82
_MEDIUM_FRAME, _LARGE_FRAME = struct.Struct(">BBH"), struct.Struct(">BBQ")
_TCP_NOTSENT_LOWAT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", 25 if sys.platform == "linux" else None)


class _Writer(Protocol):
    """The part of uvicorn's protocol classes that knows whether the transport takes more."""

    async def wait_writable(self) -> None: ...


class Connection:
    """One viewer's TCP connection, as the application sees it through `connection_of`."""

    def __init__(self, transport: asyncio.Transport, writer: _Writer) -> None:
        self._transport = transport
        self._carrier = _carrier_of(transport)
        self._writer = writer
        self._left = 0
        self._since: float | None = None
        self.watched = False  # whether somebody else cuts it off when it is stuck

    async def writable(self) -> None:
        """Return when nothing waits to be sent, or when the connection is lost."""
        await self._writer.wait_writable()

    @property
    def closing(self) -> bool:
        """No more can be sent."""
        return self._transport.is_closing()

    @property
    def idle(self) -> bool:
        """Nothing waits to be sent."""
        return self._waiting() == 0

    def abort(self) -> None:
        """Drop the connection at once. Closing it would wait until the viewer has taken what is buffered: for ever."""
        self._transport.abort()

    def stuck_for(self, now: float) -> float:
        """Seconds, of the calls' own clock, for which data has waited and the viewer has taken not one byte."""
        waiting = self._waiting()
        left = waiting + self._unacknowledged() if waiting else 0
        if left == 0 or left != self._left or self._since is None:
            self._since = now
        self._left = left
        return now - self._since

    def _waiting(self) -> int:
        """Bytes in our own buffers."""
        carried = self._carrier.get_write_buffer_size() if self._carrier is not None else 0
        return self._transport.get_write_buffer_size() + carried

    def _unacknowledged(self) -> int:
        """Bytes in the kernel that the viewer's side has not acknowledged; 0 where the system doesn't tell.

        The kernel asks for more only when half of NOTSENT_LOWAT is gone; without this a viewer on a slow line, that
        takes less than that in the time-out, would look stuck.
        """
        if sys.platform != "linux":
            return 0
        import fcntl
        import termios

        sock = self._transport.get_extra_info("socket")
        try:
            answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
        except (OSError, ValueError, AttributeError):
            return 0
        return int(struct.unpack("i", answer)[0])


class WebSocketConnection(Connection):
    """A viewer's connection after the handshake."""

    def send_binary(self, start: bytes, rest: bytes) -> None:
        """Send one binary message, `start` followed by `rest`. Call it when the connection is `writable`.

        `rest` is shared by many viewers and large: the way through ASGI would copy it again and again for each of them.
        """
        length = len(start) + len(rest)
        if length < 1 << 16:
            header = _MEDIUM_FRAME.pack(_BINARY, 126, length) if length > 125 else bytes((_BINARY, length))
        else:
            header = _LARGE_FRAME.pack(_BINARY, 127, length)
        self._transport.writelines((header + start, rest))


def connection_of(scope: Any) -> Connection | None:
    """The connection under an ASGI scope; None when another server than ours runs the application."""
    return cast("Connection | None", scope.get("state", {}).get(STATE_KEY))


def _carrier_of(transport: asyncio.Transport) -> asyncio.WriteTransport | None:
    """The TCP transport under one with TLS, which has a buffer of its own; asyncio has no public way to it."""
    return getattr(getattr(transport, "_ssl_protocol", None), "_transport", None)


def set_up_buffers(transport: asyncio.Transport) -> None:
    """Keep the buffers under a viewer's connection small."""
    # Sending waits as soon as the kernel takes no more: what is chosen to be sent then is the newest. Not 0, as with it
    # asyncio's TLS begins to wait when there is nothing to wait for
    transport.set_write_buffer_limits(high=1, low=0)
    carrier = _carrier_of(transport)
    if carrier is not None:
        carrier.set_write_buffer_limits(high=0)
    sock = transport.get_extra_info("socket")
    if sock is None:
        return
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if _TCP_NOTSENT_LOWAT is not None:
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, NOTSENT_LOWAT)


class ViewerWebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's websocket protocol with small buffers, a `Connection` in the scope, and no waiting for the stuck."""

    def connection_made(self, transport: Any) -> None:
        """Called by the HTTP protocol on upgrade."""
        super().connection_made(transport)
        set_up_buffers(transport)
        self.app_state = {**self.app_state, STATE_KEY: WebSocketConnection(transport, self)}
        self.close_timeout = 2.0

    def shutdown(self) -> None:
        """Called as the server stops.

        A handshake under way is left to the application, which refuses it: an answer from here would make the
        application's a second one, which is an error.
        """
        if self.handshake_complete or self.close_sent:
            super().shutdown()

    async def wait_writable(self) -> None:
        """See `Connection.writable`."""
        await self.writable.wait()

    def handle_ping(self) -> None:
        """Answer, unless answers pile up: a client that pings and never reads must not fill our memory."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def keepalive_timeout(self) -> None:
        """Cut off a viewer that is not there any more: it would not read a farewell either."""
        self.transport.abort()
