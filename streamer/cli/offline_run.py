"""What `streamer analyze` does with a clip or with pictures, and what it tells of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress

from streamer.analytics.age_groups import AgeGroups
from streamer.analytics.rules import Rules
from streamer.capture.files import read_file
from streamer.cli.annotated_files import AnnotatedClip, write_annotated_picture
from streamer.cli.clip_summary import ClipSummary, count_of
from streamer.cli.console import errors
from streamer.errors import SourceError
from streamer.offline import OfflineAnalysis, find_pictures
from streamer.server.encoding import event_object, result_object
from streamer.types import Result, Track

__all__ = ["OfflineRun", "Write"]

Write = Callable[[dict[str, Any]], None]
"""Writes a document as a line of JSON."""


@dataclass(frozen=True, slots=True)
class OfflineRun:
    """One call of the command. Its two methods raise StreamerError."""

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
