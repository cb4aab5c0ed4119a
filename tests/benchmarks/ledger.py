"""Processor time by stage: what each thread spends inside chosen functions, each second booked once.

A stage entered within another pauses the outer one, so that stages add up. Times are of the thread's own processor
clock: waiting, for the interpreter's lock or for a core, isn't counted.
"""

from __future__ import annotations

import functools
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, TypeVar
from unittest.mock import patch

__all__ = ["Ledger"]

T = TypeVar("T")


class Ledger:
    """Books of all threads.

    seconds, calls: by stage. python_seconds: of the thread that watched, and of those that were started and ended
    meanwhile.
    """

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self.python_seconds = 0.0
        self._ended: list[float] = []  # by thread that has ended; appended to by many, which is atomic
        self._local = threading.local()
        self._books: list[_Book] = []
        self._opening = threading.Lock()

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time booked."""

        @functools.wraps(function)
        def booked(*arguments: Any, **named: Any) -> Any:
            book = self._book()
            book.enter(stage)
            try:
                return function(*arguments, **named)
            finally:
                book.leave()

        return booked

    def timed_steps(self, stage: str, steps: Iterable[T]) -> Iterator[T]:
        """The same steps, with the time that each takes to come booked."""
        step = self.timed(stage, iter(steps).__next__)
        with suppress(StopIteration):
            while True:
                yield step()

    @contextmanager
    def watching(self, functions: dict[str, list[tuple[Any, str]]]) -> Iterator[None]:
        """Book the time of these functions, (owner, name) by stage, while the context is open; then sum up."""
        begin = time.thread_time()
        with ExitStack() as stack:
            stack.enter_context(patch.object(threading.Thread, "run", self._to_its_end(threading.Thread.run)))
            for stage, places in functions.items():
                for owner, name in places:
                    stack.enter_context(patch.object(owner, name, self.timed(stage, getattr(owner, name))))
            yield
        self.python_seconds = time.thread_time() - begin + sum(self._ended)
        for book in self._books:
            for stage, seconds in book.seconds.items():
                self.seconds[stage] += seconds
            self.calls.update(book.calls)

    def _to_its_end(self, run: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
        """A thread that leaves its processor time behind."""

        def timed(thread: threading.Thread) -> None:
            try:
                run(thread)
            finally:
                self._ended.append(time.thread_time())

        return timed

    def _book(self) -> _Book:
        book: _Book | None = self._local.__dict__.get("book")
        if book is None:
            book = self._local.book = _Book()
            with self._opening:
                self._books.append(book)
        return book


class _Book:
    """One thread's."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self._open: list[str] = []
        self._since = 0.0

    def enter(self, stage: str) -> None:
        now = time.thread_time()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._open.append(stage)
        self.calls[stage] += 1
        self._since = time.thread_time()

    def leave(self) -> None:
        now = time.thread_time()
        stage = self._open.pop()
        self.seconds[stage] += now - self._since
        self._since = now
