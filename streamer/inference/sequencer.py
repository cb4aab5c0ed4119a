"""Puts what several workers finish in any order back into the order in which it was begun."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Sequencer"]

T = TypeVar("T")


class Sequencer(Generic[T]):
    """Tickets are issued in order; what completes them is handled in that order, by one thread at a time.

    No thread ever waits for another: the worker that completes the ticket whose turn it is handles it, and with it all
    that has become ready meanwhile; the others leave theirs behind and go on.
    """

    def __init__(self, handle: Callable[[T], None]) -> None:
        """`handle` must not raise, except in a thread that is to be, or was, relieved."""
        self._handle = handle
        self._lock = threading.Lock()
        self._issued = 0
        self._turn = 0
        self._handled = 0
        self._ready: dict[int, T] = {}
        self._handler: threading.Thread | None = None

    def issue(self) -> int:
        """The next ticket. Each one must be completed, whatever happens, or all later ones wait for ever."""
        with self._lock:
            self._issued += 1
            return self._issued - 1

    def complete(self, ticket: int, item: T) -> None:
        """Hand in the outcome of a ticket; returns when nothing is ready any more, or another thread is handling."""
        with self._lock:
            if ticket < self._turn or ticket in self._ready:
                return  # completed before
            self._ready[ticket] = item
            if self._handler is not None:
                return
            self._handler = threading.current_thread()
        self._handle_ready()

    def relieve(self, thread: threading.Thread) -> None:
        """Go on in the place of a thread that doesn't return from handling an item; does nothing if it handles none.

        The item is done with. The thread must not come back into the sequencer: see `__init__`.
        """
        with self._lock:
            if self._handler is not thread:
                return
            self._handler = threading.current_thread()
            self._handled += 1
        self._handle_ready()

    def _handle_ready(self) -> None:
        while True:
            with self._lock:
                if self._turn not in self._ready:
                    self._handler = None
                    return
                item = self._ready.pop(self._turn)
                self._turn += 1
            self._handle(item)
            self._handled += 1  # by one thread at a time

    @property
    def outstanding(self) -> int:
        """Tickets issued whose items are not, or not yet wholly, handled."""
        return self._issued - self._handled
