"""A camera's pictures as `multipart/x-mixed-replace`, for players that know nothing else: the newest wins here too."""

from __future__ import annotations

import asyncio
import time

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from streamer.pacing import RateLimit
from streamer.server.access.rights import Grant
from streamer.server.broadcaster import Broadcaster, Full
from streamer.server.hub import Update
from streamer.server.pictures import EncodedPicture, Variant
from streamer.server.presence import left
from streamer.server.problems import problem
from streamer.server.transport import connection_of

__all__ = ["MjpegResponse"]

_BOUNDARY = b"--picture\r\n"
_HEADERS = [
    (b"content-type", b"multipart/x-mixed-replace; boundary=picture"),
    (b"cache-control", b"no-store"),
    (b"connection", b"close"),
]


class MjpegResponse(Response):
    """An ASGI response that ends when the viewer leaves, gets stuck, loses its grant, or the server stops."""

    def __init__(
        self, broadcaster: Broadcaster, camera: str, variant: Variant, max_fps: float | None, grant: Grant
    ) -> None:
        super().__init__()
        self._broadcaster = broadcaster
        self._camera = camera
        self._variant = variant
        self._grant = grant
        self._limit = RateLimit(max_fps)
        self._wanted: Update | None = None
        self._wake = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        connection = connection_of(scope)
        try:
            async with self._broadcaster.admitted("mjpeg", connection, self._grant) as ended:
                stop = self._broadcaster.services.hub.listen(self._offer, lambda _: None)
                if newest := self._broadcaster.services.hub.fresh(self._camera):
                    self._offer(newest)
                tasks = [
                    asyncio.create_task(self._stream(scope, send), name="mjpeg-send"),
                    asyncio.create_task(left(receive), name="mjpeg-read"),
                    asyncio.create_task(ended.wait(), name="mjpeg-end"),
                ]
                try:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    stop()
                    for task in tasks:
                        task.cancel()
                    await asyncio.gather(*tasks, return_exceptions=True)
                if connection is not None:
                    connection.abort()  # the response has no end; see `Connection.abort`
        except Full:
            await problem(503, "too many viewers")(scope, receive, send)

    def _offer(self, update: Update) -> None:
        if update.frame.camera != self._camera or not self._limit.allows(time.monotonic()):
            return
        if self._wanted is not None:
            self._broadcaster.services.metrics.pictures_replaced.labels(self._camera).inc()
        self._wanted = update
        self._wake.set()

    async def _stream(self, scope: Scope, send: Send) -> None:
        connection = connection_of(scope)
        await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": _BOUNDARY, "more_body": True})
        newest = float("-inf")
        while True:
            await self._wake.wait()
            if connection is not None:
                await connection.writable()
                if connection.closing:
                    return
            self._wake.clear()
            update, self._wanted = self._wanted, None
            if update is None or update.result.captured_at <= newest:
                continue
            try:
                picture = await asyncio.shield(self._broadcaster.encoder.request(update, self._variant))
            except Exception:  # noqa: BLE001, S112 - counted and logged by the encoder; the next may be better
                continue
            newest = picture.result.captured_at
            await self._send_picture(picture, send)

    async def _send_picture(self, picture: EncodedPicture, send: Send) -> None:
        sent, captured_at = self._broadcaster.mjpeg_sent, picture.result.captured_at
        # The boundary follows at once: browsers show a picture only when they see that it is over
        body = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n%b" % (
            len(picture.jpeg),
            picture.jpeg,
            _BOUNDARY,
        )
        await send({"type": "http.response.body", "body": body, "more_body": True})
        sent.frame(self._camera, max(0.0, time.monotonic() - captured_at))
        sent.picture(self._camera, len(body))
