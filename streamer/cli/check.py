"""`streamer check` and `streamer probe`: what the configuration says, and what the cameras really send."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml
from pydantic import SecretStr, ValidationError
from rich.table import Table

from streamer.cli.console import ConfigOption, configuration, errors, open_store, output
from streamer.config import CameraConfig, Config
from streamer.errors import ConfigError, StreamerError
from streamer.inference.model_store import ModelStore
from streamer.logs import quiet_libraries
from streamer.redaction import redact, register_secret, secrets_in_url
from streamer.source_urls import split_credentials

if TYPE_CHECKING:
    from streamer.capture.source import SourceInfo

__all__ = ["check", "probe"]

Timeout = Annotated[float, typer.Option(min=1, max=120, help="Seconds to wait for a camera's first picture.")]


def check(config: ConfigOption = None, timeout: Timeout = 10.0) -> None:
    """Validate the configuration, open every camera, and say what each one sends.

    Exit code 2 if anything is wrong; all problems are told at once.
    """
    settings = configuration(config)
    from streamer.cli.demo import fetch_demo, make_demo

    quiet_libraries()
    failed: list[str] = []
    with open_store(settings) as store:
        if any(camera.source == "demo" for camera in settings.cameras):
            fetch_demo(store)
            make_demo(store)
        with errors.status(f"opening {len(settings.cameras)} camera(s)"):
            looks = list(ThreadPoolExecutor(16).map(lambda c: _look(c, timeout, store), settings.cameras))
    table = Table("camera", "source", "codec", "size", "fps", "first picture", box=None, header_style="bold")
    for camera, look in zip(settings.cameras, looks, strict=True):
        if isinstance(look, StreamerError):
            table.add_row(camera.id, redact(camera.source), "[red]failed[/]")
            failed.append(f"camera {camera.id}: {look}")
        else:
            table.add_row(camera.id, redact(camera.source), *_facts(look))
    output.print(table)
    if failed:
        raise ConfigError(f"{len(failed)} of {len(settings.cameras)} cameras can't be used", failed)
    output.print("[green]the configuration is valid and every camera sends pictures[/]")


def probe(
    url: Annotated[str, typer.Argument(help="A camera's URL, a webcam (0), a file, or demo.", show_default=False)],
    username: Annotated[str, typer.Option(help="User name at the camera.")] = "",
    password: Annotated[
        str, typer.Option(envvar="CAMERA_PASSWORD", help="Password at the camera; better in the environment.")
    ] = "",
    transport: Annotated[str, typer.Option(help="tcp or udp, for RTSP.")] = "tcp",
    timeout: Timeout = 10.0,
) -> None:
    """Open one source, say what it sends, and print the lines that config.yaml needs for it."""
    quiet_libraries()
    for secret in [password, *secrets_in_url(url)]:
        if secret:
            register_secret(secret)
    try:
        camera = CameraConfig(
            id="camera", source=url, username=username, password=SecretStr(password), transport=transport,
            open_timeout=timeout,
        )  # fmt: skip
    except ValidationError as error:
        raise ConfigError("; ".join(e["msg"].removeprefix("Value error, ") for e in error.errors())) from None
    from streamer.capture.probe import probe as probe_source

    with open_store(Config(cameras=(camera,))) as store, errors.status(f"opening {redact(url)}"):
        info = probe_source(camera, timeout, store=store)
    codec, size, fps, first = _facts(info)
    output.print(f"{redact(url)}: {codec}, {size}, {fps} fps, first picture after {first}\n", highlight=False)
    output.print(_yaml(camera), highlight=False, markup=False)


def _yaml(camera: CameraConfig) -> str:
    """What config.yaml needs for this camera; its password is left to the environment."""
    source, user, password = camera.source, camera.username, camera.password.get_secret_value()
    scheme, mark, rest = source.partition("://")
    if mark and not user:
        user, password, rest = split_credentials(rest)
        source = f"{scheme}://{rest}"
    lines: dict[str, Any] = {"id": "camera", "source": redact(source)}
    if user:
        lines["username"] = user
    if password:
        lines["password"] = "${CAMERA_PASSWORD}"  # noqa: S105 - the name of a variable
    if camera.transport != "tcp":
        lines["transport"] = camera.transport
    return yaml.safe_dump({"cameras": [lines]}, sort_keys=False, width=1000).rstrip()


def _look(camera: CameraConfig, timeout: float, store: ModelStore) -> SourceInfo | StreamerError:
    from streamer.capture.probe import probe as probe_source

    try:
        return probe_source(camera, timeout, store=store)
    except StreamerError as error:
        return error


def _facts(info: SourceInfo) -> tuple[str, str, str, str]:
    size = f"{info.size[0]}x{info.size[1]}" if info.size else "?"
    first = f"{info.first_frame_seconds:.1f} s" if info.first_frame_seconds is not None else "?"
    return info.codec, size, f"{info.fps:.5g}" if info.fps else "?", first
