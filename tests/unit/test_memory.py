from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from streamer.memory import give_back_freed_memory

_A_CIRCLE_AMONG_MANY = """
import gc, weakref
from streamer.memory import keep_what_is_loaded

class Thing:
    pass

loaded = [Thing() for _ in range(10_000)]
before = len(gc.get_objects())  # those that are looked through
keep_what_is_loaded()
later = Thing()
later.me, gone = later, weakref.ref(later)
after = len(gc.get_objects())
del later
gc.collect()
assert gone() is None
assert before > 10_000 and after < 1000, (before, after)
"""

_ARENAS_OF_TWELVE_THREADS = """
import ctypes, os, threading
from streamer.memory import share_arenas

assert share_arenas()
at_once = threading.Barrier(12)

def work():
    at_once.wait()
    kept = [bytearray(1000) for _ in range(5000)]
    at_once.wait()
    del kept

threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc gives memory back when asked")
def test_what_lies_free_between_things_in_use_goes_back_to_the_system() -> None:
    process = psutil.Process()
    blocks = [bytearray(b"x" * 60_000) for _ in range(4000)]  # too small to be mapped one by one
    used = blocks[::100]
    before = process.memory_info().rss
    del blocks
    give_back_freed_memory()
    assert len(used) == 40
    assert process.memory_info().rss < before - 150e6


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has arenas")
def test_threads_share_a_few_arenas() -> None:
    run = subprocess.run([sys.executable, "-c", _ARENAS_OF_TWELVE_THREADS], check=True, capture_output=True, text=True)
    assert 1 < run.stdout.count("<heap nr=") <= 4


def test_what_is_loaded_is_not_looked_through_again_and_what_comes_later_is() -> None:
    subprocess.run([sys.executable, "-c", _A_CIRCLE_AMONG_MANY], check=True)
