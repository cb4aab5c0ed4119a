"""Tracks made of photographs: what a single look gets right against what is settled on after several of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.config import InferenceConfig
from streamer.inference.attributes import open_attribute_model
from streamer.inference.detectors import open_detector
from streamer.picture import ArrayPicture, Pixels
from streamer.tracking.smoothing import AttributeEstimate, AttributeSmoother, View
from streamer.types import FaceReading
from tests.benchmarks.machine import SHARED, model_store, models_config, read_picture
from tests.benchmarks.photographs import Label, central, read_labels

__all__ = ["jittered", "main"]

LOOKS = 10
EVERY = 0.4  # s


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
    """A photograph's truth, the single looks at it, and what is settled on."""

    label: Label
    readings: list[FaceReading]
    estimate: AttributeEstimate


def looks(pictures: int, seed: int) -> Iterator[MadeUp]:
    """One made-up track after the other."""
    config, store, chance = models_config(), model_store(), np.random.default_rng(seed)
    detector, attributes = open_detector(config, InferenceConfig(workers=1), store), open_attribute_model(config, store)
    assert attributes is not None
    labels = read_labels(SHARED / "faces")
    for name in chance.permutation(sorted(labels))[:pictures]:
        picture = read_picture(SHARED / "faces" / str(name))
        smoother, readings = AttributeSmoother(), []
        for k in range(LOOKS):
            seen = jittered(picture, chance)
            faces = detector.detect(ArrayPicture(seen))
            if not len(faces):
                continue
            face = faces.select(np.array([central(faces.boxes, seen.shape[1], seen.shape[0])]))
            (reading,) = attributes.read(seen, face)
            if reading.quality > 0:
                view = View.of(tuple(face.boxes[0].tolist()), face.landmarks[0])
                smoother.add(reading, k * EVERY, view)
                readings.append(reading)
        if readings:
            yield MadeUp(labels[str(name)], readings, smoother.estimate)


def measure(pictures: int, seed: int) -> dict[str, Any]:
    """All figures. A gender is right if the likelier one is; it is told where it is sure enough."""
    single: list[tuple[bool, bool, float]] = []  # right, told (surer than a track has to be), years off
    settled: list[tuple[bool, bool, float]] = []
    for label, readings, estimate in looks(pictures, seed):
        female = label.gender == "f"
        for reading in readings:
            sure = max(reading.p_female, 1 - reading.p_female) >= 0.75
            single.append(((reading.p_female >= 0.5) == female, sure, abs(label.distance(reading.age))))
        right = (estimate.p_female >= 0.5) == female
        settled.append((right, estimate.gender != "unknown", abs(label.distance(estimate.age or 0.0))))
    return {"tracks": len(settled), "looks": len(single), "single": _shares(single), "settled": _shares(settled)}


def _shares(rows: list[tuple[bool, bool, float]]) -> dict[str, float]:
    right, told, years = (np.array(column) for column in zip(*rows, strict=True))
    of_told: NDArray[np.bool_] = right[told]
    return {
        "gender_right": round(float(right.mean()), 3),
        "gender_right_of_told": round(float(of_told.mean()), 3) if len(of_told) else 0.0,
        "gender_unknown": round(float(1 - told.mean()), 3),
        "gender_told_and_wrong": round(float((told & ~right).mean()), 3),
        "age_within_5": round(float((years <= 5).mean()), 3),
        "mean_distance_years": round(float(years.mean()), 2),
    }


def main(pictures: int, *, seed: int, as_json: bool) -> int:
    """Print the figures."""
    figures = measure(pictures, seed)
    if as_json:
        print(json.dumps(figures, indent=2))
        return 0
    print(f"{figures['tracks']} tracks of {LOOKS} looks each at a photograph, {figures['looks']} looks in all")
    for name in ("single", "settled"):
        row = figures[name]
        print(
            f"  {name:>8}: gender right {row['gender_right']:.1%}, of those told {row['gender_right_of_told']:.1%}, "
            f"unknown {row['gender_unknown']:.1%}, told and wrong {row['gender_told_and_wrong']:.1%}; "
            f"age within 5 years {row['age_within_5']:.1%}, mean distance {row['mean_distance_years']} years"
        )
    return 0
