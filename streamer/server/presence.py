"""Work for a client that may leave before it is done."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

__all__ = ["ClientLeft", "left", "while_connected"]

T = TypeVar("T")


class ClientLeft(Exception):  # noqa: N818 - not an error
    """The client closed the connection."""


async def while_connected(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The outcome of work that is given up when the client leaves. Raises ClientLeft."""
    task = asyncio.create_task(work)
    leaving = asyncio.create_task(left(receive))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientLeft
        return task.result()
    finally:
        for each in (task, leaving):
            if not each.done():
                each.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await each


async def left(receive: Receive) -> None:
    """Return when the client has left; what it sends until then is thrown away."""
    while (await receive())["type"] != "http.disconnect":
        pass
