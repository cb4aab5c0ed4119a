"""Serves all viewers: admits them, feeds them from the hub, counts each second, and cuts off those that are stuck."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable

from starlette.websockets import WebSocket

from streamer.pacing import Throttle
from streamer.server.access.rights import Grant, grant_of
from streamer.server.access.sessions import COOKIE
from streamer.server.encoding import result_body
from streamer.server.hub import Update
from streamer.server.pictures import PictureEncoder
from streamer.server.problems import problem
from streamer.server.protocol import SUBPROTOCOL, encode_hello
from streamer.server.services import Services
from streamer.server.snapshots import Snapshots
from streamer.server.statistics import Statistics
from streamer.server.tally import Tally
from streamer.server.transport import Connection, connection_of
from streamer.server.viewer import Viewer
from streamer.types import Event, Result

__all__ = ["Broadcaster", "Full"]

log = logging.getLogger(__name__)

_WATCH_SECONDS = 0.25
_POLICY_VIOLATION = 1008


class Full(Exception):  # noqa: N818 - says what the server is; turned into a 503 at once
    """No more viewers are admitted."""


class Broadcaster:
    """One for each running server, on its loop. `start` and `close` frame its life."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.statistics = Statistics(services)
        config = services.config
        self.encoder = PictureEncoder(
            services.metrics, blur=config.privacy == "blur", withhold=not config.shows_pictures
        )
        self.snapshots = Snapshots(self.encoder)
        self.mjpeg_sent = Tally(services.metrics, "mjpeg")
        self._sent = Tally(services.metrics, "websocket")
        self._viewers: set[Viewer] = set()
        self._streams: dict[asyncio.Event, Grant] = {}
        self._connections: set[Connection] = set()
        self._bodies: dict[str, deque[tuple[Result, bytes]]] = {}
        self._tick: asyncio.Task[None] | None = None
        self._stop_listening: Callable[[], None] | None = None
        self._evictions = Throttle(10.0)
        self._ending = False

    def start(self) -> None:
        """Begin to serve, on the running loop."""
        self.services.hub.attach(asyncio.get_running_loop())
        self._stop_listening = self.services.hub.listen(self._on_update, self._on_event)
        self._tick = asyncio.create_task(self._watch(), name="broadcaster-watch")

    async def close(self) -> None:
        """End all viewers, the watch and the encoder's threads."""
        self.end_viewers(1001, "the server stops")
        self.services.hub.detach()
        if self._stop_listening is not None:
            self._stop_listening()
        if self._tick is not None:
            self._tick.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._tick
        await self.snapshots.close()
        await self.encoder.close()

    def end_viewers(self, code: int, reason: str) -> None:
        """Say goodbye to every viewer, with a websocket close code, and admit no more."""
        self._ending = True
        for viewer in self._viewers:
            viewer.end(code, reason)
        for ended in self._streams:
            ended.set()

    @property
    def cameras(self) -> list[str]:
        """The ids, in the order of the config."""
        return [camera.id for camera in self.services.config.cameras]

    # -- viewers -------------------------------------------------------------------------------------------------

    async def serve_websocket(self, websocket: WebSocket) -> None:
        """Admit a viewer that asks for a websocket, and serve it until it leaves."""
        offered = websocket.scope.get("subprotocols") or []
        if offered and SUBPROTOCOL not in offered:
            await _deny(websocket, 400, f"this server speaks the subprotocol {SUBPROTOCOL}")
            return
        connection = connection_of(websocket.scope)
        try:
            grant = grant_of(websocket.scope)
            async with self.admitted("websocket", connection, grant):
                await websocket.accept(SUBPROTOCOL if offered else None)
                viewer = self._viewer(websocket, connection, grant)
                self._viewers.add(viewer)
                try:
                    statuses = [each for each in self.services.statuses() if grant.access.sees(each.camera)]
                    hello = encode_hello(
                        statuses,
                        privacy=self.services.config.privacy,
                        role=grant.access.role,
                        session=bool(grant.token) and COOKIE in websocket.cookies,
                    )
                    await viewer.run(hello)
                finally:
                    self._viewers.discard(viewer)
        except Full:
            await _deny(websocket, 503, "too many viewers")

    @contextlib.asynccontextmanager
    async def admitted(
        self, transport: str, connection: Connection | None, grant: Grant
    ) -> AsyncIterator[asyncio.Event]:
        """Count a viewer while it is served, and cut it off if it gets stuck; yields what is set when it should end.

        It should end when the server stops, and when what it was granted doesn't hold any more.

        Raises Full, also when the server stops. transport: 'websocket' or 'mjpeg'.
        """
        if self._ending or len(self._streams) >= self.services.config.server.max_viewers:
            raise Full
        ended = asyncio.Event()
        self._streams[ended] = grant
        gauge = self.services.metrics.viewers.labels(transport)
        gauge.inc()
        if connection is not None:
            self._connections.add(connection)
            connection.watched = True
        try:
            yield ended
        finally:
            gauge.dec()
            self._streams.pop(ended, None)
            if connection is not None:
                self._connections.discard(connection)

    def _viewer(self, websocket: WebSocket, connection: Connection | None, grant: Grant) -> Viewer:
        return Viewer(
            websocket,
            connection,
            grant=grant,
            cameras=grant.access.of(self.cameras),
            encoder=self.encoder,
            metrics=self.services.metrics,
            sent=self._sent,
            result_body=self._body,
            fresh=self.services.hub.fresh,
            model=lambda: self.services.attribute_model,
            shows_pictures=self.services.config.shows_pictures,
        )

    def _body(self, result: Result) -> bytes:
        """The JSON of a result, made once for all viewers; pictures lag their results, so the last few are kept."""
        kept = self._bodies.setdefault(result.camera, deque(maxlen=4))
        for known, body in kept:
            if known is result:
                return body
        body = result_body(result, self.services.attribute_model)
        kept.append((result, body))
        return body

    # -- what happens --------------------------------------------------------------------------------------------

    def _on_update(self, update: Update) -> None:
        for viewer in self._viewers:
            viewer.offer(update)

    def _on_event(self, event: Event) -> None:
        for viewer in self._viewers:
            viewer.offer_event(event)

    async def _watch(self) -> None:
        next_stats = time.monotonic()
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            now = time.monotonic()
            try:
                self._cut_off_stuck(now)
                if now >= next_stats:
                    next_stats = max(next_stats + 1.0, now)
                    self._end_revoked()
                    self._tell_stats()
                    self.encoder.forget_unused()
            except Exception:  # the watch must go on: without it stuck viewers stay for ever
                log.exception("counting the viewers failed")

    def _tell_stats(self) -> None:
        figures = self.statistics.sample()
        for viewer in self._viewers:
            viewer.offer_stats(self.statistics.shown_to(viewer.grant.access, figures))

    def _end_revoked(self) -> None:
        for viewer in self._viewers:
            if not viewer.grant.holds():
                viewer.end(_POLICY_VIOLATION, "the token has ended")
        for ended, grant in self._streams.items():
            if not grant.holds():
                ended.set()

    def _cut_off_stuck(self, now: float) -> None:
        limit = self.services.config.server.viewer_timeout
        for connection in tuple(self._connections):
            if not connection.closing and connection.stuck_for(now) >= limit:
                self.services.metrics.viewers_evicted.labels("stuck").inc()
                if count := self._evictions.count(now):
                    log.info("cut off %d viewer(s) that took nothing for %g s", count, limit)
                connection.abort()


async def _deny(websocket: WebSocket, status: int, detail: str) -> None:
    await websocket.send_denial_response(problem(status, detail))
