"""How the speed benchmark judges what is found beside how fast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.benchmarks.throughput import agreement, summary


def boxes(*corners: float) -> NDArray[np.float32]:
    """Squares of 100 pixels."""
    return np.array([(x, 0, x + 100, 100) for x in corners], np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("reported", "reference", "recall", "precision"),
    [
        # a third off: half of the union is shared
        ([boxes(33)], [boxes(0)], 1.0, 1.0),
        # farther off: no longer the same face
        ([boxes(34)], [boxes(0)], 0.0, 0.0),
        # two boxes on one face: one of them is too many
        ([boxes(0, 5)], [boxes(0)], 1.0, 0.5),
        # one box between two faces counts once
        ([boxes(20)], [boxes(0, 40)], 0.5, 1.0),
        # a frame missed altogether, and one that is empty in both
        ([boxes(0), boxes(), boxes()], [boxes(0), boxes(0), boxes()], 0.5, 1.0),
        # nothing there, nothing reported
        ([boxes()], [boxes()], 1.0, 1.0),
    ],
)
def test_recall_and_precision_count_each_face_once(
    reported: list[NDArray[np.float32]], reference: list[NDArray[np.float32]], recall: float, precision: float
) -> None:
    assert agreement(reported, reference) == (recall, precision)


def test_the_summary_leaves_out_what_was_not_measured() -> None:
    reports: list[dict[str, Any]] = [{"times_plain": 2.0, "times_classic_faces": None}, {"times_plain": 8.0}]
    assert summary(reports) == {"times_plain": 4.0, "least_times_plain": 2.0}
