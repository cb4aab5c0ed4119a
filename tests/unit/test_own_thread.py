"""Work in a thread of its own: what comes of it, and that nobody has to wait for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from streamer.own_thread import in_own_thread

HANGS = """
import asyncio, threading
from streamer.own_thread import in_own_thread

async def main():
    begun = threading.Event()
    in_own_thread(lambda: (begun.set(), threading.Event().wait()), "hangs")
    while not begun.is_set():
        await asyncio.sleep(0.01)

asyncio.run(main())
print("ended")
"""


def test_what_it_returns_and_what_it_raises_come_back() -> None:
    async def ask() -> str:
        nothing: dict[str, int] = {}
        with pytest.raises(KeyError, match="gone"):
            await in_own_thread(lambda: nothing["gone"], "work")
        return await in_own_thread(lambda: threading.current_thread().name, "work")

    assert asyncio.run(ask()) == "work"


def test_who_waits_no_longer_is_not_told() -> None:
    released, ended = threading.Event(), threading.Event()

    def work() -> None:
        released.wait(30)
        ended.set()

    async def give_up() -> bool:
        asked = in_own_thread(work, "work")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asked, 0.01)
        released.set()
        assert await in_own_thread(lambda: ended.wait(30), "watch")
        return asked.cancelled()

    assert asyncio.run(give_up())


def test_a_process_ends_though_it_hangs() -> None:
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "ended\n"), done.stderr
