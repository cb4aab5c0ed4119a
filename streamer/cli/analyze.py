"""`streamer analyze`: files instead of cameras, no frame left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from streamer.capture.files import read_file
from streamer.cli.annotated_files import AnnotatedClip, write_annotated_picture
from streamer.cli.console import ConfigOption, configuration, errors, open_store
from streamer.errors import ConfigError, PrivacyError, SourceError
from streamer.logs import set_up_logging
from streamer.offline import OfflineAnalysis, find_pictures, is_picture
from streamer.server.encoding import result_object
from streamer.types import EventKind, Result, Track

__all__ = ["analyze"]


def analyze(
    path: Annotated[Path, typer.Argument(metavar="CLIP|IMAGE|FOLDER", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="ANNOTATED", help="Write the annotated clip (.mp4), picture, or folder here."),
    ] = None,
    lines: Annotated[
        str | None,
        typer.Option("--json", metavar="LINES", help="Write one result a line to this file; - for standard output."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, metavar="N", help="Analyse each N-th frame of a clip only.")] = 1,
    config: ConfigOption = None,
) -> None:
    """Analyse a clip, a picture, or a folder of pictures, as fast as the machine can; no frame is dropped.

    The lines have the shape of the websocket's `result`, with the file's name.
    """
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder", retry=False)
    if out is not None and out.exists() and out.samefile(path):
        raise ConfigError(f"--out {out}: that is the input; name another file or folder")
    settings = configuration(config)
    if out is not None and not settings.shows_pictures:
        raise PrivacyError("leave out --out; --json writes what was found")
    set_up_logging(settings.log.model_copy(update={"level": "warning"}))
    with open_store(settings) as store:
        analysis = OfflineAnalysis(settings, store)
    with ExitStack() as stack:
        progress = stack.enter_context(_progress())
        run = _Run(analysis, settings.privacy, _line_writer(lines, stack, analysis.attribute_model), progress)
        if path.is_dir() or is_picture(path):
            run.pictures(path, out)
        else:
            run.clip(path, out, every)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=errors, disable=not errors.is_terminal)


def _line_writer(target: str | None, stack: ExitStack, model: str) -> Callable[[Path, Result], None]:
    """Writes each result as a line, to where --json says."""
    if target is None:
        return lambda _path, _result: None
    if target == "-":
        return lambda path, result: print(_line(path, result, model))
    try:
        file = stack.enter_context(Path(target).open("w", encoding="utf-8"))  # noqa: SIM115 - the stack closes it
    except OSError as error:
        raise ConfigError(f"--json {target}: {error.strerror}") from None
    return lambda path, result: print(_line(path, result, model), file=file)


def _line(path: Path, result: Result, model: str) -> str:
    """One `result`, with the file's name; what is of a live camera only is left out."""
    document = {"type": "result", "file": path.name, **result_object(result, model)}
    return json.dumps(document, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class _Run:
    """One call of the command."""

    analysis: OfflineAnalysis
    privacy: str
    write: Callable[[Path, Result], None]
    bars: Progress

    def clip(self, path: Path, out: Path | None, every: int) -> None:
        """Analyse a clip, and sum up the visits in it."""
        frames = 0
        visits: dict[int, Track] = {}
        dropped: Counter[str] = Counter()
        reading = read_file(path, path.stem, on_drop=lambda reason: dropped.update([reason]))
        with reading as reader, ExitStack() as stack:
            task = self.bars.add_task(path.name, total=reader.frame_count and -(-reader.frame_count // every))
            fps = (reader.info.fps or 25) / every
            annotated = stack.enter_context(AnnotatedClip(out, fps, self.privacy)) if out else None
            for frame, result, faces in self.analysis.clip(reader, name=path.stem, every=every):
                frames += 1
                visits |= {track.id: track for track in result.tracks}
                visits |= {e.track.id: e.track for e in result.events if e.kind is EventKind.VISIT_ENDED and e.track}
                self.write(path, result)
                if annotated:
                    annotated.add(frame.picture, result, faces)
                self.bars.advance(task)
        static = sum(not track.counted for track in visits.values())
        pictures = f", {_count(static, 'static picture')} not counted" if static else ""
        _say(f"{path.name}: {_count(frames, 'frame')}, {_count(len(visits) - static, 'visit')}{pictures}")
        dropped["failed"] = self.analysis.failures
        if dropped.total():
            _say(f"  left out: {', '.join(f'{count} {reason}' for reason, count in dropped.items() if count)}")
        for track in visits.values():
            _say(f"  #{track.id} {_description(track)}, {track.last_seen - track.first_seen:.1f} s")

    def pictures(self, path: Path, out: Path | None) -> None:
        """Analyse single pictures; a damaged one is told at the end and doesn't hold up the others."""
        paths = find_pictures(path) if path.is_dir() else [path]
        if not paths:
            raise SourceError(f"{path}: no pictures in it (JPEG, PNG, WebP, BMP, TIFF)", retry=False)
        task = self.bars.add_task(path.name, total=len(paths))
        failed: list[SourceError] = []
        faces: Counter[str] = Counter()
        for each, picture, result in self.analysis.pictures(paths):
            self.bars.advance(task)
            if isinstance(result, SourceError):
                failed.append(result)
                continue
            self.write(each, result)
            faces.update(track.gender_label for track in result.tracks)
            if out is not None and picture is not None:
                target = out / each.relative_to(path) if path.is_dir() else out
                write_annotated_picture(target, picture, result, self.privacy)
        groups = ", ".join(f"{count} {gender}" for gender, count in sorted(faces.items()))
        _say(f"{_count(len(paths) - len(failed), 'picture')}, {_count(faces.total(), 'face')}: {groups or 'none'}")
        if failed:
            raise SourceError("\n".join(map(str, failed)), retry=False)


def _say(line: str) -> None:
    errors.print(line, highlight=False, markup=False)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _description(track: Track) -> str:
    age = f"{track.age_label} years" if track.age_label else "age unknown"
    static = "static, " if track.static else ""
    return f"{static}{track.gender_label}, {age}, from {_count(track.samples, 'look')}"
