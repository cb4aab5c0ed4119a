"""How many faces the detectors find, and how fast: python -m tests.benchmarks.detection [--json].

Against the boxes beside the checkout (detection/boxes.csv), with the small picture 320 and 640 pixels wide and as wide
as the frame, and in tiles of 640; recall by the faces' height too. A labelled face of kind 'ignore' counts neither way.
Boxes count as the same from an overlap of 0.5 on.

--small: faces of those frames shrunk to 12-32 pixels and put into pictures of 1080 and 2160 lines.
--clips: visits on the clips with the rule that makes a track a visit, and with none, at several widths.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.config import InferenceConfig
from streamer.errors import ModelError
from streamer.inference.detectors import open_detector
from streamer.pictures.picture import ArrayPicture
from tests.benchmarks.detection_scenes import small_faces, visits_on_clips
from tests.benchmarks.machine import (
    SHARED,
    DetectorName,
    Way,
    box_overlap,
    milliseconds,
    model_store,
    models_config,
    read_picture,
    ways,
)

_SAME = 0.5
_NATIVE = 4096
_SIZES = ((320, "none"), (640, "none"), (_NATIVE, "none"), (640, "auto"))  # the classic net has one of its own
_HEIGHTS = (0, 24, 48, 72, 96, 144, 2160)  # pixels


class Truth(NamedTuple):
    """The labelled boxes of one frame, (N, 4) x0 y0 x1 y1: those that count and those that don't."""

    faces: NDArray[np.float32]
    ignored: NDArray[np.float32]


class Tally(NamedTuple):
    """Counts of one frame. found: which of the labelled faces."""

    hits: int
    misses: int
    alarms: int
    found: NDArray[np.bool_]


def read_truth(folder: Path) -> dict[str, Truth]:
    """boxes.csv of a folder by frame; frames without a row have no face."""
    rows: dict[str, list[dict[str, str]]] = {path.name: [] for path in sorted(folder.glob("*.jpg"))}
    with (folder / "boxes.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows[row["file"]].append(row)
    return {
        name: Truth(*(_boxes([r for r in found if (r["kind"] == "ignore") is ignore]) for ignore in (False, True)))
        for name, found in rows.items()
    }


def _boxes(rows: list[dict[str, str]]) -> NDArray[np.float32]:
    values = np.array([[float(row[key]) for key in "xywh"] for row in rows], np.float32).reshape(-1, 4)
    return np.hstack([values[:, :2], values[:, :2] + values[:, 2:]])


def compare(found: NDArray[np.float32], truth: Truth) -> Tally:
    """Match detections, best first, each to the labelled face that it overlaps most."""
    overlap = box_overlap(found, truth.faces)
    taken: set[int] = set()
    alarms = 0
    ignored = box_overlap(found, truth.ignored).max(axis=1, initial=0) >= _SAME
    for row, skip in zip(overlap, ignored, strict=True):
        best = max((i for i in range(len(row)) if i not in taken), key=lambda i, row=row: row[i], default=None)  # type: ignore[misc]
        if best is not None and row[best] >= _SAME:
            taken.add(best)
        elif not skip:
            alarms += 1
    return Tally(len(taken), len(truth.faces) - len(taken), alarms, np.isin(np.arange(len(truth.faces)), list(taken)))


def measure(name: DetectorName, way: Way, width: int, folder: Path, tiles: str) -> dict[str, Any]:
    """Recall, precision and time of one detector at one width."""
    inference = InferenceConfig(detect_width=width, workers=1, tiles=tiles)
    detector = open_detector(models_config(way, detector=name), inference, model_store())
    truth = read_truth(folder)
    pictures = {frame: ArrayPicture(read_picture(folder / frame)) for frame in truth}
    tallies = [compare(detector.detect(pictures[frame]).boxes, truth[frame]) for frame in truth]
    hits, misses = sum(tally.hits for tally in tallies), sum(tally.misses for tally in tallies)
    alarms = sum(tally.alarms for tally in tallies)
    heights = np.concatenate([truth[frame].faces[:, 3] - truth[frame].faces[:, 1] for frame in truth])
    seen = np.concatenate([tally.found for tally in tallies])
    some = next(picture for frame, picture in pictures.items() if frame.startswith("school"))
    return {
        "recall": round(hits / max(1, hits + misses), 3),
        "precision": round(hits / max(1, hits + alarms), 3),
        "faces": hits + misses,
        "recall_by_height": {
            f"{low}-{high}": [int(seen[part].sum()), int(part.sum())]
            for low, high in pairwise(_HEIGHTS)
            if (part := (heights >= low) & (heights < high)).any()
        },
        "missed": misses,
        "false": alarms,
        "ms_per_720p_frame": milliseconds(lambda: detector.detect(some)),
    }


def _ways_of(name: DetectorName) -> list[Way]:
    """The usual one first."""
    return [Way("opencv", "float32")] if name == "ssd-res10" else list(ways())


def show(name: str, figures: Mapping[str, Any]) -> None:
    """One line."""
    print(
        f"{name:>42}: recall {figures['recall']:.1%}, precision {figures['precision']:.1%} "
        f"({figures['missed']} of {figures['faces']} missed, {figures['false']} false), "
        f"{figures['ms_per_720p_frame']} ms; by height "
        + ", ".join(f"{size}: {found}/{of}" for size, (found, of) in figures["recall_by_height"].items())
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=Path, default=SHARED / "detection", help="folder with frames and boxes.csv")
    parser.add_argument("--every-way", action="store_true", help="each runtime and precision, not onnxruntime alone")
    parser.add_argument("--small", action="store_true", help="small faces in large pictures instead")
    parser.add_argument("--clips", action="store_true", help="visits on the clips instead")
    parser.add_argument("--detector", choices=["yunet", "centerface"], default="yunet", help="on the clips")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.small:
        small_faces(as_json=options.json)
        return
    if options.clips:
        visits_on_clips(options.detector, as_json=options.json)
        return
    outcomes: dict[str, Any] = {}
    detectors: tuple[DetectorName, ...] = ("yunet", "centerface", "ssd-res10")
    for name in detectors:
        for way in _ways_of(name) if options.every_way else _ways_of(name)[:1]:
            for width, tiles in _SIZES[:1] if name == "ssd-res10" else _SIZES:
                title = f"{name} {way} {width if width != _NATIVE else 'native'}{' tiled' if tiles != 'none' else ''}"
                try:
                    outcomes[title] = measure(name, way, width, options.frames, tiles)
                except ModelError as error:
                    outcomes[title] = {"error": str(error)}
                if not options.json:
                    shown = outcomes[title]
                    print(f"{title:>42}: {shown['error']}") if "error" in shown else show(title, shown)
    if options.json:
        print(json.dumps(outcomes, indent=2))


if __name__ == "__main__":
    main()
