"""Decoding of CenterFace's outputs, from outputs made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from streamer.errors import ModelError
from streamer.inference.centerface import decode_centerface
from streamer.inference.session import Outputs


def outputs(height: int = 8, width: int = 16) -> Outputs:
    """Of a net that sees nothing, in cells of 4 pixels."""
    channels = {"537": 1, "538": 2, "539": 2, "540": 10}
    return {name: np.zeros((1, count, height, width), np.float32) for name, count in channels.items()}


def test_cell_becomes_box_landmarks_and_score() -> None:
    made = outputs()
    made["537"][0, 0, 3, 5] = 0.8
    made["538"][0, :, 3, 5] = np.log(6), np.log(4)  # height, width
    made["539"][0, :, 3, 5] = 0.25, 0.125  # y, x
    made["540"][0, :, 3, 5] = np.arange(10) / 10  # y, x of each
    found = decode_centerface(made, 0.6)
    centre, size = np.array([5 + 0.125 + 0.5, 3 + 0.25 + 0.5]) * 4, np.array([4, 6]) * 4
    corner = centre - size / 2
    np.testing.assert_allclose(found.boxes, [[*corner, *(corner + size)]], rtol=1e-5)
    np.testing.assert_allclose(found.scores, [0.8])
    expected = corner + np.arange(10).reshape(5, 2)[:, ::-1] / 10 * size
    np.testing.assert_allclose(found.landmarks[0], expected, rtol=1e-5)


def test_nothing_above_the_threshold_is_no_face() -> None:
    made = outputs()
    made["537"][0, 0, 3, 5] = 0.59
    assert len(decode_centerface(made, 0.6)) == 0


def test_absurd_size_stays_a_finite_number() -> None:
    made = outputs()
    made["537"][0, 0, 0, 0] = 1
    made["538"][:] = 1000
    assert np.isfinite(decode_centerface(made, 0.6).boxes).all()


def test_scores_that_are_no_numbers_are_an_error() -> None:
    made = outputs()
    made["537"][0, 0, 0, 0] = np.nan
    with pytest.raises(ModelError, match="not numbers"):
        decode_centerface(made, 0.6)


def test_outputs_of_another_net_are_an_error() -> None:
    with pytest.raises(ModelError, match="has no output 537"):
        decode_centerface({"cls_8": np.zeros((1, 2), np.float32)}, 0.6)
