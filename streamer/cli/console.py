"""What the commands share: where they write, how they show progress, which configuration they use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from streamer.config import Config
from streamer.config_file import load_config, parse_config
from streamer.inference.model_store import ModelStore
from streamer.resources import resource_text

__all__ = ["ConfigOption", "configuration", "errors", "open_store", "output"]

output = Console(soft_wrap=True)
errors = Console(stderr=True, soft_wrap=True)

DEFAULT_FILE = Path("config.yaml")

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "-c", "--config", metavar="FILE", show_default=False,
        help="The configuration. Default: config.yaml in this folder; without one, the built-in, with the demo camera.",
    ),
]  # fmt: skip


def configuration(path: Path | None) -> Config:
    """The configuration that a command is to use. Raises ConfigError."""
    if path is None and not DEFAULT_FILE.exists():
        errors.print(
            "no config.yaml in this folder: taking the built-in one, with the demo camera. Name yours with -c FILE; "
            "`streamer init` writes one to start from."
        )
        return parse_config(resource_text("config.yaml"), name="the built-in config.yaml")
    return load_config(path or DEFAULT_FILE)


@contextmanager
def open_store(config: Config) -> Iterator[ModelStore]:
    """The weights of a configuration; while this is open, fetching shows as progress bars on standard error."""
    with FetchProgress() as progress:
        yield ModelStore(config.models, progress=progress)


class FetchProgress:
    """One progress bar for each file that is fetched."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=errors,
            disable=not errors.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bars.stop()

    def start(self, name: str, total: int | None) -> None:
        """See `streamer.inference.fetching.Progress`."""
        self._task = self._bars.add_task(f"fetching {name}", total=total)

    def advance(self, amount: int) -> None:
        """See `streamer.inference.fetching.Progress`."""
        if self._task is not None:
            self._bars.advance(self._task, amount)

    def finish(self) -> None:
        """See `streamer.inference.fetching.Progress`."""
        if self._task is not None:
            self._bars.update(self._task, visible=False)
        self._task = None
