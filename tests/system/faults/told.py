"""Somebody who watches what happens, and keeps what was told: all of it has to be found in the database."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from types import TracebackType
from typing import Self

from streamer.client import EventMessage, connect
from tests.system.program import Program

__all__ = ["Told"]


class Told:
    """Hears of the events of all cameras while the context is open; may stay open when the program ends."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._changed = threading.Condition()
        self._events: list[EventMessage] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="told")

    @property
    def events(self) -> list[EventMessage]:
        """In the order in which they came."""
        with self._changed:
            return list(self._events)

    def wait_for_next(self, kinds: set[str], seconds: float = 60.0) -> bool:
        """True as soon as another event of one of these kinds has come; AssertionError after so many seconds."""
        with self._changed:
            seen = len(self._events)
            came = self._changed.wait_for(lambda: any(e.kind in kinds for e in self._events[seen:]), seconds)
        assert came, f"not within {seconds} s: one of {', '.join(sorted(kinds))}"
        return came

    async def _run(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.ensure_future(self._listen())
        self._listening.set()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        async with connect(self._program.url, events="*") as stream:
            async for message in stream:
                if isinstance(message, EventMessage):
                    with self._changed:
                        self._events.append(message)
                        self._changed.notify_all()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._loop is not None and self._task is not None:
            with contextlib.suppress(RuntimeError):  # it was refused, and the loop is closed
                self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(15)
