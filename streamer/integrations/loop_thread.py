"""A thread with an event loop of its own, for what talks to the network beside the server and may be slow."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Awaitable, Callable

__all__ = ["LoopThread", "Signals"]

log = logging.getLogger(__name__)

_RESTART_SECONDS = 5.0
_CANCEL_SECONDS = 0.3  # of the time to stop, kept for work that has to be cancelled


class Signals:
    """What the work in the loop hears from outside."""

    def __init__(self) -> None:
        self.wake = asyncio.Event()  # there is something to do; whoever does it clears it first
        self.stopping = asyncio.Event()  # hand on what is there and return; `wake` is set with it

    async def pause(self, seconds: float) -> None:
        """Wait, but not beyond a stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def woken(self, seconds: float) -> None:
        """Wait until there is something to do, or so long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), seconds)
        self.wake.clear()


class LoopThread:
    """Runs `work` from `start` to `stop`; should it fail by an error of ours, again after a few seconds."""

    def __init__(self, name: str, work: Callable[[Signals], Awaitable[None]]) -> None:
        self._work = work
        # A daemon: what hangs in a resolver or a disk must not keep the process
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name=name, daemon=True)
        # Guards the two below: `wake` may race with the loop's beginning and end
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = False
        self._signals: Signals | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Once."""
        self._thread.start()

    def wake(self) -> None:
        """Tell the work that there is something to do. Any thread; before `start` too."""
        self._call(lambda signals: signals.wake.set())

    def stop(self, timeout: float) -> bool:
        """Have the work finish, cancel it when that takes too long; False if it is still there after `timeout` s."""
        deadline = time.monotonic() + timeout
        with self._lock:
            self._stopped = True
        if not self._thread.is_alive():
            return True
        self._call(_ask_to_stop)
        self._thread.join(max(0.0, timeout - min(_CANCEL_SECONDS, timeout / 2)))
        if self._thread.is_alive():
            self._call(lambda _: self._cancel())
            self._thread.join(max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _call(self, act: Callable[[Signals], object]) -> None:
        with self._lock:
            if self._loop is None or self._signals is None:  # not yet, or no more: the beginning looks for itself
                return
            self._loop.call_soon_threadsafe(act, self._signals)

    async def _run(self) -> None:
        signals = Signals()
        signals.wake.set()
        with self._lock:
            self._loop, self._signals = asyncio.get_running_loop(), signals
            if self._stopped:
                _ask_to_stop(signals)
        try:
            while not signals.stopping.is_set():
                self._task = asyncio.ensure_future(self._attempt(signals))
                with contextlib.suppress(asyncio.CancelledError):
                    await self._task
        finally:
            with self._lock:
                self._loop = None

    async def _attempt(self, signals: Signals) -> None:
        try:
            await self._work(signals)
        except Exception:
            log.exception("%s failed and is begun again in %g s", self._thread.name, _RESTART_SECONDS)
            await signals.pause(_RESTART_SECONDS)


def _ask_to_stop(signals: Signals) -> None:
    signals.stopping.set()
    signals.wake.set()
