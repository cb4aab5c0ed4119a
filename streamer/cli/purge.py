"""`streamer purge`: takes a range of time out of the store."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from streamer.cli.console import ConfigOption, errors
from streamer.cli.figures import CameraOption, FromOption, ToOption, milliseconds_of, store_of

__all__ = ["purge"]


def purge(
    begin: FromOption,
    end: ToOption,
    camera: CameraOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Remove all figures of a range of time for good.

    Visits, crossings, stays, occupancy and events go, with their sums, and so does where faces were, and when cameras
    were up. Works beside a running streamer: a visit that began in that time is not written when it ends, either. In
    SQLite what is deleted is overwritten, and the file shrinks. In PostgreSQL the tables are then written anew
    without it, so that their files shrink: that takes as much free room as the largest table does, and while it lasts
    a running streamer keeps what happens in memory and can't show its figures.
    """
    from streamer.store.deletion import purge as remove

    since, until = milliseconds_of(begin, end)
    with closing(store_of(config)) as database:
        what = f"from {begin} up to {end}, {f'camera {camera}' if camera else 'all cameras'}, in {database.shown}"
        if not yes:
            typer.confirm(f"Remove everything {what}?", abort=True)
        columns = (SpinnerColumn(), TextColumn("removing: {task.completed} rows"))
        with Progress(*columns, console=errors, disable=not errors.is_terminal, transient=True) as bars:
            task = bars.add_task("removing")
            counts = remove(database, since, until, camera, progress=lambda rows: bars.advance(task, rows))
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    errors.print(f"removed {told or 'nothing, as there was nothing'}", highlight=False, markup=False)
