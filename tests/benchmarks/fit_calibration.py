"""Fits the calibration of age and gender to labelled photographs: python -m tests.benchmarks.fit_calibration [--write].

Prints what streamer/inference/calibration.yaml should hold; --write puts it there. How right the calibrated nets are on
faces that they were not fitted to is measured by tests.benchmarks.accuracy, with the functions of this module.

Age: the weights of the nets and the prior that make the labelled bands likeliest, held back towards a weight of a half
and no prior. Gender: logistic regression, held back towards no weight. All nets are looked at on onnxruntime in
float32, and their calibration is used for every runtime.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.optimize import minimize

import streamer.inference.calibration as ours
from streamer.inference.calibration import (
    RECIPE,
    YEARS,
    Calibration,
    Recipe,
    Said,
    age_density,
    age_evidence,
    gender_evidence,
    medians,
)
from tests.benchmarks.looks import MODELS, look_at
from tests.benchmarks.machine import SHARED, Way
from tests.benchmarks.photographs import Label

__all__ = ["fit", "in_band", "loss"]

Array = NDArray[np.float64]

_AGE_HELD_BACK = 0.5  # strength, against the log-likelihood of all faces
_GENDER_HELD_BACK = 1.0


def fit(said: Sequence[Said], labels: Sequence[Label], recipe: Recipe = RECIPE) -> Calibration:
    """The calibration of these nets that suits these faces."""
    evidence, bands = age_evidence(said, recipe), in_band(labels)
    start = np.array([0.5] * len(said) + [0.0, 0.0])

    def age_loss(numbers: Array) -> float:
        likelihood = (age_density(evidence, numbers) * bands).sum(axis=1)
        return float(-np.log(likelihood + 1e-9).sum() + _AGE_HELD_BACK / 2 * ((numbers - start) ** 2).sum())

    age: Array = minimize(age_loss, start).x
    columns = gender_evidence(said, medians(age_density(evidence, age)), recipe)
    scale = columns.std(axis=0) + 1e-9
    signs = np.array([1.0 if label.gender == "f" else -1.0 for label in labels])

    def gender_loss(numbers: Array) -> float:
        odds = numbers[0] + columns / scale @ numbers[1:]
        return float(np.logaddexp(0, -signs * odds).sum() + _GENDER_HELD_BACK / 2 * (numbers[1:] ** 2).sum())

    gender: Array = minimize(gender_loss, np.zeros(columns.shape[1] + 1)).x
    weights = [gender[0], *(gender[1:] / scale)]
    return Calibration(age=tuple(round(float(n), 4) for n in age), gender=tuple(round(float(n), 4) for n in weights))


def in_band(labels: Sequence[Label]) -> Array:
    """(N, 100): 1 where a year of life lies in the labelled band."""
    return np.array([(label.age_min < YEARS) & (label.age_max + 1 > YEARS) for label in labels], np.float64)


def loss(calibration: Calibration, said: Sequence[Said], labels: Sequence[Label], recipe: Recipe) -> float:
    """How surprising the labels are, per face: -log of the probability of the band, plus that of the gender."""
    density = age_density(age_evidence(said, recipe), np.array(calibration.age))
    ages = -np.log((density * in_band(labels)).sum(axis=1) + 1e-9)
    _, _, p_female = calibration.read(said, np.ones(len(labels)), recipe)
    right = np.where([label.gender == "f" for label in labels], p_female, 1 - p_female)
    return float(np.mean(ages - np.log(right)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, default=SHARED / "faces", help="folder with photographs and labels.csv")
    parser.add_argument("--data", default="FairFace (CC BY 4.0), 10 photographs for each age band and sex")
    parser.add_argument("--write", action="store_true", help="into streamer/inference/calibration.yaml")
    options = parser.parse_args()
    looks = look_at(options.faces, Way("onnxruntime", "float32"))
    document: dict[str, Any] = {
        "fitted": {
            "on": f"{len(looks.names)} faces: {options.data}",
            "date": dt.datetime.now(dt.UTC).date(),
        },
        "models": {
            model: {key: list(numbers) for key, numbers in fit(looks.of(model), looks.labels).model_dump().items()}
            for model in MODELS
        },
    }
    text = (
        "# Made by python -m tests.benchmarks.fit_calibration --write; streamer.inference.calibration says what each\n"
    )
    text += (
        "# number is. age: a weight for each net, slope and curve of the prior; gender: offset, nets, being a child.\n"
    )
    text += yaml.safe_dump(document, sort_keys=False, default_flow_style=None)
    print(text, end="")
    if options.write:
        Path(ours.__file__).with_name("calibration.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
