"""Bodies of requests: received within bounds of size and time before a route sees them, or refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection

from starlette._utils import get_route_path
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamer.server.problems import problem

__all__ = ["BODY_SECONDS", "LARGEST_BODY", "BoundedBodies", "UnreadRefusal"]

LARGEST_BODY = 256 * 1024
"""Bytes. The most lines and zones that a camera may have take half of it."""
BODY_SECONDS = 15.0
"""In which a body has to arrive."""
# A client that is refused before it has sent everything may go on for so long before its connection is closed: closed
# at once, many would never read the answer.
_LINGER_SECONDS = 2.0
_WITHOUT_BODY = {"GET", "HEAD", "OPTIONS"}  # nobody here reads one


class BoundedBodies:
    """ASGI middleware in front of every route; FastAPI itself would receive anything, for as long as it comes."""

    def __init__(self, app: ASGIApp, but: Collection[str]) -> None:
        """but: paths of routes that receive by themselves, within bounds of their own."""
        self._app = app
        self._but = frozenset(but)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http" or scope["method"] in _WITHOUT_BODY or get_route_path(scope) in self._but:
            await self._app(scope, receive, send)
            return
        try:
            body = await _received(Headers(scope=scope), receive)
        except _TooLarge:
            refusal = problem(413, f"the body may have {LARGEST_BODY} bytes")
            await UnreadRefusal(refusal)(scope, receive, send)
        except TimeoutError:
            refusal = problem(408, f"the body did not arrive within {BODY_SECONDS:g} s")
            await UnreadRefusal(refusal)(scope, receive, send)
        except ConnectionError:
            return  # nobody is there to be answered
        else:
            await self._app(scope, _first(body, receive), send)


class UnreadRefusal(Response):
    """A refusal of a request that is still being sent: answered at once; what comes is thrown away for a while."""

    def __init__(self, refusal: Response) -> None:
        super().__init__(refusal.body, refusal.status_code, dict(refusal.headers) | {"Connection": "close"})

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while (await receive()).get("more_body", False):
                    pass
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _TooLarge(Exception):  # noqa: N818 - turned into an answer at once
    """The body has more bytes than it may."""


async def _received(headers: Headers, receive: Receive) -> bytes:
    """The whole body. Raises _TooLarge; TimeoutError; ConnectionError when the client has left."""
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > LARGEST_BODY:
        raise _TooLarge
    body = bytearray()
    async with asyncio.timeout(BODY_SECONDS):
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ConnectionError("the client left")
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > LARGEST_BODY:
                raise _TooLarge
    return bytes(body)


def _first(body: bytes, receive: Receive) -> Receive:
    """What gives the application a body that has been received, and then what else comes."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_next() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_next
