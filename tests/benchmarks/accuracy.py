"""How right age and gender are, by cross-validation on labelled photographs: python -m tests.benchmarks.accuracy.

Each attribute model (dlib, faceres, pair) reads one look at the central face of each photograph. Its calibration is
fitted to nine tenths of them and judged on the last tenth, in turn, several times over with other tenths; each tenth
has its share of every age band and sex. The figures are means over those repetitions. The calibration is always fitted
to what the nets say on onnxruntime in float32, as the one that is shipped, whichever runtime it is judged on. `as
published` is what each net says by itself, without any calibration.

--nested also lets each fit choose among several recipes, by cross-validation inside its own nine tenths: what is gained
or lost where nothing at all was decided with a look at the photographs it is judged on. --results scores what `streamer
analyze FACES --json -` printed; on the photographs that the shipped calibration was fitted to, that flatters it.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.inference.calibration import RECIPE, YEARS, Recipe
from tests.benchmarks.fit_calibration import fit, loss
from tests.benchmarks.looks import MODELS, Looks, look_at
from tests.benchmarks.machine import Way, ways
from tests.benchmarks.photographs import Label, central, photographs_parser, read_labels

Array = NDArray[np.float64]

_FOLDS = 10
_REPEATS = 5
_RECIPES = (
    RECIPE,
    RECIPE._replace(smoothing=1.5),
    RECIPE._replace(smoothing=5.0),
    RECIPE._replace(squash=2.0),
    RECIPE._replace(squash=7.0),
    RECIPE._replace(child_to=0.0, adult_from=1.0),  # children are read as adults are
)
_CONFIDENCES = np.linspace(0.5, 1, 6)


class Guesses(NamedTuple):
    """What is read from N faces. spread: None where it isn't known."""

    ages: Array
    p_female: Array
    spread: Array | None = None


def folds(labels: Sequence[Label], parts: int, seed: int) -> NDArray[np.intp]:
    """Which part each face belongs to: every group is spread over all parts as evenly as can be."""
    random = np.random.default_rng(seed)
    part = np.zeros(len(labels), np.intp)
    for group in sorted({label.group for label in labels}):
        members = np.flatnonzero([label.group == group for label in labels])
        part[random.permutation(members)] = (np.arange(len(members)) + random.integers(parts)) % parts
    return part


def cross_validated(
    model: str, fitted_to: Looks, judged_on: Looks, *, seed: int, recipes: Sequence[Recipe] = (RECIPE,)
) -> Guesses:
    """Every face read with a calibration that was fitted to others."""
    part = folds(fitted_to.labels, _FOLDS, seed)
    read = np.zeros((3, len(part)))
    for number in range(_FOLDS):
        others, these = np.flatnonzero(part != number), np.flatnonzero(part == number)
        recipe = recipes[0] if len(recipes) == 1 else _best(model, fitted_to, others, recipes, seed)
        calibration = fit(fitted_to.of(model, others), [fitted_to.labels[i] for i in others], recipe)
        read[:, these] = calibration.read(judged_on.of(model, these), judged_on.trusts[these], recipe)
    return Guesses(read[0], read[2], read[1])


def _best(model: str, looks: Looks, index: NDArray[np.intp], recipes: Sequence[Recipe], seed: int) -> Recipe:
    """The recipe under which faces that were held back, among these, are least surprising."""
    labels = [looks.labels[i] for i in index]
    part = folds(labels, 4, seed)

    def held_back(recipe: Recipe) -> float:
        losses = []
        for number in range(4):
            train, test = np.flatnonzero(part != number), np.flatnonzero(part == number)
            calibration = fit(looks.of(model, index[train]), [labels[i] for i in train], recipe)
            losses.append(loss(calibration, looks.of(model, index[test]), [labels[i] for i in test], recipe))
        return float(np.mean(losses))

    return min(recipes, key=held_back)


def as_published(net: str, looks: Looks) -> Guesses:
    """Without calibration: dlib's mean age; the mean of the two likeliest years of faceres."""
    (said,) = looks.of(net)
    ages = said.ages.astype(np.float64)
    if net == "dlib":
        years = ages @ (YEARS - 0.5)
    else:
        two = np.argsort(ages, axis=1)[:, -2:]
        weights = np.take_along_axis(ages, two, axis=1)
        years = (weights * YEARS[two]).sum(axis=1) / weights.sum(axis=1)
    return Guesses(years, said.p_female.astype(np.float64))


def read_results(lines: TextIO, labels: Mapping[str, Label]) -> tuple[list[Label], Guesses]:
    """The central face of each photograph, out of the JSON lines of `streamer analyze`: its single look."""
    found: list[tuple[Label, float, float]] = []
    for line in lines:
        result: Mapping[str, Any] = json.loads(line)
        objects = [item for item in result.get("objects", ()) if item.get("raw")]
        if not objects or Path(result.get("file", "")).name not in labels:
            continue
        boxes = np.array([(o["x"], o["y"], o["x"] + o["w"], o["y"] + o["h"]) for o in objects], np.float32)
        size = result["resolution"]
        raw = objects[central(boxes, size["width"], size["height"])]["raw"]
        found.append((labels[Path(result["file"]).name], raw["age"], raw["p_female"]))
    return [label for label, _, _ in found], Guesses(*np.array([row[1:] for row in found]).reshape(-1, 2).T)


def score(labels: Sequence[Label], repetitions: Sequence[Guesses]) -> dict[str, Any]:
    """All figures, means over repetitions, of the labelled faces that were found. Ages: distances to the band."""
    pooled = [label for _ in repetitions for label in labels]
    ages, p_female = (np.concatenate([each[i] for each in repetitions]) for i in (0, 1))
    distances = np.array([label.distance(age) for label, age in zip(pooled, ages, strict=True)])
    right = (p_female >= 0.5) == np.array([label.gender == "f" for label in pooled])
    youngest, groups = np.array([label.age_min for label in pooled]), np.array([label.group for label in pooled])
    figures = _figures(distances, right)
    adults = youngest >= 20
    share = figures["gender"]
    return {
        "faces": len(labels),
        **figures,
        "gender_20_and_older": round(float(right[adults].mean()), 3),
        "standard_error_gender": round(math.sqrt(share * (1 - share) / len(labels)), 3),
        "bias_50_and_older_years": round(float(distances[youngest >= 50].mean()), 1),
        **reliability(p_female, right),
        **_range(repetitions, distances),
        "groups": {g: _figures(distances[groups == g], right[groups == g]) for g in dict.fromkeys(_by_age(labels))},
    }


def _by_age(labels: Sequence[Label]) -> list[str]:
    return [label.group for label in sorted(labels, key=lambda label: (label.age_min, label.gender))]


def _figures(distances: Array, right: NDArray[np.bool_]) -> dict[str, float]:
    return {
        "gender": round(float(right.mean()), 3),
        "age_in_band": round(float(np.mean(distances == 0)), 3),
        "age_within_5": round(float(np.mean(np.abs(distances) <= 5)), 3),
        "mean_distance_years": round(float(np.abs(distances).mean()), 1),
        "bias_years": round(float(distances.mean()), 1),
    }


def reliability(p_female: Array, right: NDArray[np.bool_]) -> dict[str, Any]:
    """Expected calibration error of the gender, and its reliability diagram in five equal steps of confidence."""
    confidence = np.maximum(p_female, 1 - p_female)
    step = np.clip(np.digitize(confidence, _CONFIDENCES) - 1, 0, len(_CONFIDENCES) - 2)
    diagram, error = [], 0.0
    for number in np.unique(step):
        chosen = step == number
        said, true = float(confidence[chosen].mean()), float(right[chosen].mean())
        error += float(chosen.mean()) * abs(said - true)
        diagram.append({"said": round(said, 3), "right": round(true, 3), "share": round(float(chosen.mean()), 3)})
    return {"gender_calibration_error": round(error, 3), "gender_reliability": diagram}


def _range(repetitions: Sequence[Guesses], distances: Array) -> dict[str, float]:
    """How often the range of an age, its spread on either side, touches the labelled band."""
    spreads = [each.spread for each in repetitions if each.spread is not None]
    if len(spreads) < len(repetitions):
        return {}
    return {"age_range_touches_band": round(float(np.mean(np.abs(distances) <= np.concatenate(spreads))), 3)}


def show(name: str, figures: Mapping[str, Any], *, groups: bool) -> None:
    """The figures as a table."""
    print(
        f"{name:38} gender {figures['gender']:.1%} ± {figures['standard_error_gender']:.1%}"
        f"  20+ {figures['gender_20_and_older']:.1%}  ECE {figures['gender_calibration_error']:.3f}"
        f" | in band {figures['age_in_band']:.1%}  within 5 {figures['age_within_5']:.1%}"
        f"  mean {figures['mean_distance_years']:.1f}  50+ {figures['bias_50_and_older_years']:+.1f} years"
    )
    if not groups:
        return
    for step in figures["gender_reliability"]:
        print(f"    said {step['said']:.0%}, right {step['right']:.0%} ({step['share']:.0%} of faces)")
    for group, row in figures["groups"].items():
        print(
            f"    {group:>9}  gender {row['gender']:4.0%}  in band {row['age_in_band']:4.0%}"
            f"  within 5 {row['age_within_5']:4.0%}  bias {row['bias_years']:+6.1f}"
        )


def measure(folder: Path, *, nested: bool) -> dict[str, dict[str, Any]]:
    """Every model on every runtime and precision."""
    reference = look_at(folder, Way("onnxruntime", "float32"))
    seeds = range(_REPEATS)
    outcomes = {
        f"{net}, as published": score(reference.labels, [as_published(net, reference)]) for net in ("dlib", "faceres")
    }
    if nested:
        guesses = [cross_validated("pair", reference, reference, seed=s, recipes=_RECIPES) for s in seeds[:2]]
        outcomes["pair, recipe chosen inside"] = score(reference.labels, guesses)
    for way in ways(int8=True):
        looks = reference if str(way) == "onnxruntime float32" else look_at(folder, way)
        for model in MODELS:
            guesses = [cross_validated(model, reference, looks, seed=seed) for seed in seeds]
            outcomes[f"{model}, {way}"] = score(looks.labels, guesses)
    return outcomes


def main() -> None:
    parser = photographs_parser(__doc__)
    parser.add_argument("--results", help="what `streamer analyze FACES --json -` printed: a file, or - for stdin")
    parser.add_argument("--nested", action="store_true", help="also choose the recipe inside; takes minutes")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.results:
        labels = read_labels(options.faces)
        with sys.stdin if options.results == "-" else Path(options.results).open(encoding="utf-8") as file:
            found, guesses = read_results(file, labels)
        outcomes = {"results": score(found, [guesses])}
    else:
        outcomes = measure(options.faces, nested=options.nested)
    if options.json:
        print(json.dumps(outcomes, indent=2))
        return
    for name, figures in outcomes.items():
        show(name, figures, groups="openvino" not in name and "opencv" not in name)
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main()
