"""Ends the program at a signal while it starts: at once, unless something has to be undone.

An exception that rises in the middle of loading a library is swallowed by some, taken by others for a failure of their
own, and there are those that never come to an end after it. So one is raised only where it was said to be of use.
"""

from __future__ import annotations

import _thread
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["GivenUp", "give_up", "undoing"]

_UNDO_SECONDS = 3.0
_AT_ONCE = 130  # the exit code after a second signal

_under_way = 0


class GivenUp(BaseException):
    """The program is to end; whoever began something undoes it as this passes."""


@contextmanager
def undoing() -> Iterator[None]:
    """What is begun within is undone where GivenUp passes: a download and its process, half a file."""
    global _under_way  # noqa: PLW0603 - a signal handler sees nothing else
    _under_way += 1
    try:
        yield
    finally:
        _under_way -= 1


def give_up(_number: int, _frame: FrameType | None) -> None:
    """A signal handler: end with exit code 0. Another signal doesn't wait until something is undone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(_AT_ONCE))
    os.write(2, b"stopped before it served\n")  # a console may be in the middle of a line
    if not _under_way:
        os._exit(0)
    _thread.start_new_thread(_end, ())  # not `threading`, whose locks the interrupted code may hold
    raise GivenUp


def _end() -> None:
    """However long the undoing takes, and whoever has swallowed the exception."""
    time.sleep(_UNDO_SECONDS)
    os._exit(0)
