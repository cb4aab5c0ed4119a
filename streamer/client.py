"""Receives results, events and pictures of a running streamer: `async with connect(url) as stream`.

async with connect("http://127.0.0.1:8000", frames="annotated", max_fps=5) as stream:
    async for message in stream:
        match message:
            case Picture(result=result, jpeg=jpeg): ...
            case ResultMessage(camera=camera, objects=faces): ...
            case EventMessage(kind=kind, camera=camera): ...
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self, TypedDict
from urllib.parse import urlsplit, urlunsplit

from pydantic_core import from_json, to_json
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from streamer.errors import ProtocolError, StreamerError
from streamer.server.protocol import SUBPROTOCOL, split_picture

__all__ = [
    "EventMessage",
    "FaceObject",
    "Hello",
    "Message",
    "Picture",
    "ResultMessage",
    "Stats",
    "Stream",
    "connect",
]

log = logging.getLogger(__name__)

_FIRST_DELAY, _LONGEST_DELAY = 0.5, 15.0  # seconds between attempts to connect again
_OPEN_SECONDS = 10.0
_LARGEST_MESSAGE = 64 * 1024 * 1024


class FaceObject(TypedDict):
    """One face of a result. x, y, w, h: pixels of the camera's picture. since: UTC seconds.

    static: a picture of a face, such as a poster. counted: it counts as a visit, which a static one doesn't unless
    asked for. tracked: seen in this very frame; else its place is an estimate. age is None before the first usable
    look, raw (the newest single look, unsmoothed) too.
    """

    id: int
    roi_type: str
    x: float
    y: float
    w: float
    h: float
    static: bool
    counted: bool
    detection: dict[str, Any]
    age: dict[str, Any] | None
    gender: dict[str, Any]
    raw: dict[str, float] | None
    since: float
    tracked: bool


@dataclass(frozen=True, slots=True)
class Hello:
    """Comes after each connect. cameras: those that the token may see, as in the API.

    privacy: as configured. role: of the token; 'admin' where the server asks for none. session: signed in on the login
    page, which no program does.
    """

    version: int
    server: str
    privacy: str
    role: str
    session: bool
    cameras: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class ResultMessage:
    """One analysed frame. timestamp: UTC seconds; age_ms: of the frame, when this was sent; timings: ms by stage."""

    camera: str
    seq: int
    pts: float
    timestamp: float
    age_ms: float
    width: int
    height: int
    objects: Sequence[FaceObject]
    timings: Mapping[str, float]
    occupancy: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, and the result that it shows."""

    result: ResultMessage
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class EventMessage:
    """Something that happened once; `kind` is one of `streamer.types.EventKind`. timestamp: UTC seconds.

    key: the same however often it is told. visit: the key of the visit that it belongs to.
    """

    kind: str
    camera: str
    timestamp: float
    rule: str | None
    direction: str | None
    object: Mapping[str, Any] | None
    data: Mapping[str, Any]
    key: str
    visit: str


@dataclass(frozen=True, slots=True)
class Stats:
    """The figures of one second. viewer: what became of this connection's own messages.

    degraded: parts beside the video that can't do their work, such as the store, each with the reason.
    """

    timestamp: float
    cameras: Sequence[Mapping[str, Any]]
    viewers: Mapping[str, int]
    viewer: Mapping[str, int]
    degraded: Mapping[str, str]


Message = Hello | ResultMessage | Picture | EventMessage | Stats


def connect(
    url: str,
    *,
    cameras: Sequence[str] | Literal["*"] = "*",
    frames: Literal["annotated", "clean", "none"] = "none",
    max_fps: float | None = None,
    width: int | None = None,
    quality: int = 80,
    events: bool | Literal["*"] = True,
    token: str | None = None,
) -> Stream:
    """A stream to be entered with `async with`.

    url: of the server, such as http://host:8000; a path before `/ws` is kept. The other arguments are those of the
    `subscribe` message. token: one with the role viewer, operator or admin (`streamer token new`), or the server's
    `auth.token`.
    """
    subscription: dict[str, Any] = {
        "type": "subscribe",
        "cameras": "*" if cameras == "*" else list(cameras),
        "frames": frames,
        "quality": quality,
        "events": events,
    }
    subscription |= {key: value for key, value in (("max_fps", max_fps), ("width", width)) if value is not None}
    return Stream(_websocket_url(url), subscription, token)


class Stream:
    """Messages as they come. A lost connection is made again by itself; a refused one raises StreamerError.

    Whoever is slow to take messages gets newer ones in place of those missed. Entering raises StreamerError when the
    server can't be reached; once entered, only a refusal (wrong token, unknown camera) ends it.
    """

    def __init__(self, url: str, subscription: Mapping[str, Any], token: str | None) -> None:
        self._url = url
        self._subscription = subscription
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._websocket: ClientConnection | None = None

    async def __aenter__(self) -> Self:
        """Connect and subscribe."""
        try:
            self._websocket = await self._connect()
        except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
            raise StreamerError(f"can't connect to {self._url}: {_why(error)}") from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Disconnect."""
        websocket, self._websocket = self._websocket, None
        if websocket is not None:
            await websocket.close()

    async def __aiter__(self) -> AsyncIterator[Message]:
        """Every message, until the stream is left."""
        while (websocket := self._websocket) is not None:
            try:
                async for raw in websocket:
                    message = _parse(raw)
                    if message is not None:
                        yield message
            except ConnectionClosed:
                pass
            if self._websocket is None:
                return
            log.warning("lost the connection to %s; connecting again", self._url)
            websocket = await self._connect_again()
            if self._websocket is None:  # left meanwhile, by another task
                await websocket.close()
                return
            self._websocket = websocket

    async def _connect(self) -> ClientConnection:
        try:
            websocket = await open_websocket(
                self._url,
                subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]  # a NewType of str
                additional_headers=self._headers,
                compression=None,
                open_timeout=_OPEN_SECONDS,
                max_size=_LARGEST_MESSAGE,
                # Little is buffered here: what a slow program doesn't take in time, the server replaces
                max_queue=4,
                user_agent_header="streamer-client",
            )
        except InvalidStatus as error:
            status = error.response.status_code
            if status in {400, 401, 403, 404}:
                raise StreamerError(f"{self._url} refuses: {_why(error)}") from None
            raise
        await websocket.send(to_json(self._subscription).decode())
        return websocket

    async def _connect_again(self) -> ClientConnection:
        delay = _FIRST_DELAY
        while True:
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads many clients out
            try:
                return await self._connect()
            except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as error:
                log.info("can't connect to %s: %s", self._url, _why(error))
                delay = min(2 * delay, _LONGEST_DELAY)


def _websocket_url(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in {"ws", "wss"} or not parts.hostname:
        raise StreamerError(f"not the address of a streamer: {parts.scheme}://…; use http://HOST:PORT")
    if parts.username or parts.password or parts.query:
        raise StreamerError("a token goes into the argument `token`, never into the URL")
    path = parts.path.rstrip("/")
    return urlunsplit((scheme, parts.netloc, path if path.endswith("/ws") else f"{path}/ws", "", ""))


def _why(error: Exception) -> str:
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        try:
            return f"HTTP {status}: {from_json(error.response.body or b'')['detail']}"
        except (ValueError, KeyError, TypeError):  # not ours: a proxy's answer
            return f"HTTP {status}"
    if isinstance(error, TimeoutError):
        return f"no answer in {_OPEN_SECONDS:g} s"
    return getattr(error, "strerror", None) or str(error)


def _parse(raw: str | bytes) -> Message | None:
    """None for what a later version may have added, and for pongs. Raises ProtocolError for the server's errors."""
    if isinstance(raw, bytes):
        header, jpeg = split_picture(raw)
        return Picture(_result(header), jpeg)
    document = from_json(raw)
    match document.get("type"):
        case "result":
            return _result(document)
        case "event":
            keys = ("kind", "camera", "timestamp", "rule", "direction", "object", "data", "key", "visit")
            return EventMessage(*(document[key] for key in keys))
        case "stats":
            return Stats(*(document[key] for key in ("timestamp", "cameras", "viewers", "viewer", "degraded")))
        case "hello":
            return Hello(*(document[key] for key in ("version", "server", "privacy", "role", "session", "cameras")))
        case "error":
            raise ProtocolError(document["code"], document["message"])
    return None


def _result(document: Mapping[str, Any]) -> ResultMessage:
    size = document["resolution"]
    return ResultMessage(
        document["camera"],
        document["seq"],
        document["pts"],
        document["timestamp"],
        document["age_ms"],
        size["width"],
        size["height"],
        document["objects"],
        document["timings"],
        document["occupancy"],
    )
