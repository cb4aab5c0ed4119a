"""Gives memory that was freed back to the system.

The C library keeps what threads have freed, in case they want it again; in a program that works with pictures that
grows for minutes, by what lies between two things in use. Asked now and then, it lets go.
"""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable

__all__ = ["TRIM_SECONDS", "give_back_freed_memory"]

TRIM_SECONDS = 20.0  # between two askings; each takes some milliseconds, without the interpreter's lock


def give_back_freed_memory() -> bool:
    """Whether anything went back to the system; False where the C library has no such call (only glibc does)."""
    trim = _malloc_trim()
    return trim is not None and bool(trim(0))


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    if sys.platform != "linux":
        return None
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):  # another C library, such as musl
        return None
    trim.argtypes, trim.restype = [ctypes.c_size_t], ctypes.c_int
    return trim
