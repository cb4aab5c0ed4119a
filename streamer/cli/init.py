"""`streamer init`: writes a documented configuration to start from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from streamer.cli.console import DEFAULT_FILE, output
from streamer.errors import ConfigError
from streamer.resources import resource_text

__all__ = ["init"]


def init(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it.")] = DEFAULT_FILE,
) -> None:
    """Write a config.yaml in which every key is explained.

    An existing file is never overwritten. Only you can read the file (mode 0600), as it may come to hold passwords.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigError(f"{path} exists already; name another file, or delete it first") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(resource_text("config.yaml"))
    output.print(f"wrote {path}: name your cameras in it, then try `streamer check`", highlight=False)
