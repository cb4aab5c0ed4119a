"""Keeps memory that was freed from piling up, and the search for it short.

The C library keeps what threads have freed, in case they want it again; in a program that works with pictures that
grows for minutes, by what lies between two things in use. Asked now and then, it lets go; and there is less of it the
fewer pools (`arenas`) it deals out to threads: eight for each core, unless told otherwise.

Python looks through all objects for circles that nobody needs, now and then, and meanwhile no thread runs.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import sys
from collections.abc import Callable

__all__ = ["TRIM_SECONDS", "give_back_freed_memory", "keep_what_is_loaded", "share_arenas"]

TRIM_SECONDS = 20.0  # between two askings; each takes some milliseconds, without the interpreter's lock
_ARENAS = 4
_M_ARENA_MAX = -8  # in glibc's malloc.h


def share_arenas() -> bool:
    """Have all threads, made from now on, share four pools of memory. Whether that is so: only glibc has them."""
    mallopt = _of_glibc("mallopt")
    return mallopt is not None and bool(mallopt(ctypes.c_int(_M_ARENA_MAX), ctypes.c_int(_ARENAS)))


def keep_what_is_loaded() -> None:
    """Never look again through what there is now: modules, classes, nets. Call it once, when all of it is loaded."""
    gc.collect()
    gc.freeze()


def give_back_freed_memory() -> bool:
    """Whether anything went back to the system; False where the C library has no such call (only glibc does)."""
    trim = _of_glibc("malloc_trim")
    return trim is not None and bool(trim(ctypes.c_size_t(0)))


@functools.cache
def _of_glibc(name: str) -> Callable[..., int] | None:
    """A function of the C library that returns an int; None where it has none, as musl."""
    if sys.platform != "linux":
        return None
    try:
        return getattr(ctypes.CDLL(None), name)  # type: ignore[no-any-return]
    except (OSError, AttributeError):
        return None
