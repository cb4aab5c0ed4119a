"""Age and gender of labelled photographs are as right as the model card says, on faces that nothing was fitted to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from streamer.inference.calibration import calibration_of
from tests.benchmarks.accuracy import cross_validated, score
from tests.benchmarks.fit_calibration import fit
from tests.benchmarks.looks import MODELS, Looks, look_at
from tests.benchmarks.machine import Way
from tests.weights import weights

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def looks(shared: Path) -> Looks:
    for name in ("yunet", "dlib-age", "dlib-gender", "faceres"):
        weights(name)
    return look_at(shared / "faces", Way("onnxruntime", "float32"))


def test_every_photograph_shows_a_face(looks: Looks) -> None:
    assert looks.missed == []


@pytest.mark.parametrize("model", MODELS)
def test_the_shipped_calibration_is_the_one_that_these_photographs_give(looks: Looks, model: str) -> None:
    shipped, fitted = calibration_of(model), fit(looks.of(model), looks.labels)
    np.testing.assert_allclose(shipped.age, fitted.age, atol=0.01)
    np.testing.assert_allclose(shipped.gender, fitted.gender, atol=0.01)


def test_age_gender_and_confidence_hold_on_faces_left_out_of_the_fit(looks: Looks) -> None:
    figures = score(looks.labels, [cross_validated("pair", looks, looks, seed=seed) for seed in (0, 1)])
    assert figures["gender"] >= 0.86
    assert figures["gender_20_and_older"] >= 0.91
    assert figures["gender_calibration_error"] <= 0.05
    assert figures["age_within_5"] >= 0.78
    assert figures["bias_50_and_older_years"] >= -4
    assert figures["age_range_touches_band"] >= 0.85
