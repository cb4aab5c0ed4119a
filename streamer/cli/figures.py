"""What `streamer export` and `streamer purge` share: the store of a configuration, and a range of time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streamer.cli.console import configuration
from streamer.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from streamer.store.database import Database

__all__ = ["CameraOption", "FromOption", "ToOption", "milliseconds_of", "store_of"]

_TIME = "A date, or a date with a time, ISO 8601; UTC unless it says otherwise (2026-11-24T09:30+01:00)."
FromOption = Annotated[str, typer.Option("--from", metavar="TIME", help=_TIME, show_default=False)]
ToOption = Annotated[str, typer.Option("--to", metavar="TIME", help="The end, not included.", show_default=False)]
CameraOption = Annotated[
    str | None, typer.Option("--camera", metavar="ID", help="Of this camera only.", show_default=False)
]


def store_of(config: Path | None) -> Database:
    """The opened store, which is there already: none is made. Raises StreamerError."""
    url = configuration(config).store.url
    if url is None:
        raise StoreError("store.url: none: this configuration keeps no figures")
    from streamer.store.database import Database

    database = Database(url.get_secret_value())
    _must_exist(database)
    database.open()
    return database


def _must_exist(database: Database) -> None:
    """In the wrong folder, a new file would be made and found to be empty, as if nobody had come."""
    if database.file is None:
        return
    try:
        database.file.stat()
    except FileNotFoundError:
        raise StoreError(
            f"nothing is kept at {database.shown}: name the configuration of the streamer that keeps figures, "
            "with -c FILE"
        ) from None
    except OSError as error:
        raise StoreError(f"{database.shown}: {error.strerror}") from None


def milliseconds_of(begin: str, end: str) -> tuple[int, int]:
    """The range, UTC. Raises ConfigError."""
    found = _milliseconds("--from", begin), _milliseconds("--to", end)
    if found[1] <= found[0]:
        raise ConfigError(f"--to {end}: lies before --from {begin}, or at the same time")
    return found


def _milliseconds(option: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise ConfigError(f"{option} {text}: not ISO 8601, such as 2026-11-24 or 2026-11-24T09:30+01:00") from None
