"""What becomes of out-of-focus faces: python -m tests.benchmarks.blur [--json].

Blurs labelled photographs by ever larger shares of a face's width, adds a little noise as a sensor would, and says of
how many the gender is told right, told wrong, called unknown, or no face is found.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from streamer.config import InferenceConfig, TrackingConfig
from streamer.inference.attributes import open_attribute_model
from streamer.inference.detectors import open_detector
from streamer.inference.still import StillAnalyzer
from streamer.pictures.picture import Pixels
from tests.benchmarks.machine import Way, model_store, models_config, read_picture
from tests.benchmarks.photographs import central, photographs_parser, read_labels

__all__ = ["BLURS", "blurred", "measure"]

BLURS = (0.0, 0.01, 0.02, 0.03, 0.045, 0.06, 0.08)
"""Standard deviations, in widths of the face."""


def measure(folder: Path, blurs: Sequence[float] = BLURS, *, every: int = 1) -> dict[float, dict[str, float]]:
    """Shares of the photographs (every so manieth) in which a face is found when sharp, for each blur."""
    config, store = models_config(Way("onnxruntime", "float32")), model_store()
    detector, attributes = open_detector(config, InferenceConfig(), store), open_attribute_model(config, store)
    analyzer = StillAnalyzer(detector, attributes, TrackingConfig())
    labels = list(read_labels(folder).items())[::every]
    counts = {blur: dict.fromkeys(("right", "wrong", "unknown", "not_found"), 0) for blur in blurs}
    faces = 0
    for name, label in labels:
        sharp = read_picture(folder / name)
        found = analyzer.find(sharp).detections
        if not len(found):
            continue
        faces += 1
        box = found.boxes[central(found.boxes, sharp.shape[1], sharp.shape[0])]
        for blur in blurs:
            result = analyzer.analyze(name, blurred(sharp, blur * float(box[2] - box[0])))
            if not result.tracks:
                counts[blur]["not_found"] += 1
                continue
            boxes = np.array([track.box for track in result.tracks], np.float32)
            gender = result.tracks[central(boxes, sharp.shape[1], sharp.shape[0])].gender
            truth = "female" if label.gender == "f" else "male"
            counts[blur]["unknown" if gender == "unknown" else "right" if gender == truth else "wrong"] += 1
    return {blur: {what: round(n / faces, 3) for what, n in row.items()} for blur, row in counts.items()}


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    """Out of focus, and with a little noise. sigma: pixels."""
    if sigma <= 0:
        return pixels
    soft = cv2.GaussianBlur(pixels, (0, 0), sigma)
    noise = np.random.default_rng(0).normal(0, 1.5, soft.shape)
    noisy: Pixels = np.clip(soft + noise, 0, 255).astype(np.uint8)
    return noisy


def main() -> None:
    options = photographs_parser(__doc__).parse_args()
    cv2.setNumThreads(1)
    outcomes = measure(options.faces)
    print(json.dumps(outcomes, indent=2) if options.json else "\n".join(_row(*outcome) for outcome in outcomes.items()))


def _row(blur: float, shares: dict[str, float]) -> str:
    return f"blur {blur:5.1%}  " + "  ".join(f"{what} {share:5.1%}" for what, share in shares.items())


if __name__ == "__main__":
    main()
