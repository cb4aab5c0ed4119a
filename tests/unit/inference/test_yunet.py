"""Decoding of YuNet's outputs, from outputs made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from streamer.errors import ModelError
from streamer.inference.session import Outputs
from streamer.inference.yunet import decode_yunet


def outputs(width: int = 64, height: int = 32) -> Outputs:
    """Of a net that sees nothing."""
    made: Outputs = {}
    for stride in (8, 16, 32):
        cells = (width // stride) * (height // stride)
        for name, columns in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            made[f"{name}_{stride}"] = np.zeros((1, cells, columns), np.float32)
    return made


def test_cell_becomes_box_landmarks_and_score() -> None:
    made = outputs()
    cell = 1 * (64 // 16) + 2  # row 1, column 2 of stride 16
    made["cls_16"][0, cell] = 0.81
    made["obj_16"][0, cell] = 1.0
    made["bbox_16"][0, cell] = (0.5, 0.25, np.log(2), np.log(1.5))
    made["kps_16"][0, cell] = np.arange(10) / 10
    found = decode_yunet(made, 64, 0.6)
    centre, size = np.array([2.5, 1.25]) * 16, np.array([2, 1.5]) * 16
    np.testing.assert_allclose(found.boxes, [[*(centre - size / 2), *(centre + size / 2)]], rtol=1e-5)
    np.testing.assert_allclose(found.scores, [0.9], rtol=1e-5)
    np.testing.assert_allclose(found.landmarks[0], (np.arange(10).reshape(5, 2) / 10 + (2, 1)) * 16, rtol=1e-5)


@pytest.mark.parametrize(("cls", "obj", "counts"), [(0.36, 1, True), (0.35, 1, False), (1, 0, False), (1.2, 9, True)])
def test_score_is_the_root_of_both_probabilities_clipped(cls: float, obj: float, counts: bool) -> None:
    made = outputs()
    made["cls_8"][0, 0], made["obj_8"][0, 0] = cls, obj
    found = decode_yunet(made, 64, 0.6)
    assert (len(found) == 1) is counts
    assert (found.scores <= 1).all()


def test_absurd_size_stays_a_finite_number() -> None:
    made = outputs()
    made["cls_8"][0, 0] = made["obj_8"][0, 0] = 1
    made["bbox_8"][0, 0] = (0, 0, 1000, 1000)
    assert np.isfinite(decode_yunet(made, 64, 0.6).boxes).all()


def test_scores_that_are_no_numbers_are_an_error() -> None:
    made = outputs()
    made["cls_32"][0, 0] = np.nan
    with pytest.raises(ModelError, match="not numbers"):
        decode_yunet(made, 64, 0.6)


def test_outputs_of_another_net_are_an_error() -> None:
    with pytest.raises(ModelError, match="has no output cls_8"):
        decode_yunet({"probabilities": np.zeros((1, 2), np.float32)}, 64, 0.6)
