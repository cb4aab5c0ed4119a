"""The command line. One file a command; errors that a user can mend end with exit code 2 and one clear message.

The commands import what they work with when they run, after the configuration was read: decoders, nets, servers and
databases take seconds to load, which nobody waits for who asks for help or has mistyped a key.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from streamer import __version__
from streamer.cli import analyze, check, export, health, init, models, purge, run, token, watch
from streamer.cli.console import errors
from streamer.errors import StreamerError
from streamer.redaction import redact
from streamer.uncaught import log_uncaught, redact_uncaught

__all__ = ["app", "main"]

app = typer.Typer(
    name="streamer",
    help="Watch live cameras: faces, ages and genders, pushed to browsers and programs while they are fresh.\n\n"
    "Start with `streamer run`: without a configuration it shows the built-in demo camera.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"streamer {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    pass


app.command("run")(run.run)
app.command("check")(check.check)
app.command("probe")(check.probe)
app.command("analyze")(analyze.analyze)
app.command("watch")(watch.watch)
app.command("export")(export.export)
app.command("purge")(purge.purge)
app.command("health")(health.health)
app.command("init")(init.init)
app.add_typer(models.app, name="models")
app.add_typer(token.app, name="token")


def main() -> None:
    """Entry point of the `streamer` command."""
    redact_uncaught()
    try:
        app(prog_name="streamer")
    except StreamerError as error:
        errors.print(f"[bold red]error:[/] {_escape(redact(str(error)))}", highlight=False)
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - Python would print it as it is
        log_uncaught(error)
        sys.exit(1)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
