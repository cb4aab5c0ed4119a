"""Somebody who watches all the while, and keeps every result."""

from __future__ import annotations

import asyncio
import threading
from types import TracebackType
from typing import Self

from streamer.client import ResultMessage, connect
from tests.system.program import Program, eventually

__all__ = ["Results"]


class Results:
    """Of a program's cameras, while the context is open."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()), name="results")
        self._kept: list[ResultMessage] = []

    def of(self, camera: str) -> list[ResultMessage]:
        """Those of one camera up to now, as they came."""
        return [result for result in list(self._kept) if result.camera == camera]

    async def _watch(self) -> None:
        async with connect(self._program.url, cameras="*", frames="none") as stream:
            async for message in stream:
                if isinstance(message, ResultMessage):
                    self._kept.append(message)
                if self._stopping.is_set():
                    return

    def __enter__(self) -> Self:
        self._thread.start()
        eventually("a result", lambda: self._kept, 15)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()  # seen with the next message: statistics come each second
        self._thread.join(15)
