"""Prepares the built-in demo camera where its user can see how far it is."""

from __future__ import annotations

import contextlib

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from streamer.capture.demo import MATERIAL, demo_scene
from streamer.cli.console import errors
from streamer.errors import StreamerError
from streamer.inference.model_store import ModelStore

__all__ = ["fetch_demo", "make_demo"]


def fetch_demo(store: ModelStore) -> None:
    """Fetch the clips of the scene. What goes wrong is told by the camera itself, which the others needn't wait for."""
    with contextlib.suppress(StreamerError):
        for name in MATERIAL:
            store.path(name)


def make_demo(store: ModelStore) -> None:
    """Compose the scene, once, behind a progress bar. Errors: as in `fetch_demo`."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as bars:
        task = bars.add_task("making the demo scene", total=1.0)
        with contextlib.suppress(StreamerError):
            demo_scene(store, progress=lambda fraction: bars.update(task, completed=fraction))
