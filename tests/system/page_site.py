"""The server with made-up cameras in a thread, and what tests of the page look for in it."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

from tests.server_harness import FakeCamera, Harness, Scene, running_server
from tests.system.browser import Visitor

__all__ = [
    "LOBBY",
    "TWO",
    "Site",
    "complaints_of_lost_connections",
    "pixels_of",
    "tile",
    "wait_for_change",
    "wait_for_picture",
]

LOBBY = {"lobby": Scene("Lobby", size=(640, 360), fps=10)}
TWO = {**LOBBY, "gate": Scene("Gate <b>&", size=(640, 360), fps=10, faces=1)}


class Site:
    """The server in a thread of its own, at the same address each time it is started."""

    def __init__(self, scenes: dict[str, Scene], **overrides: Any) -> None:
        """overrides: of `ServerConfig`, or `privacy` and `token`; read at each start."""
        self.overrides: dict[str, Any] = {"port": 0, **overrides}
        self._scenes = scenes
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self.harness: Harness

    def __enter__(self) -> Self:
        self._ready.clear()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="site")
        self._thread.start()
        assert self._ready.wait(10), "the server did not start"
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)
            assert not self._thread.is_alive()
            self._thread = None

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with running_server(self._scenes, **self.overrides) as self.harness:
            self.overrides["port"] = self.harness.port
            self._ready.set()
            await self._stop.wait()

    @property
    def url(self) -> str:
        """Of the page."""
        return self.harness.url + "/"

    def camera(self, name: str) -> FakeCamera:
        """What makes its pictures; change its `scene` to change what it does."""
        return self.harness.cameras[name]


def tile(name: str) -> str:
    """The selector of a camera's tile."""
    return f'.tile[data-camera="{name}"]'


def pixels_of(canvas: str) -> str:
    """JavaScript for the RGBA bytes of a canvas, taken from a copy: reading back would slow the page's own."""
    return f"""(canvas => {{
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {{ willReadFrequently: true }});
      copy.drawImage(canvas, 0, 0);
      return copy.getImageData(0, 0, canvas.width, canvas.height).data;
    }})({canvas})"""


_SUM = f"(selector => {pixels_of('document.querySelector(selector)')}.reduce((sum, v) => (sum * 31 + v) % 1000003, 0))"


def wait_for_change(visitor: Visitor, selector: str) -> None:
    """Until this canvas shows something else."""
    before = visitor.page.evaluate(_SUM, selector)
    visitor.until(f"([selector, before]) => {_SUM}(selector) !== before", [selector, before])


def wait_for_picture(visitor: Visitor, screen: str) -> None:
    """Until this screen shows a live picture."""
    visitor.until("selector => document.querySelector(selector)?.dataset.live === 'yes'", screen)


@contextmanager
def complaints_of_lost_connections(visitor: Visitor) -> Iterator[None]:
    """While the server is away, the browser itself logs each attempt; nothing else may be complained of."""
    yield
    lost = re.compile(r"WebSocket connection|ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET")
    visitor.complaints[:] = [complaint for complaint in visitor.complaints if not lost.search(complaint)]
