"""The clips of the speed benchmarks: the shared ones, and one of them enlarged to 1080p."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import av

from tests.benchmarks.machine import SHARED

__all__ = ["default_clips", "enlarged", "excerpt"]

_ENLARGED = "school_group_walk_7p_720p"


def default_clips() -> list[Path]:
    """The shared clips, and the one with most faces at 1080p. Empty where there is no shared material."""
    clips = sorted((SHARED / "clips").glob("*.mp4"))
    return [*clips, *(enlarged(clip) for clip in clips if clip.stem == _ENLARGED)]


def enlarged(clip: Path, height: int = 1080) -> Path:
    """The clip scaled to this height as H.264 (x264 veryfast, crf 23, as cameras are about); made once, then kept.

    Raises subprocess.CalledProcessError: ffmpeg can't read it.
    """
    out = Path(tempfile.gettempdir()) / "streamer-benchmark-clips" / f"{clip.stem}-{height}p.mp4"
    if not out.exists():
        out.parent.mkdir(exist_ok=True)
        unfinished = out.with_suffix(".part.mp4")
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", "-i", str(clip), "-an", "-vf", f"scale=-2:{height}", "-c:v", "libx264",
             "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p", str(unfinished)],
            check=True,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        unfinished.replace(out)
    return out


def excerpt(clip: Path, frames: int, *, threads: int) -> Iterator[av.VideoFrame]:
    """The first frames of a clip. threads: of the decoder."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = threads
        if threads > 1:
            stream.codec_context.thread_type = "FRAME"
        yield from islice(container.decode(stream), frames)
