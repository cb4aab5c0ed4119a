"""How fast a clip is analysed, against others on the same clip: python -m tests.benchmarks.throughput [CLIP…] [--json].

Every frame of the excerpt goes from the file through detection, tracking, attributes, annotation and a JPEG of the
clip's own size (`speed`). Against it run, in turn and each in a process of its own:

- the classic pipeline (--classic; its decoding is not counted), best of three pairs;
- a plain threaded loop of the same nets (`plain_loop`), best of three;
- decoding alone in two processes (`decode_only`).

What is reported is judged by YuNet at 640 on every frame: recall is the share of its faces for which a box was
reported with an intersection over union of at least 0.5, precision the share of reported boxes that are one of its
faces. Default: the shared clips, and the one with most faces enlarged to 1080p. About a minute a clip.

--second-net: instead, what the second attribute net costs: `pair` and `dlib` alone in turn, in rising and falling order
so that a drift of the machine hits both alike; the share of frames a second that is lost, by the medians. Default: the
clip with most faces. Exit code 1 where it is more than a tenth.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.config import InferenceConfig
from streamer.inference.detector import Detector
from streamer.inference.detectors import open_detector
from streamer.pictures.picture import DecodedPicture
from tests.benchmarks.excerpts import default_clips, excerpt
from tests.benchmarks.machine import REPOSITORY, SHARED, box_overlap, model_store
from tests.benchmarks.speed import speed_models

__all__ = ["agreement", "main"]

_SAME_FACE = 0.5  # intersection over union
_DEAR = 0.1  # share of the frames a second that the second attribute net may cost at most


def agreement(reported: Sequence[NDArray[np.float32]], reference: Sequence[NDArray[np.float32]]) -> tuple[float, float]:
    """Recall and precision of the boxes reported for each frame, (N, 4) x0 y0 x1 y1, each face matched once."""
    matched = sum(_matched(a, b) for a, b in zip(reported, reference, strict=True))
    faces, boxes = sum(map(len, reference)), sum(map(len, reported))
    return matched / faces if faces else 1.0, matched / boxes if boxes else 1.0


def _matched(reported: NDArray[np.float32], reference: NDArray[np.float32]) -> int:
    """Pairs of one frame, the best first."""
    if not len(reported) or not len(reference):
        return 0
    overlaps, pairs = box_overlap(reported, reference), 0
    while overlaps.max() >= _SAME_FACE:
        row, column = np.unravel_index(int(overlaps.argmax()), overlaps.shape)
        overlaps[row, :] = overlaps[:, column] = 0
        pairs += 1
    return pairs


def measure(clip: Path, classic: Path | None, detector: Detector, *, frames: int, pairs: int) -> dict[str, Any]:
    """All figures of a clip."""
    reference = [detector.detect(DecodedPicture(frame)).boxes for frame in excerpt(clip, frames, threads=2)]
    frames = len(reference)
    size = ["--frames", str(frames)]
    ours: list[dict[str, Any]] = []
    plain: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for _ in range(pairs):
        if classic is not None:
            theirs.append(_run([str(classic), str(clip), "--json", *size]))
        ours.append(_run(["-m", "tests.benchmarks.speed", str(clip), *size]))
        plain.append(_run(["-m", "tests.benchmarks.plain_loop", str(clip), *size]))
    decoded = _run(["-m", "tests.benchmarks.decode_only", str(clip), *size])
    best, best_plain = max(ours, key=_fps), max(plain, key=_fps)
    boxes = [np.array(frame, np.float32).reshape(-1, 4) for frame in best.pop("boxes")]
    recall, precision = agreement(boxes, reference)
    report = {
        "clip": clip.stem,
        **best,
        "recall": round(recall, 4),
        "precision": round(precision, 4),
        "plain_fps": best_plain["fps"],
        "times_plain": round(best["fps"] / best_plain["fps"], 2),
        "decode_fps": decoded["fps"],
        "share_of_decode": round(best["fps"] / decoded["fps"], 2),
    }
    if theirs:
        report |= _against(max(theirs, key=_fps), best)
    return report


def second_net(clip: Path, *, frames: int, pairs: int) -> dict[str, Any]:
    """Frames a second with both attribute nets and with dlib's alone, of so many runs each."""
    fps: dict[str, list[float]] = {"pair": [], "dlib": []}
    for number in range(pairs):
        for attributes in sorted(fps, reverse=bool(number % 2)):
            arguments = ["-m", "tests.benchmarks.speed", str(clip), "--no-boxes", "--frames", str(frames)]
            fps[attributes].append(_fps(_run([*arguments, "--attributes", attributes])))
    lost = 1 - statistics.median(fps["pair"]) / statistics.median(fps["dlib"])
    return {"clip": clip.stem, "fps": fps, "lost": round(lost, 3)}


def _against(classic: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """The classic pipeline's figures beside ours: in frames, and in faces that carry an age and a gender."""
    faces, ours_faces = classic["faces_per_frame"] * classic["fps"], ours["described_per_frame"] * ours["fps"]
    return {
        "classic_fps": classic["fps"],
        "classic_faces_per_frame": classic["faces_per_frame"],
        "times_classic": round(ours["fps"] / classic["fps"], 2),
        "times_classic_faces": round(ours_faces / faces, 2) if faces else None,
    }


def _fps(run: dict[str, Any]) -> float:
    return float(run["fps"])


def _run(arguments: Sequence[str]) -> dict[str, Any]:
    """A program's JSON. Raises subprocess.CalledProcessError."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=REPOSITORY, stdout=subprocess.PIPE, check=True, stdin=subprocess.DEVNULL
    )
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def summary(reports: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Geometric means over the clips, and the lowest."""
    figures = {}
    for key in ("times_classic", "times_classic_faces", "times_plain", "share_of_decode"):
        values = [report[key] for report in reports if report.get(key)]
        if values:
            figures[key] = round(math.exp(sum(map(math.log, values)) / len(values)), 2)
            figures[f"least_{key}"] = min(values)
    return figures


_COLUMNS = (
    ("clip", 32), ("fps", 7), ("classic_fps", 12), ("times_classic", 14), ("times_classic_faces", 20),
    ("plain_fps", 10), ("times_plain", 12), ("decode_fps", 11), ("share_of_decode", 16), ("recall", 7),
    ("precision", 10), ("looks", 6), ("readings", 9),
)  # fmt: skip


def print_row(row: dict[str, Any]) -> None:
    """One line of the table."""
    print("".join(str(row.get(name, "")).rjust(width) for name, width in _COLUMNS), flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a table, or one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.throughput", description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path, metavar="CLIP")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--frames", type=int, default=150, metavar="N", help="of each clip, from its beginning")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--classic", type=Path, default=SHARED / "classic" / "classic.py", metavar="FILE")
    parser.add_argument("--second-net", action="store_true", help="what the second attribute net costs instead")
    options = parser.parse_args(arguments)
    if options.second_net:
        clips = options.clips or [SHARED / "clips" / "school_group_walk_7p_720p.mp4"]
        costs = [second_net(clip, frames=options.frames, pairs=options.pairs) for clip in clips]
        print(json.dumps({"second_net": costs}))
        return int(any(cost["lost"] > _DEAR for cost in costs))
    classic = options.classic if options.classic.is_file() else None
    if classic is None:
        print(f"without the classic pipeline: {options.classic} is not there", file=sys.stderr)
    detector = open_detector(speed_models(), InferenceConfig(), model_store())
    if not options.json:
        print_row({name: name for name, _ in _COLUMNS})
    reports = []
    for clip in options.clips or default_clips():
        reports.append(measure(clip, classic, detector, frames=options.frames, pairs=options.pairs))
        if not options.json:
            print_row(reports[-1])
    together = summary(reports)
    runtime = f"{detector.session.runtime} {detector.session.precision}"
    if options.json:
        print(json.dumps({"runtime": runtime, "clips": reports, "together": together}, indent=2))
    else:
        print(f"{detector.name} on {runtime}; geometric means and least: {together}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
