"""Reads a video file from its first frame to its last, as fast as it goes, for work offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from streamer.capture.addresses import Address, Kind
from streamer.capture.source import DropReason, SourceInfo, VideoSource
from streamer.config import CameraConfig
from streamer.errors import SourceError
from streamer.types import Frame

__all__ = ["FileReader", "read_file"]

_DECODER_THREADS = 2


class FileReader:
    """The frames of a file, once, in order, none left out but those that are damaged. Made by `read_file`.

    Iterate over it, and close it, or use it in a `with` statement. The frames' camera timeline is the media time,
    counted from 0 at the first frame; it never goes back, also where the file's own times (`Frame.pts`) do.
    """

    def __init__(self, path: Path, camera_id: str, started_at: float, on_drop: Callable[[DropReason], None]) -> None:
        self._camera_id = camera_id
        self._path = path
        self._started_at = started_at
        camera = CameraConfig(id="file", source="file")  # the settings of FFmpeg's time-outs, none of which matter here
        address = Address(Kind.FILE, str(path), str(path))
        self._source = VideoSource(address, camera, threads=_DECODER_THREADS, on_drop=on_drop)

    @property
    def info(self) -> SourceInfo:
        """What the file holds."""
        return self._source.info

    @property
    def frame_count(self) -> int | None:
        """Frames to expect, for a progress bar; None where the file doesn't tell. May be off by a few."""
        return self._source.info.frame_count

    @property
    def duration(self) -> float | None:
        """Seconds, or None where the file doesn't tell."""
        return self._source.info.duration

    def __iter__(self) -> Iterator[Frame]:
        """The frames. Raises SourceError where the file breaks, or when it holds none."""
        interval = 1 / self.info.fps if self.info.fps else 0.04
        at, previous = 0.0, None
        seq = -1
        for seq, sample in enumerate(self._source.frames()):
            if previous is not None:
                step = sample.pts - previous
                at += step if step > 0 else interval
            previous = sample.pts
            yield Frame(self._camera_id, seq, sample.pts, at, self._started_at + at, sample.picture)
        if seq < 0:
            raise SourceError(f"{self._path}: no frame in it can be decoded", retry=False)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def read_file(
    path: Path,
    camera_id: str,
    *,
    started_at: float = 0.0,
    on_drop: Callable[[DropReason], None] = lambda _reason: None,
) -> FileReader:
    """Open a file to read it offline. Raises SourceError when it is no video.

    started_at: when the recording began, UTC, seconds since the epoch. Files don't tell reliably, so by default the
    frames' wall time counts from 0, which shows that it isn't known and gives the same output for the same file.
    on_drop: told of each damaged frame.
    """
    return FileReader(path, camera_id, started_at, on_drop)
