"""`streamer models`: the weights: what there is, where it lies, and whether it is sound."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from streamer.cli.console import ConfigOption, configuration, open_store, output
from streamer.errors import ModelError

__all__ = ["app"]

app = typer.Typer(help="List, fetch and verify the nets' weights.", no_args_is_help=True)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]…", show_default=False, help="Default: all.")]


@app.command("list")
def list_models(config: ConfigOption = None) -> None:
    """Show every file of the manifest, whether it is sound, and where it lies. `verify` says more."""
    with open_store(configuration(config)) as store:
        table = Table("model", "size", "licence", "state", "in", box=None, header_style="bold")
        for name in store.names():
            file = store.verify(name)
            folder = escape(str(file.path.parent)) if file.path else ""
            colour = {"ok": "green", "damaged": "red", "missing": "dim"}[file.state]
            table.add_row(name, f"{file.size / 1e6:.1f} MB", file.licence, f"[{colour}]{file.state}[/]", folder)
    output.print(table)


@app.command("pull")
def pull(names: Names = None, config: ConfigOption = None) -> None:
    """Fetch weights, so that later starts need no network."""
    failed: list[str] = []
    with open_store(configuration(config)) as store:
        for name in names or store.names():
            if not names and not (store.entry(name).sources or store.entry(name).made_from):
                continue  # the user's to bring, or not
            try:
                output.print(f"{name}: {store.path(name)}", highlight=False)
            except ModelError as error:
                failed.append(str(error))
    if failed:
        raise ModelError("\n".join(failed))


@app.command("verify")
def verify(names: Names = None, config: ConfigOption = None) -> None:
    """Check the SHA-256 of the weights that are there; exit code 2 if one is damaged, or a named one is missing."""
    failed: list[str] = []
    with open_store(configuration(config)) as store:
        for name in names or store.names():
            file = store.verify(name)
            output.print(f"{name}: {file.state}: {file.detail}", highlight=False, markup=False)
            if file.state == "damaged" or (names and file.state == "missing"):
                failed.append(name)
    if failed:
        raise ModelError(f"not usable: {', '.join(failed)}")
