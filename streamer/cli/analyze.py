"""`streamer analyze`: files instead of cameras, no frame left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from streamer.analytics.age_groups import AgeGroups
from streamer.analytics.rules import Rules
from streamer.capture.files import read_file
from streamer.cli.annotated_files import AnnotatedClip, write_annotated_picture
from streamer.cli.clip_summary import ClipSummary, count_of
from streamer.cli.console import ConfigOption, configuration, errors, open_store
from streamer.config import Config
from streamer.errors import ConfigError, PrivacyError, SourceError
from streamer.logs import set_up_logging
from streamer.offline import OfflineAnalysis, find_pictures, is_picture
from streamer.server.encoding import event_object, result_object
from streamer.types import Result, Track

__all__ = ["analyze"]

Write = Callable[[dict[str, Any]], None]
"""Writes a document as a line of JSON."""


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
    with open_store(settings) as store:
        analysis = OfflineAnalysis(settings, store)
    with ExitStack() as stack:
        progress = stack.enter_context(_progress())
        writer = _writer(lines, stack)
        age_groups = AgeGroups(settings.footfall.age_groups)
        run = _Run(analysis, settings.privacy, writer, progress, rules, age_groups)
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


@dataclass(frozen=True, slots=True)
class _Run:
    """One call of the command."""

    analysis: OfflineAnalysis
    privacy: str
    write: Write | None
    bars: Progress
    rules: Rules
    age_groups: AgeGroups

    def clip(self, path: Path, out: Path | None, every: int) -> None:
        """Analyse a clip, and sum up the visits in it."""
        frames = 0
        static = set[int]()
        summary = ClipSummary(self.rules, self.age_groups)
        dropped: Counter[str] = Counter()
        reading = read_file(path, path.stem, on_drop=lambda reason: dropped.update([reason]))
        with reading as reader, ExitStack() as stack:
            task = self.bars.add_task(path.name, total=reader.frame_count and -(-reader.frame_count // every))
            fps = (reader.info.fps or 25) / every
            annotated = stack.enter_context(AnnotatedClip(out, fps, self.privacy)) if out else None
            for frame, result, faces in self.analysis.clip(reader, name=path.stem, every=every, rules=self.rules):
                frames += 1
                static |= {track.id for track in result.tracks if not track.counted}
                summary.take(result.events)
                self._write_result(path, result)
                if annotated:
                    annotated.add(frame.picture, result, faces)
                self.bars.advance(task)
        summary.take(self.analysis.closing)
        pictures = f", {count_of(len(static), 'static picture')} not counted" if static else ""
        _say(f"{path.name}: {count_of(frames, 'frame')}, {count_of(len(summary.visits), 'visit')}{pictures}")
        dropped["failed"] = self.analysis.failures
        if dropped.total():
            _say(f"  left out: {', '.join(f'{count} {reason}' for reason, count in dropped.items() if count)}")
        for track in summary.visits:
            _say(f"  #{track.id} {_description(track)}, {track.last_seen - track.first_seen:.1f} s")
        for line in summary.lines():
            _say(f"  {line}")
        self._write_summary(path, summary)

    def _write_result(self, path: Path, result: Result) -> None:
        """One `result`, with the file's name; what is of a live camera only is left out."""
        if self.write is not None:
            model = self.analysis.attribute_model
            document = {"type": "result", "file": path.name, **result_object(result, model)}
            self.write(document | {"events": [event_object(event, model) for event in result.events]})

    def _write_summary(self, path: Path, summary: ClipSummary) -> None:
        """What was counted, and the events with which the clip ended."""
        if self.write is not None and (self.rules.lines or self.rules.zones):
            events = [event_object(event, self.analysis.attribute_model) for event in self.analysis.closing]
            self.write({"type": "summary", "file": path.name, **summary.document(), "events": events})

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
            self._write_result(each, result)
            faces.update(track.gender_label for track in result.tracks)
            if out is not None and picture is not None:
                target = out / each.relative_to(path) if path.is_dir() else out
                write_annotated_picture(target, picture, result, self.privacy)
        groups = ", ".join(f"{count} {gender}" for gender, count in sorted(faces.items()))
        _say(f"{count_of(len(paths) - len(failed), 'picture')}, {count_of(faces.total(), 'face')}: {groups or 'none'}")
        if failed:
            raise SourceError("\n".join(map(str, failed)), retry=False)


def _say(line: str) -> None:
    errors.print(line, highlight=False, markup=False)


def _description(track: Track) -> str:
    age = f"{track.age_label} years" if track.age_label else "age unknown"
    static = "static, " if track.static else ""
    return f"{static}{track.gender_label}, {age}, from {count_of(track.samples, 'look')}"
