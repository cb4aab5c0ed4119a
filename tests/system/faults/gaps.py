"""Somebody who watches all the while, and tells for how long nothing came."""

from __future__ import annotations

import asyncio
import threading
import time
from types import TracebackType
from typing import Self

from streamer.client import ResultMessage, connect
from tests.system.program import Program, eventually

__all__ = ["Gaps"]


class Gaps:
    """Watches the results of a program's cameras while the context is open."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()), name="gaps")
        self._lock = threading.Lock()
        self._last: float | None = None
        self._longest = 0.0

    def longest(self) -> float:
        """Seconds without a result at most, since this was asked last."""
        with self._lock:
            assert self._last is not None, "no result at all"
            longest, self._longest = max(self._longest, time.monotonic() - self._last), 0.0
            return longest

    def _note(self) -> None:
        now = time.monotonic()
        with self._lock:
            if self._last is not None:
                self._longest = max(self._longest, now - self._last)
            self._last = now

    async def _watch(self) -> None:
        async with connect(self._program.url, cameras="*", frames="none") as stream:
            async for message in stream:
                if isinstance(message, ResultMessage):
                    self._note()
                if self._stopping.is_set():
                    return

    def __enter__(self) -> Self:
        self._thread.start()
        eventually("a result", lambda: self._last is not None, 15)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()  # seen with the next result
        self._thread.join(15)
