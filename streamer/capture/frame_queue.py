"""A bounded queue between one camera's capture thread and the inference pool, in which the newest frame wins."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from streamer.types import Frame

__all__ = ["FrameQueue"]


class FrameQueue:
    """Holds at most `size` frames of one camera.

    A live source evicts the oldest frame when the queue is full; a lossless one, for files read offline, waits for room
    instead. Closing is a state of the queue: frames already in it can still be taken, no more can be put.
    """

    def __init__(self, size: int = 2, *, lossless: bool = False, on_put: Callable[[], None] = lambda: None) -> None:
        """`on_put` is called after each frame put, outside the lock; it must not block."""
        if size < 1:
            raise ValueError(f"a queue holds at least one frame, not {size}")
        self._size = size
        self._lossless = lossless
        self._on_put = on_put
        self._frames: deque[Frame] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self.offered = 0
        """Frames put since the beginning."""
        self.evicted = 0
        """Of those, how many had to go for a newer one."""

    def put(self, frame: Frame) -> Frame | None:
        """Add a frame; returns the one that had to go for it, which is `frame` itself when the queue is closed."""
        evicted: Frame | None = None
        with self._changed:
            if self._lossless:
                self._changed.wait_for(lambda: self._closed or len(self._frames) < self._size)
            if self._closed:
                return frame
            self.offered += 1
            if len(self._frames) == self._size:
                evicted = self._frames.popleft()
                self.evicted += 1
            self._frames.append(frame)
        self._on_put()
        return evicted

    def take(self) -> Frame | None:
        """The oldest frame, or None when there is none. Never blocks."""
        with self._changed:
            if not self._frames:
                return None
            frame = self._frames.popleft()
            self._changed.notify_all()
            return frame

    def close(self) -> None:
        """Take no more frames, and let go whoever waits to put one."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def drained(self) -> bool:
        """Closed, and every frame taken."""
        return self._closed and not self._frames

    def __len__(self) -> int:
        return len(self._frames)
