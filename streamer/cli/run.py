"""`streamer run`: the program itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamer.cli.console import ConfigOption, configuration, errors, open_store
from streamer.config import Config
from streamer.giving_up import GivenUp, give_up
from streamer.inference.weights_used import weights_used
from streamer.logs import set_up_logging
from streamer.memory import keep_what_is_loaded, share_arenas

if TYPE_CHECKING:
    from streamer.app import App

__all__ = ["run"]


def run(
    config: ConfigOption = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Serve on this port instead of the configuration's.")
    ] = None,
) -> None:
    """Watch the cameras of a configuration and serve the page, until Ctrl-C.

    At the first start the nets' weights are fetched; after that no network is needed but your cameras'.
    """
    share_arenas()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, give_up)
    with contextlib.suppress(GivenUp):
        _run(config, port)


def _run(config: Path | None, port: int | None) -> None:
    settings = configuration(config)
    if port is not None:
        settings = settings.model_copy(update={"server": settings.server.model_copy(update={"port": port})})
    set_up_logging(settings.log)
    with open_store(settings) as store:
        for name in weights_used(settings.models):
            store.check(name)  # a wrong file is told at once, not after the seconds that the imports take
        from streamer.app import App
        from streamer.cli.demo import fetch_demo, make_demo

        app = App(settings, store)
        shows_demo = any(camera.source == "demo" for camera in settings.cameras)
        if shows_demo:
            fetch_demo(store)
    if shows_demo:
        make_demo(store)
    asyncio.run(_serve(app, settings))


async def _serve(app: App, config: Config) -> None:
    """Run until a signal asks to stop; a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(130)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no signals in its loop: see below
            loop.add_signal_handler(number, on_signal)
    if os.name == "nt":
        signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(on_signal))

    try:
        port = await app.start()
        keep_what_is_loaded()
        host = config.server.host
        if host in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
            host = socket.gethostname()
        host = f"[{host}]" if ":" in host else host
        cameras = "1 camera" if len(config.cameras) == 1 else f"{len(config.cameras)} cameras"
        nets = ", ".join(f"{n['name']} on {n['runtime']} ({n['precision']})" for n in app.models().values())
        errors.print(f"\n  [bold]streamer[/] watches {cameras} with {nets}", highlight=False)
        scheme = "http" if config.server.tls is None else "https"
        address = f"{scheme}://{host}:{port}{config.server.path_prefix}/"
        errors.print(f"  open [bold cyan]{address}[/] - Ctrl-C stops\n", highlight=False)
        await stop.wait()
    finally:
        await app.stop()
