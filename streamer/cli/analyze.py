"""`streamer analyze`: files instead of cameras, no frame left out."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from streamer.analytics.age_groups import AgeGroups
from streamer.analytics.rules import Rules
from streamer.cli.console import ConfigOption, configuration, errors, open_store
from streamer.config import Config
from streamer.errors import ConfigError, PrivacyError, SourceError
from streamer.logs import set_up_logging

if TYPE_CHECKING:
    from streamer.cli.offline_run import Write

__all__ = ["analyze"]


def analyze(
    path: Annotated[Path, typer.Argument(metavar="CLIP|IMAGE|FOLDER", show_default=False)],
    *,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="ANNOTATED", help="Write the annotated clip (.mp4), picture, or folder here."),
    ] = None,
    lines: Annotated[
        str | None,
        typer.Option("--json", metavar="LINES", help="Write one result a line to this file; - for standard output."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, metavar="N", help="Analyse each N-th frame of a clip only.")] = 1,
    camera: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Count by this camera's lines and zones. Default: the first that has some."),
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Analyse a clip, a picture, or a folder of pictures, as fast as the machine can; no frame is dropped.

    The lines have the shape of the websocket's `result`, with the file's name and the events of the frame. Where a
    camera of the configuration has lines or zones, what was counted by them is summed up at the end.
    """
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder", retry=False)
    if out is not None and out.exists() and out.samefile(path):
        raise ConfigError(f"--out {out}: that is the input; name another file or folder")
    settings = configuration(config)
    if out is not None and not settings.shows_pictures:
        raise PrivacyError("leave out --out; --json writes what was found")
    rules = _rules(settings, camera)
    set_up_logging(settings.log.model_copy(update={"level": "warning"}))
    from streamer.cli.offline_run import OfflineRun
    from streamer.offline import OfflineAnalysis, is_picture

    with open_store(settings) as store:
        analysis = OfflineAnalysis(settings, store)
    with ExitStack() as stack:
        progress = stack.enter_context(_progress())
        writer = _writer(lines, stack)
        age_groups = AgeGroups(settings.footfall.age_groups)
        run = OfflineRun(analysis, settings.privacy, writer, progress, rules, age_groups)
        if path.is_dir() or is_picture(path):
            run.pictures(path, out)
        else:
            run.clip(path, out, every)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors, disable=not errors.is_terminal)


def _rules(config: Config, camera: str | None) -> Rules:
    """Those of the camera of this id, or of the first that has any. Raises ConfigError."""
    if camera is None:
        return next((each.rules for each in config.cameras if each.lines or each.zones), Rules())
    for each in config.cameras:
        if each.id == camera:
            return each.rules
    known = ", ".join(each.id for each in config.cameras)
    raise ConfigError(f"--camera {camera}: no camera of the configuration has this id; it has {known}")


def _writer(target: str | None, stack: ExitStack) -> Write | None:
    """Writes a document as a line, to where --json says."""
    if target is None:
        return None
    if target == "-":
        return lambda document: print(_line(document))
    try:
        file = stack.enter_context(Path(target).open("w", encoding="utf-8"))  # noqa: SIM115 - the stack closes it
    except OSError as error:
        raise ConfigError(f"--json {target}: {error.strerror}") from None
    return lambda document: print(_line(document), file=file)


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"), allow_nan=False)
