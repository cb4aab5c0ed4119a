"""One viewer on a websocket: reads what it wants, sends what its outbox holds, the newest at each moment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from streamer.errors import PrivacyError, ProtocolError
from streamer.monitoring.metrics import Metrics
from streamer.pacing import Budget
from streamer.server.access.rights import Grant
from streamer.server.access.table import MESSAGES
from streamer.server.hub import Update
from streamer.server.outbox import Outbox, Slot
from streamer.server.pictures import EncodedPicture, PictureEncoder
from streamer.server.protocol import (
    ClientMessage,
    Subscribe,
    encode_error,
    encode_event,
    encode_pong,
    encode_stats,
    finish_result,
    parse_client_message,
    picture_start,
)
from streamer.server.tally import Tally
from streamer.server.transport import Connection, WebSocketConnection
from streamer.types import Event, Result

__all__ = ["Viewer"]

log = logging.getLogger(__name__)

# Messages from a viewer: more than these are read more slowly, and a viewer that keeps breaking the protocol is closed.
_MESSAGES_A_SECOND = 10.0
_MESSAGES_AT_ONCE = 40
_MOST_ERRORS = 20
# When nothing could be sent for this long, in seconds, what was ready then is no longer worth sending.
_OUTDATED = 0.1
_POLICY_VIOLATION = 1008


class Viewer:
    """Serves one accepted websocket until it ends. `run` does all; the rest is called on the loop in the meantime."""

    def __init__(
        self,
        websocket: WebSocket,
        connection: Connection | None,
        *,
        grant: Grant,
        cameras: Sequence[str],
        encoder: PictureEncoder,
        metrics: Metrics,
        sent: Tally,
        result_body: Callable[[Result], bytes],
        fresh: Callable[[str], Update | None],
        model: Callable[[], str],
        shows_pictures: bool = True,
    ) -> None:
        self._websocket = websocket
        self.connection = connection
        self.grant = grant
        self._cameras = cameras  # that it may see
        self._encoder = encoder
        self._metrics = metrics
        self._sent = sent
        self._result_body = result_body
        self._fresh = fresh
        self._model = model
        self._shows_pictures = shows_pictures
        self._outbox = Outbox(metrics)
        self._wake = asyncio.Event()
        self._sends_nothing = False  # until the sender runs, and while it has something
        self._budget = Budget(_MESSAGES_A_SECOND, _MESSAGES_AT_ONCE)
        self._errors = 0
        self._closing: tuple[int, str] | None = None
        self._reader: asyncio.Task[None] | None = None

    async def run(self, hello: str) -> None:
        """Greet, then read and send until either side ends. The websocket is closed, or lost, afterwards."""
        self._outbox.notices.append(hello)
        self._wake.set()
        self._reader = asyncio.create_task(self._read(), name="viewer-read")
        sender = asyncio.create_task(self._send(), name="viewer-send")
        try:
            await asyncio.wait((self._reader, sender), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (self._reader, sender):
                task.cancel()
            outcomes = await asyncio.gather(self._reader, sender, return_exceptions=True)
        for outcome in outcomes:
            # starlette tells of a lost connection by either, depending on the moment
            if isinstance(outcome, (WebSocketDisconnect, RuntimeError)):
                log.debug("a viewer left: %r", outcome)
            elif isinstance(outcome, Exception):
                log.error("a viewer's connection failed: %s", outcome, exc_info=outcome)
                self._closing = self._closing or (1011, "internal error")
        await self._close()

    def end(self, code: int, reason: str) -> None:
        """Close the websocket with this code, soon."""
        self._closing = (code, reason)
        if self._reader is not None:
            self._reader.cancel()

    def offer(self, update: Update) -> None:
        """Tell of an analysed frame."""
        if not self._outbox.offer(update, time.monotonic()):
            return
        if self._outbox.variant is not None and self._sends_nothing and self._is_idle:
            self._hand_to_encoder()  # at once: to wake the sender for this would cost as much as to send
        else:
            self._wake.set()

    def offer_event(self, event: Event) -> None:
        """Tell of an event, unless it is of a camera that isn't this viewer's."""
        if self.grant.access.sees(event.camera) and self._outbox.offer_event(event):
            self._wake.set()

    def offer_stats(self, figures: Mapping[str, Any]) -> None:
        """Tell the figures of this second, and the viewer's own; unsent ones are replaced."""
        counts = self._outbox.counts
        own = {"sent": counts.sent, "replaced": counts.replaced, "events_dropped": counts.events_dropped}
        self._outbox.stats = encode_stats({**figures, "viewer": own})
        self._wake.set()

    # -- reading -------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if wait := self._budget.spend(time.monotonic()):
                await asyncio.sleep(wait)  # nothing more is read from the socket meanwhile
            try:
                self._obey(parse_client_message(message.get("text") or ""))
            except ProtocolError as error:
                self._complain(error)
                if self._errors > _MOST_ERRORS:
                    self._metrics.viewers_evicted.labels("protocol").inc()
                    self._closing = (_POLICY_VIOLATION, "too many errors")
                    return

    def _obey(self, message: ClientMessage) -> None:
        role = self.grant.access.role
        if role not in MESSAGES[message.type]:
            raise ProtocolError("forbidden", f"the role {role} may not send {message.type}")
        if isinstance(message, Subscribe):
            self._subscribe(message)
        else:
            self._notice(encode_pong(message.t))

    def _subscribe(self, message: Subscribe) -> None:
        if message.frames != "none" and not self._shows_pictures:
            raise ProtocolError("no_pictures", str(PrivacyError('subscribe with frames: "none"')))
        cameras = self._cameras if message.cameras == "*" else message.cameras
        unknown = [camera for camera in cameras if camera not in self._cameras]
        if unknown:
            raise ProtocolError("unknown_camera", f"no such camera: {', '.join(unknown[:5])}")
        self._outbox.subscribe(message, cameras)
        for camera in cameras:
            # What is known already, at once: else a viewer of a camera at 1 fps looks at nothing for a second
            if update := self._fresh(camera):
                self.offer(update)

    def _complain(self, error: ProtocolError) -> None:
        self._errors += 1
        self._notice(encode_error(error.code, str(error)))

    def _notice(self, text: str) -> None:
        self._outbox.notices.append(text)
        self._wake.set()

    # -- sending -------------------------------------------------------------------------------------------------

    @property
    def _is_idle(self) -> bool:
        return self.connection is None or self.connection.idle

    async def _send(self) -> None:
        while True:
            self._sends_nothing = True
            await self._wake.wait()
            self._sends_nothing = False
            self._wake.clear()
            self._hand_to_encoder()
            while await self._send_next():
                self._hand_to_encoder()

    def _hand_to_encoder(self) -> None:
        """Only while this viewer takes what it is sent: for one that doesn't, nothing is encoded."""
        variant = self._outbox.variant
        for slot, update in self._outbox.to_encode():
            assert variant is not None  # noqa: S101 - only pictures are encoded
            future = self._encoder.request(update, variant)
            future.add_done_callback(partial(self._take_back, slot))

    def _take_back(self, slot: Slot, done: asyncio.Future[EncodedPicture]) -> None:
        failed = done.cancelled() or done.exception() is not None
        self._outbox.encoded(slot, None if failed else done.result())
        self._wake.set()

    async def _send_next(self) -> bool:
        """Send one message; False when there is none."""
        if self.connection is not None:
            # What is sent is chosen when it can be sent, not before
            before = time.monotonic()
            await self.connection.writable()
            if self.connection.closing:
                raise WebSocketDisconnect(1006)
            if time.monotonic() - before > _OUTDATED:
                self._outbox.drop_outdated()
                self._hand_to_encoder()
        outbox = self._outbox
        if outbox.notices:
            return await self._send_text(outbox.notices.popleft())
        if outbox.events:
            return await self._send_text(encode_event(outbox.events.popleft(), model=self._model()))
        if outbox.stats is not None:
            text, outbox.stats = outbox.stats, None
            return await self._send_text(text)
        frame = outbox.next_frame()
        return frame is not None and await self._send_frame(frame)

    async def _send_frame(self, frame: Result | EncodedPicture) -> bool:
        result = frame.result if isinstance(frame, EncodedPicture) else frame
        age = max(0.0, time.monotonic() - result.captured_at)
        self._sent.frame(result.camera, age)
        body = self._result_body(result)
        if not isinstance(frame, EncodedPicture):
            return await self._send_text(finish_result(body, age * 1000).decode())
        start, rest = picture_start(body, age * 1000), frame.message_rest(body)
        if isinstance(self.connection, WebSocketConnection):
            self.connection.send_binary(start, rest)
        else:
            await self._websocket.send_bytes(start + rest)
        self._sent.picture(result.camera, len(start) + len(rest))
        return True

    async def _send_text(self, text: str) -> bool:
        await self._websocket.send_text(text)
        self._sent.bytes(len(text))
        return True

    # -- ending --------------------------------------------------------------------------------------------------

    async def _close(self) -> None:
        """Send the close frame if that can be done at once, and see to it that the connection ends."""
        code, reason = self._closing or (1000, "")
        close: Callable[..., Awaitable[None]] = self._websocket.close
        # The viewer may be gone (RuntimeError of starlette, or its disconnect), or take nothing (time-out)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            async with asyncio.timeout(0.5):
                await close(code, reason)
        if self.connection is not None:
            # uvicorn waits for the viewer's answer and then closes, which in turn waits until it has taken all
            asyncio.get_running_loop().call_later(3.0, self.connection.abort)
