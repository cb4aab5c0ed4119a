"""`streamer token`: who may look at what, and who no longer."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from streamer.cli.console import ConfigOption, configuration, errors, output
from streamer.config import AuthConfig, Config
from streamer.errors import ConfigError
from streamer.server.access.rights import Role
from streamer.server.access.tokens import StoredToken, TokenFile

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    help="Let people and programs in, each with a token of their own, and out again.\n\n"
    "The tokens lie, as hashes, in the file that the configuration names: `server: {auth: {file: tokens.json}}`. "
    "What is made or revoked here holds at once, also in a streamer that runs.",
)

_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_LONGEST = 100 * 366 * 86_400


@app.command("new")
def new(
    role: Annotated[
        Role,
        typer.Option(
            help="viewer: watches. operator: draws lines and zones, too, and may send images. admin: everything. "
            "metrics: /metrics only, for Prometheus."
        ),
    ] = Role.VIEWER,
    cameras: Annotated[
        str | None,
        typer.Option(metavar="ID,ID", help="Only these cameras are there for it, as in door,yard. Default: all."),
    ] = None,
    name: Annotated[str, typer.Option(help="To know it by later. Default: the role and a number.")] = "",
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it ends by itself: 12h, 90d, 8w. Default: never.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Make a token. It is shown this once, and kept only as a hash.

    Browsers ask for it when they open the page; programs send it as `Authorization: Bearer TOKEN`. It must never stand
    in a URL.

    For the shop's staff, who may watch two cameras: `streamer token new --cameras door,yard --name staff --expires 90d`
    """
    settings = configuration(config)
    file = _file_of(settings)
    seen = _checked(cameras, role, [camera.id for camera in settings.cameras])
    token, stored = file.add(role, cameras=seen, name=name, expires=_end(expires))
    errors.print(
        f"token {stored.name!r}: {stored.role}, {_cameras(stored)}, {_expiry(stored)}. "
        "This is the only time that it is shown:",
        highlight=False,
        markup=False,
    )
    typer.echo(token)


@app.command("list")
def show(config: ConfigOption = None) -> None:
    """Show whose tokens there are, what they allow, and when they end; not the tokens themselves: nobody has them."""
    file = _file_of(configuration(config))
    table = Table("name", "role", "cameras", "made", "ends", box=None, header_style="bold")
    for stored in file.read():
        made = time.strftime("%Y-%m-%d", time.localtime(stored.created))
        table.add_row(stored.name, stored.role, _cameras(stored), made, _expiry(stored))
    if table.row_count:
        output.print(table)
    else:
        errors.print("there are no tokens yet; make one: `streamer token new`", highlight=False, markup=False)


@app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `streamer token list` shows it.")],
    config: ConfigOption = None,
) -> None:
    """End a token now: sessions, websockets and streams that were opened with it end within two seconds."""
    _file_of(configuration(config)).revoke(name)
    errors.print(f"token {name!r} is revoked", highlight=False, markup=False)


def _file_of(config: Config) -> TokenFile:
    auth = config.server.auth
    if not isinstance(auth, AuthConfig) or auth.file is None:
        raise ConfigError(
            "the configuration names no file for tokens; write into it  server: {auth: {file: tokens.json}}  "
            "and start streamer again"
        )
    return TokenFile(Path(auth.file))


def _checked(cameras: str | None, role: Role, known: Sequence[str]) -> list[str] | None:
    """The cameras that are named; None: all. Raises ConfigError, also when none is: a shell's variable may be empty."""
    if cameras is None:
        return None
    named = [each.strip() for each in cameras.split(",") if each.strip()]
    if not named:
        raise ConfigError("--cameras names no camera; leave it out for all of them")
    if role in {Role.ADMIN, Role.METRICS}:
        raise ConfigError(f"--cameras: the role {role} is for all cameras; choose viewer or operator")
    if unknown := [each for each in named if each not in known]:
        raise ConfigError(f"--cameras: the configuration has no camera {unknown[0]!r}; it has {', '.join(known)}")
    return named


def _end(expires: str | None) -> float | None:
    """UTC seconds; None: never. Raises ConfigError, also when it is empty."""
    if expires is None:
        return None
    found = re.fullmatch(r"(\d{1,6})([mhdw])", expires.strip())
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < seconds <= _LONGEST:
        raise ConfigError(f"--expires: a number of minutes, hours, days or weeks, as in 12h or 90d, found {expires!r}")
    return round(time.time() + seconds, 3)


def _cameras(stored: StoredToken) -> str:
    return "all cameras" if stored.cameras is None else ", ".join(stored.cameras)


def _expiry(stored: StoredToken) -> str:
    if stored.expires is None:
        return "until it is revoked"
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(stored.expires))
    return f"until {when}" if stored.expires > time.time() else f"expired {when}"
