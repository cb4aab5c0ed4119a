"""`streamer watch`: a running streamer in the terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import Annotated, Any

import typer
from rich.live import Live

from streamer.cli.console import output

__all__ = ["watch"]


def watch(
    url: Annotated[str, typer.Argument(help="Where a streamer serves its page.")] = "http://127.0.0.1:8000",
    camera: Annotated[
        list[str] | None, typer.Option("--camera", help="Only this camera; may stand several times.")
    ] = None,
) -> None:
    """Show the results of a running streamer as they come: cameras, rates, and the faces in view. Ctrl-C ends it.

    A server that asks for a token gets the one in the environment variable STREAMER_TOKEN.
    """
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_watch(url, camera or "*"))


async def _watch(url: str, cameras: list[str] | str) -> None:
    from streamer.cli.watch_view import View
    from streamer.client import connect

    view = View(url)
    token = os.environ.get("STREAMER_TOKEN") or None
    subscribed: Any = cameras
    with Live(view.render(), console=output, refresh_per_second=4) as live:
        async with connect(url, cameras=subscribed, frames="none", max_fps=5, token=token) as stream:
            async for message in stream:
                view.take(message)
                live.update(view.render())
