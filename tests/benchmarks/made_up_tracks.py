"""Tracks made of photographs: what a single look gets right against what is settled on after several of them.

By cross-validation: each photograph is read with a calibration that was fitted to others. The looks at it are taken one
by one, in twos, in threes and so on, each lot as a track of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.config import InferenceConfig, TrackingConfig
from streamer.inference.calibrated import CalibratedAttributes
from streamer.inference.detector import Detector
from streamer.inference.detectors import open_detector
from streamer.pictures.picture import ArrayPicture, Pixels
from streamer.tracking.smoothing import LEAST_QUALITY, AttributeEstimate, AttributeSmoother, View
from streamer.types import Detections, FaceReading
from tests.benchmarks.accuracy import folds, reliability
from tests.benchmarks.blur import blurred
from tests.benchmarks.fit_calibration import fit
from tests.benchmarks.looks import look_at, open_nets
from tests.benchmarks.machine import SHARED, Way, model_store, models_config, read_picture
from tests.benchmarks.photographs import Label, central, read_labels

__all__ = ["jittered", "main"]

LOOKS = 10
EVERY = 0.4  # s
SETTLED_AFTER = (1, 2, 3, 5, LOOKS)  # looks
_WAY = Way("onnxruntime", "float32")
_FOLDS = 10
_DEMANDED = TrackingConfig().min_gender_confidence


def jittered(picture: Pixels, chance: np.random.Generator) -> Pixels:
    """The photograph as a camera might see it once: moved, turned, smaller, blurred, lit otherwise, compressed."""
    height, width = picture.shape[:2]
    scale = float(chance.uniform(0.3, 1.0))
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(chance.normal(0, 6)), scale)
    turn[:, 2] += chance.normal(0, 0.04, 2) * np.array([width, height])
    seen = cv2.warpAffine(picture, turn, (width, height), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT)
    seen = cv2.GaussianBlur(seen, (0, 0), max(0.1, float(abs(chance.normal(0, 1.2)))))
    light = float(np.exp(chance.normal(0, 0.25)))
    seen = np.clip(seen.astype(np.float32) * light + chance.normal(0, 4, seen.shape), 0, 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, int(chance.integers(25, 80))])[1]
    return cv2.imdecode(coded, cv2.IMREAD_COLOR)  # type: ignore[return-value]


class MadeUp(NamedTuple):
    """A photograph's truth, and the single looks at it."""

    label: Label
    looks: list[tuple[FaceReading, View]]

    def settled(self, count: int) -> Iterator[AttributeEstimate]:
        """What is known after each lot of so many looks; all in one where there are fewer."""
        count = min(count, len(self.looks))
        for start in range(0, len(self.looks) - count + 1, count):
            smoother = AttributeSmoother(min_gender_confidence=_DEMANDED)
            for k, (reading, view) in enumerate(self.looks[start : start + count]):
                smoother.add(reading, k * EVERY, view)
            yield smoother.estimate


def readers(seed: int) -> dict[str, CalibratedAttributes]:
    """Both nets for each photograph, calibrated on the nine tenths that it isn't among."""
    looks, nets = look_at(SHARED / "faces", _WAY), open_nets(_WAY)
    part = folds(looks.labels, _FOLDS, seed)
    calibrated = []
    for number in range(_FOLDS):
        others = np.flatnonzero(part != number)
        calibration = fit(looks.of("pair", others), [looks.labels[i] for i in others])
        calibrated.append(CalibratedAttributes("pair", list(nets.values()), calibration))
    return {name: calibrated[number] for name, number in zip(looks.names, part, strict=True)}


def tracks(pictures: int, seed: int, blur: float) -> Iterator[MadeUp]:
    """One made-up track after the other; photographs that run out are taken again. blur: see `blur.BLURS`."""
    chance, labels, reader_of = np.random.default_rng(seed), read_labels(SHARED / "faces"), readers(seed)
    detector = open_detector(models_config(_WAY), InferenceConfig(workers=1), model_store())
    for name in np.resize(chance.permutation(sorted(reader_of)), pictures):
        picture = read_picture(SHARED / "faces" / str(name))
        made_up = MadeUp(labels[str(name)], [])
        for _ in range(LOOKS):
            seen = jittered(picture, chance)
            face = _central_face(detector, seen)
            if blur and len(face):
                seen = blurred(seen, blur * float(face.boxes[0, 2] - face.boxes[0, 0]))
                face = _central_face(detector, seen)
            if not len(face):
                continue
            (reading,) = reader_of[str(name)].read(seen, face)
            if reading.quality >= LEAST_QUALITY:
                made_up.looks.append((reading, View.of(tuple(face.boxes[0].tolist()), face.landmarks[0])))
        if made_up.looks:
            yield made_up


def _central_face(detector: Detector, pixels: Pixels) -> Detections:
    """The face that is meant, or none."""
    faces = detector.detect(ArrayPicture(pixels))
    return faces.select(np.array([central(faces.boxes, pixels.shape[1], pixels.shape[0])])) if len(faces) else faces


class Guess(NamedTuple):
    """Of one look, or of a track so far."""

    female: bool
    p_female: float
    told: bool
    years_off: float


def measure(pictures: int, seed: int, blur: float) -> dict[str, Any]:
    """All figures. A gender is right if the likelier one is; a track tells it where it is sure enough."""
    single: list[Guess] = []  # told: as sure as a track has to be
    settled: dict[int, list[Guess]] = {count: [] for count in SETTLED_AFTER}
    for made_up in tracks(pictures, seed, blur):
        label = made_up.label
        female = label.gender == "f"
        for reading, _ in made_up.looks:
            told = max(reading.p_female, 1 - reading.p_female) >= _DEMANDED
            single.append(Guess(female, reading.p_female, told, abs(label.distance(reading.age))))
        for count, guesses in settled.items():
            for estimate in made_up.settled(count):
                assert estimate.age is not None
                told, years_off = estimate.gender != "unknown", abs(label.distance(estimate.age))
                guesses.append(Guess(female, estimate.p_female, told, years_off))
    return {
        "tracks": len(settled[LOOKS]),
        "looks": len(single),
        "single": _shares(single),
        "settled": {count: _shares(guesses) for count, guesses in settled.items()},
    }


def _shares(guesses: list[Guess]) -> dict[str, float]:
    female, p_female, told, years = (np.array(column) for column in zip(*guesses, strict=True))
    right: NDArray[np.bool_] = (p_female >= 0.5) == female
    return {
        "gender_right": round(float(right.mean()), 3),
        "gender_right_of_told": round(float(right[told].mean()), 3) if told.any() else 0.0,
        "gender_unknown": round(float(1 - told.mean()), 3),
        "gender_told_and_wrong": round(float((told & ~right).mean()), 3),
        "gender_calibration_error": reliability(p_female, right)["gender_calibration_error"],
        "age_within_5": round(float((years <= 5).mean()), 3),
        "mean_distance_years": round(float(years.mean()), 2),
    }


def main(pictures: int, *, seed: int, blur: float, as_json: bool) -> int:
    """Print the figures."""
    figures = measure(pictures, seed, blur)
    if as_json:
        print(json.dumps(figures, indent=2))
        return 0
    print(f"{figures['tracks']} tracks of {LOOKS} looks each at a photograph, {figures['looks']} looks in all")
    _print_row("a single look", figures["single"])
    for count, row in figures["settled"].items():
        _print_row(f"after {count}", row)
    return 0


def _print_row(name: str, row: dict[str, float]) -> None:
    print(
        f"  {name:>13}: gender right {row['gender_right']:.1%}, of those told {row['gender_right_of_told']:.1%}, "
        f"unknown {row['gender_unknown']:.1%}, told and wrong {row['gender_told_and_wrong']:.1%}, "
        f"calibration error {row['gender_calibration_error']:.3f}; "
        f"age within 5 years {row['age_within_5']:.1%}, mean distance {row['mean_distance_years']} years"
    )
