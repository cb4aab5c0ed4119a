"""Work that may hang, off the loop: in a thread of its own, for which neither other work nor the program's end waits.

`asyncio.to_thread` has a few threads for everything, and a process ends only after them: what hangs in one, such as a
question to a database server that is frozen, holds up what comes after it, and the end, for as long as it likes.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

__all__ = ["in_own_thread"]

T = TypeVar("T")


def in_own_thread(work: Callable[[], T], name: str) -> asyncio.Future[T]:
    """Begin it now; the future, of the running loop, has what comes of it.

    Who cancels the future waits no longer; the work goes on.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(tell: Callable[[], None]) -> None:
        if not future.done():  # else nobody waits any more
            tell()

    def run() -> None:
        tell: Callable[[], None]
        try:
            tell = partial(future.set_result, work())
        except BaseException as error:  # noqa: BLE001 - it is raised where the work is waited for
            tell = partial(future.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, tell)

    threading.Thread(target=run, name=name, daemon=True).start()
    return future
