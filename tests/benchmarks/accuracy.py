"""How right age and gender are, on labelled photographs: python -m tests.benchmarks.accuracy [--json].

Without --results, runs the nets itself, once for each runtime and precision on this machine. With it, scores what
`streamer analyze FACES --json -` printed.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.config import InferenceConfig
from streamer.inference.attributes import open_attribute_model
from streamer.inference.detectors import open_detector
from streamer.picture import ArrayPicture
from tests.benchmarks.machine import SHARED, Way, model_store, models_config, read_picture, ways


class Label(NamedTuple):
    """The truth about the central face of a photograph; age bands are inclusive, years."""

    age_min: float
    age_max: float
    gender: str


class Guess(NamedTuple):
    """What was read from it."""

    age: float
    p_female: float


def read_labels(folder: Path) -> dict[str, Label]:
    """labels.csv of a folder, by file name."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return {r["file"]: Label(float(r["age_min"]), float(r["age_max"]), r["gender"]) for r in csv.DictReader(file)}


def central(boxes: NDArray[np.float32], width: int, height: int) -> int:
    """Which of these boxes lies nearest to the middle of the picture."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2 - np.array([width / 2, height / 2])
    return int(np.argmin((middles**2).sum(axis=1)))


def run_nets(folder: Path, names: Iterable[str], way: Way) -> dict[str, Guess]:
    """The central face of each photograph, read by the project's own nets."""
    config, store = models_config(way), model_store()
    detector = open_detector(config, InferenceConfig(), store)
    attributes = open_attribute_model(config, store)
    assert attributes is not None
    guesses = {}
    for name in names:
        pixels = read_picture(folder / name)
        faces = detector.detect(ArrayPicture(pixels))
        if len(faces):
            index = central(faces.boxes, pixels.shape[1], pixels.shape[0])
            (reading,) = attributes.read(pixels, faces.select(np.array([index])))
            guesses[name] = Guess(reading.age, reading.p_female)
    return guesses


def read_results(lines: TextIO) -> dict[str, Guess]:
    """The central face of each photograph, out of the JSON lines of `streamer analyze`: its single look."""
    guesses = {}
    for line in lines:
        result: Mapping[str, Any] = json.loads(line)
        objects = [item for item in result.get("objects", ()) if item.get("raw")]
        if not objects or "file" not in result:
            continue
        boxes = np.array([(o["x"], o["y"], o["x"] + o["w"], o["y"] + o["h"]) for o in objects], np.float32)
        size = result["resolution"]
        face = objects[central(boxes, size["width"], size["height"])]
        guesses[Path(result["file"]).name] = Guess(face["raw"]["age"], face["raw"]["p_female"])
    return guesses


def score(labels: Mapping[str, Label], guesses: Mapping[str, Guess]) -> dict[str, Any]:
    """All figures; shares are of the labelled faces that were found. Age errors are distances to the band."""
    found = [(label, guesses[name]) for name, label in labels.items() if name in guesses]
    groups: dict[str, list[tuple[Label, Guess]]] = {}
    for label, guess in found:
        groups.setdefault(f"{label.age_min:.0f}-{label.age_max:.0f} {label.gender}", []).append((label, guess))
    older = [pair for pair in found if pair[0].age_min >= 50]
    return {
        "faces": len(labels),
        "missed": sorted(set(labels) - set(guesses)),
        **_figures(found),
        "gender_20_and_older": _figures([pair for pair in found if pair[0].age_min >= 20])["gender"],
        "bias_50_and_older_years": round(float(np.mean([_error(*pair) for pair in older])), 1) if older else None,
        "groups": {name: _figures(pairs) for name, pairs in sorted(groups.items(), key=lambda item: item[1][0][0])},
    }


def _figures(pairs: Sequence[tuple[Label, Guess]]) -> dict[str, float | None]:
    if not pairs:
        return dict.fromkeys(("gender", "age_in_band", "age_within_5", "mean_distance_years", "bias_years"))
    errors = np.array([_error(*pair) for pair in pairs])
    right = [(guess.p_female >= 0.5) == (label.gender == "f") for label, guess in pairs]
    return {
        "gender": round(float(np.mean(right)), 3),
        "age_in_band": round(float(np.mean(errors == 0)), 3),
        "age_within_5": round(float(np.mean(np.abs(errors) <= 5)), 3),
        "mean_distance_years": round(float(np.abs(errors).mean()), 1),
        "bias_years": round(float(errors.mean()), 1),
    }


def _error(label: Label, guess: Guess) -> float:
    """Years above (positive) or below the band; 0 inside. A band of whole years ends where the next one begins."""
    return max(guess.age - (label.age_max + 1), 0.0) - max(label.age_min - guess.age, 0.0)


def show(name: str, figures: Mapping[str, Any]) -> None:
    """The figures as a table."""
    print(f"\n{name}: {figures['faces']} faces, {len(figures['missed'])} missed")
    print(
        f"  gender {figures['gender']:.1%} (20 and older {figures['gender_20_and_older']:.1%}), "
        f"age in band {figures['age_in_band']:.1%}, within 5 years {figures['age_within_5']:.1%}, "
        f"mean distance {figures['mean_distance_years']} years, bias from 50 on {figures['bias_50_and_older_years']}"
    )
    for group, row in figures["groups"].items():
        print(
            f"    {group:>9}  gender {row['gender']:4.0%}  in band {row['age_in_band']:4.0%}  "
            f"within 5 {row['age_within_5']:4.0%}  bias {row['bias_years']:+6.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, default=SHARED / "faces", help="folder with photographs and labels.csv")
    parser.add_argument("--results", help="what `streamer analyze FACES --json -` printed: a file, or - for stdin")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    labels = read_labels(options.faces)
    if options.results == "-":
        outcomes = {"results": score(labels, read_results(sys.stdin))}
    elif options.results:
        with Path(options.results).open(encoding="utf-8") as file:
            outcomes = {"results": score(labels, read_results(file))}
    else:
        outcomes = {str(way): score(labels, run_nets(options.faces, labels, way)) for way in ways()}
    if options.json:
        print(json.dumps(outcomes, indent=2))
    else:
        for name, figures in outcomes.items():
            show(name, figures)


if __name__ == "__main__":
    main()
