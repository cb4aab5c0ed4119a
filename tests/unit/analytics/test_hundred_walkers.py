"""A hundred walkers with a known truth; `python -m tests.benchmarks.footfall` has the whole grid."""

from __future__ import annotations

import pytest

from streamer.config import InferenceConfig, ModelsConfig
from streamer.inference.detectors import open_detector
from tests.composed import cut_out, real
from tests.walkers import Noise, count, made_up, make_walkers
from tests.weights import model_store, weights


@pytest.mark.parametrize(("fps", "removed"), [(10, 0.0), (10, 0.1), (25, 0.1)])
def test_of_a_hundred_walkers_at_most_two_in_a_hundred_visits_and_crossings_are_missed_or_phantoms(
    fps: float, removed: float
) -> None:
    walkers = make_walkers(seed=0)
    counted = count(walkers, made_up(walkers, fps=fps, removed=removed, noise=Noise(), seed=0))
    assert counted.crossings_true > 80
    assert counted.error <= 0.02, counted
    assert abs(counted.visits - counted.visits_true) <= 0.02 * counted.visits_true, counted
    assert len({event.key for event in counted.events}) == len(counted.events)


def test_of_a_dozen_walkers_with_real_faces_the_real_detector_makes_the_right_counts() -> None:
    photograph = weights("demo-crowd")
    detector = open_detector(ModelsConfig(), InferenceConfig(workers=1), model_store())
    walkers = make_walkers(seed=3, number=12, apart=1.2)
    looks = real(walkers, cut_out(photograph, detector), detector, fps=10, removed=0.1, seed=3)
    counted = count(walkers, looks, confirm_score=detector.confirm_score)
    assert (counted.visits, counted.missed, counted.phantom) == (12, 0, 0), counted
