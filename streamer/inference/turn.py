"""Whose turn it is to follow a camera's frames, and how it is taken away from a thread that a net doesn't let go."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

__all__ = ["Dismissed", "Turn"]


class Dismissed(Exception):  # noqa: N818 - no error: it unwinds a thread that was given up and came round after all
    """The turn was taken from this thread while it was in a net: it must change nothing any more."""


class Turn:
    """A lock whose holder can lose it, but only while it is in a net: there, nothing of the camera's state changes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the three below
        self._free = threading.Lock()  # held by whose turn it is; another one after each `take_away`
        self._holder: threading.Thread | None = None
        self._in_net = False

    @contextlib.contextmanager
    def taken(self, timeout: float = -1) -> Iterator[bool]:
        """Wait for the turn, at most so many seconds (-1: for ever, 0: not at all), and keep it; whether it was had."""
        free = self._free
        if not free.acquire(timeout=timeout):
            yield False
            return
        try:
            with self._lock:
                self._holder = threading.current_thread()
            yield True
        finally:
            with self._lock:
                if free is self._free:
                    self._holder = None
            free.release()

    @contextlib.contextmanager
    def in_net(self) -> Iterator[None]:
        """While a net works. Raises Dismissed, at the end, if the turn was taken away meanwhile.

        Does nothing in threads whose turn it isn't.
        """
        me = threading.current_thread()
        with self._lock:
            mine = self._holder is me
            self._in_net = self._in_net or mine  # another thread in a net changes nothing for the holder
        try:
            yield
        finally:
            with self._lock:
                if self._holder is me:
                    self._in_net = False
                elif mine:
                    raise Dismissed

    def take_away(self, thread: threading.Thread) -> bool:
        """End this thread's turn, if it has it and is in a net; whether that was so."""
        with self._lock:
            if self._holder is not thread or not self._in_net:
                return False
            self._holder, self._in_net, self._free = None, False, threading.Lock()
            return True
