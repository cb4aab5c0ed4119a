"""Draws what was measured, for docs/performance.md:

    python -m tests.benchmarks.throughput --json > throughput.json
    python -m tests.benchmarks.overhead --json > overhead.json
    python -m tests.benchmarks.plot throughput.json overhead.json --out docs/performance.svg

Above: frames a second of each clip, by the classic pipeline, the plain threaded loop of the same nets and this program,
beside decoding alone. Below: what the processor does for one frame of the clip at 1080p.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

__all__ = ["draw", "main"]

_WIDTH, _LEFT, _RIGHT = 860, 250, 70  # pixels; room for names and for figures
_BAR, _GAP = 11, 12
_RUNS = (
    ("classic_fps", "classic pipeline", "#b0b7c3"),
    ("plain_fps", "plain threaded loop, same nets", "#7aa6d8"),
    ("fps", "streamer", "#1f6feb"),
    ("decode_fps", "decoding alone", "#e3c08b"),
)
_SHADES = ("#1f6feb", "#4c8bf0", "#7aa6d8", "#9fc0e6", "#e3c08b", "#d29a5b", "#8f9bab", "#b0b7c3", "#ccd1d9", "#e2e5ea")
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#1c2430}.small{font-size:11px;fill:#57606a}"
    ".title{font-size:14px;font-weight:600}line{stroke:#d0d7de}"
)


def _text(x: float, y: float, words: str, *, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def _bar(x: float, y: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.5):.1f}" height="{height}" fill="{colour}"/>'


def _speeds(clips: Sequence[dict[str, Any]], top: float) -> Iterator[tuple[float, str]]:
    """Pieces with the height that is used up to each: frames a second, on a scale of powers of ten."""
    most = max(clip[key] for clip in clips for key, _, _ in _RUNS if clip.get(key))
    room = _WIDTH - _LEFT - _RIGHT
    decades = math.ceil(math.log10(most))

    def across(fps: float) -> float:
        return room * max(0.0, math.log10(fps)) / decades

    yield top, _text(_LEFT, top, "Frames a second, from file to JPEG (a scale of powers of ten)", kind="title")
    x, y = float(_LEFT), top + 20
    for _, name, colour in _RUNS:
        yield y, _bar(x, y - 9, 10, 10, colour) + _text(x + 14, y, name, kind="small")
        x += 30 + 6.2 * len(name)
    y += 14
    height = len(clips) * (len(_RUNS) * _BAR + _GAP)
    for power in range(decades + 1):
        x = _LEFT + room * power / decades
        below = _text(x, y + height + 12, f"{10**power}", kind="small", anchor="middle")
        yield y, f'<line x1="{x}" x2="{x}" y1="{y}" y2="{y + height}"/>{below}'
    for clip in clips:
        yield y, _text(_LEFT - 8, y + len(_RUNS) * _BAR / 2 + 4, clip["clip"], anchor="end")
        for key, _, colour in _RUNS:
            if fps := clip.get(key):
                figure = _text(_LEFT + across(fps) + 4, y + _BAR - 2, f"{fps:g}", kind="small")
                yield y, _bar(_LEFT, y, across(fps), _BAR - 1, colour) + figure
            y += _BAR
        y += _GAP
    yield y + 8, ""


def _costs(report: dict[str, Any], top: float) -> Iterator[tuple[float, str]]:
    """Pieces as in `_speeds`: one frame's processor time, the dearest first."""
    stages = {**report["native"], "our own Python": report["overhead_ms"]}
    room = _WIDTH - _LEFT - _RIGHT
    words = f"One frame of {report['clip']}: {report['ms_per_frame']:.1f} ms of processor time"
    yield top, _text(_LEFT, top, words, kind="title")
    y = top + 10
    most = max(stages.values())
    for (stage, cost), shade in zip(sorted(stages.items(), key=lambda each: -each[1]), _SHADES, strict=False):
        width = room * cost / most
        yield y, _text(_LEFT - 8, y + 13, stage, anchor="end") + _bar(_LEFT, y + 3, width, 13, shade)
        yield y + 20, _text(_LEFT + width + 4, y + 13, f"{cost:.2f} ms", kind="small")
        y += 20


def draw(throughput: dict[str, Any], overhead: dict[str, Any]) -> str:
    """An SVG picture of what the two benchmarks print. Raises KeyError: a figure is missing."""
    pieces = list(_speeds(throughput["clips"], 24))
    largest = max(overhead["clips"], key=lambda clip: float(clip["ms_per_frame"]))
    pieces += list(_costs(largest, max(y for y, _ in pieces) + 40))
    height = max(y for y, _ in pieces) + 16
    body = "\n".join(piece for _, piece in pieces)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}">'
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the picture."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.plot",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("throughput", type=Path, metavar="THROUGHPUT.json")
    parser.add_argument("overhead", type=Path, metavar="OVERHEAD.json")
    parser.add_argument("--out", type=Path, default=Path("docs/performance.svg"))
    options = parser.parse_args(arguments)
    measured = [json.loads(path.read_text()) for path in (options.throughput, options.overhead)]
    options.out.write_text(draw(*measured))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
