"""Out-of-focus faces end as unknown rather than wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer.tracking.smoothing import AttributeSmoother
from streamer.types import FaceReading
from tests.benchmarks.blur import measure
from tests.weights import weights


@pytest.mark.models
def test_the_more_a_face_is_blurred_the_more_is_unknown_and_the_less_is_wrong(shared: Path) -> None:
    for name in ("yunet", "dlib-age", "dlib-gender", "faceres"):
        weights(name)
    shares = list(measure(shared / "faces", (0.0, 0.02, 0.045), every=4).values())
    unknown, wrong = ([share[what] for share in shares] for what in ("unknown", "wrong"))
    assert unknown == sorted(unknown)
    assert unknown[-1] > 0.85
    assert wrong == sorted(wrong, reverse=True)
    assert wrong[-1] <= 0.03


def test_no_number_of_poor_looks_makes_up_for_a_good_one() -> None:
    smoother = AttributeSmoother()
    for k in range(60):
        poor = smoother.add(FaceReading(40.0, 8.0, p_female=0.8, quality=0.2), k)
    assert poor.gender == "unknown"
    assert poor.gender_confidence > 0.8
    good = smoother.add(FaceReading(40.0, 8.0, p_female=0.8, quality=0.6), 60)
    assert good.gender == "female"
