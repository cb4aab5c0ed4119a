"""`streamer export`: figures as a file for other programs."""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, Annotated, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from streamer.cli.console import ConfigOption, errors
from streamer.cli.figures import CameraOption, FromOption, ToOption, milliseconds_of, store_of
from streamer.errors import ConfigError

__all__ = ["export"]

_SECONDS = 3600.0  # a long export is no mistake


def export(
    *,
    what: Annotated[
        Literal["visits", "crossings", "stays", "occupancy"], typer.Option("--what", help="What to write.")
    ],
    begin: FromOption,
    end: ToOption,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="To this file; - for standard output.")],
    form: Annotated[
        Literal["csv", "parquet"] | None, typer.Option("--format", help="Default: by the file's ending, else csv.")
    ] = None,
    camera: CameraOption = None,
    config: ConfigOption = None,
) -> None:
    """Write visits, crossings, stays or occupancy of a range of time as CSV or Parquet; times in it are UTC."""
    from streamer.store.export import count_rows
    from streamer.store.export import export as write

    since, until = milliseconds_of(begin, end)
    chosen = form or ("parquet" if out.suffix == ".parquet" else "csv")
    with ExitStack() as stack:
        database = stack.enter_context(closing(store_of(config)))
        connection = stack.enter_context(database.read(_SECONDS))
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        bars = stack.enter_context(Progress(*columns, console=errors, disable=not errors.is_terminal))
        total = count_rows(connection, what, since, until, camera)
        task = bars.add_task(what, total=total)
        write(
            connection,
            what,
            begin=since,
            end=until,
            camera=camera,
            form=chosen,
            out=stack.enter_context(_Target(out)),
            progress=lambda rows: bars.advance(task, rows),
        )
    errors.print(f"{total} {what} written", highlight=False, markup=False)


class _Target:
    """The file, which appears under its name when it is whole; an older one of that name stays until then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._file: IO[bytes] | None = None

    def __enter__(self) -> IO[bytes]:
        if str(self._path) == "-":
            return sys.stdout.buffer
        try:
            self._file = self._partial.open("wb")
        except OSError as error:
            raise ConfigError(f"--out {self._path}: {error.strerror}") from None
        return self._file

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._file is None:
            return
        self._file.close()
        if kind is None:
            self._partial.replace(self._path)
        else:
            self._partial.unlink(missing_ok=True)
