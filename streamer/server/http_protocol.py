"""HTTP from strangers: how much one client may send that isn't answered yet, and how long it may take over it."""

from __future__ import annotations

import asyncio
from typing import NoReturn

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from streamer.server.transport import STATE_KEY, Connection, set_up_buffers

__all__ = ["ViewerHttpProtocol"]

# In which a client sends a request, up to its body: the first of a connection, or the next after an answer. Who takes
# nothing of an answer for so long is cut off, too.
REQUEST_SECONDS = 15.0
# Of a request, before its body, or between two pieces of it. The parser itself keeps any amount.
LARGEST_HEAD = 64 * 1024
# Of what may follow a body that comes in chunks. Nothing here reads it.
LARGEST_TRAILER = 4 * 1024
# Requests that wait behind the one that is being answered. Browsers send none, some programs a few.
MOST_WAITING = 8


class ViewerHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with small buffers, a `Connection` in the scope, and limits on what a client may do."""

    _timer: asyncio.TimerHandle | None = None
    _running: RequestResponseCycle | None = None  # is being answered; uvicorn's `cycle` is the last that was received
    _unfruitful = 0  # bytes received since a head was complete, a piece of a body came, or a body was complete
    _trailer = 0  # bytes of it, names and values
    _in_body = False
    _wrong = ""  # with what was received, where we found it and not the parser
    _connection: Connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by the loop."""
        super().connection_made(transport)
        set_up_buffers(transport)
        self._connection = Connection(transport, self)
        # uvicorn copies this mapping into each scope's `state`
        self.app_state = {**self.app_state, STATE_KEY: self._connection}
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the loop."""
        self._stop_watching()
        running = self._running
        if running is not None and not running.response_complete:  # uvicorn tells only the last that was received
            running.disconnected = True
            running.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self._unfruitful += len(data)
        super().data_received(data)
        if self._unfruitful > LARGEST_HEAD and not self.transport.is_closing():
            self.send_400_response("The head of the request, or what stands around its body, is too large.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser, also for what follows a body: uvicorn would take that for headers of the request."""
        if not self._in_body:
            super().on_header(name, value)
            return
        self._trailer += len(name) + len(value)
        if self._trailer > LARGEST_TRAILER:
            self._refuse("What follows the body of the request is too large.")

    def on_headers_complete(self) -> None:
        """Called by the parser."""
        if len(self.pipeline) >= MOST_WAITING:
            self._refuse("Too many requests wait on this connection.")
        self._unfruitful, self._trailer, self._in_body = 0, 0, True
        super().on_headers_complete()
        if not self.pipeline:
            self._running = self.cycle

    def on_body(self, body: bytes) -> None:
        """Called by the parser."""
        self._unfruitful = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self._unfruitful, self._in_body = 0, False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Called by a cycle when its answer was written."""
        following = self.pipeline[-1][0] if self.pipeline else None
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if following is not None:
            self._running = following
        self._watch()

    def handle_websocket_upgrade(self) -> None:
        """Called by uvicorn when a request asks for a websocket: another protocol takes over."""
        if self._is_answering():  # it would write into the websocket
            self.send_400_response("A websocket takes a connection on which nothing else waits.")
            return
        self._stop_watching()
        super().handle_websocket_upgrade()

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn when the parser fails, also when it does because of us."""
        super().send_400_response(self._wrong or msg)

    async def wait_writable(self) -> None:
        """See `Connection.writable`."""
        if self.flow.write_paused:
            await self.flow.drain()

    def _refuse(self, why: str) -> NoReturn:
        """End the parsing: nothing else would before all that was received at once has become requests."""
        self._wrong = why
        raise ValueError(why)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _watch(self) -> None:
        self._stop_watching()
        self._timer = self.loop.call_later(REQUEST_SECONDS, self._look)

    def _stop_watching(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        """Cut off who neither waits for an answer nor takes one. A farewell would wait for them, too."""
        connection = self._connection
        if connection.idle:
            gone = not self._is_answering() or self.transport.is_closing()
        else:
            gone = not connection.watched and connection.stuck_for(self.loop.time()) >= REQUEST_SECONDS
        if gone:
            self.transport.abort()
        else:
            self._watch()
