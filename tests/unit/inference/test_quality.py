"""Which looks at a face are good."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamer.inference.quality import chip_quality, look_quality

# a face from the front, on a box of 1 × 1
FRONT = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.62), (0.35, 0.8), (0.65, 0.8)])


def quality(points: NDArray[np.float64] = FRONT, *, size: float = 100, score: float = 0.9) -> float:
    return look_quality(np.array([0, 0, size, size], np.float32), (points * size).astype(np.float32), score)


def turned(yaw: float) -> NDArray[np.float64]:
    """The face turned by so many degrees to its left; the nose stands out by 0.25, the mouth by 0.05."""
    depth = np.array([0, 0, 0.25, 0.05, 0.05])
    angle = np.radians(yaw)
    x = (FRONT[:, 0] - 0.5) * np.cos(angle) + depth * np.sin(angle) + 0.5
    return np.stack([x, FRONT[:, 1]], axis=1)


def test_large_frontal_sure_face_is_a_good_look() -> None:
    assert quality() > 0.95


def test_quality_falls_with_size() -> None:
    values = [quality(size=size) for size in (100, 60, 40, 24, 12)]
    assert values == sorted(values, reverse=True)
    assert values[-1] == 0
    assert values[2] < 0.6


def test_quality_falls_with_the_score() -> None:
    assert quality(score=0.9) > quality(score=0.7) > quality(score=0.55) > 0


@pytest.mark.parametrize("side", [1, -1])
def test_quality_falls_as_the_head_turns(side: int) -> None:
    values = [quality(turned(side * yaw)) for yaw in (0, 15, 30, 45, 70)]
    assert values == sorted(values, reverse=True)
    assert values[1] > 0.9
    assert values[3] < 0.6
    assert values[4] == pytest.approx(0.1)


def test_landmarks_that_were_not_seen_count_as_those_of_a_usual_face() -> None:
    box = np.array([0, 0, 100, 100], np.float32)
    assert quality(turned(70)) < look_quality(box, None, 0.9) < quality()


@given(st.floats(-60, 60))
def test_tilting_the_head_costs_nothing(degrees: float) -> None:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert quality((FRONT - 0.5) @ turn.T + 0.5) == pytest.approx(quality(), abs=1e-3)


@pytest.mark.parametrize(
    "points",
    [
        np.full((5, 2), 0.5),
        FRONT[[3, 4, 2, 0, 1]],  # upside down in its own frame: the mouth above the eyes
        np.full((5, 2), np.nan),
    ],
)
def test_landmarks_that_are_no_face_have_no_quality(points: NDArray[np.float64]) -> None:
    assert quality(points) == 0


@given(st.integers(0, 2**32 - 1))
def test_quality_lies_between_0_and_1(seed: int) -> None:
    rng = np.random.default_rng(seed)
    box, landmarks = rng.uniform(-100, 300, 4), rng.uniform(-100, 300, (5, 2))
    assert 0 <= look_quality(box, landmarks, float(rng.uniform(0, 1))) <= 1
    assert 0 <= chip_quality(rng.integers(0, 255, (64, 64, 3), np.uint8)) <= 1


def textured_chip() -> NDArray[np.uint8]:
    """Something with edges, as a face has."""
    chip = np.full((64, 64, 3), 150, np.uint8)
    for x, y in ((20, 24), (44, 24)):
        cv2.circle(chip, (x, y), 5, (40, 40, 40), -1)
    cv2.line(chip, (32, 26), (30, 42), (100, 100, 100), 2)
    cv2.line(chip, (22, 50), (42, 50), (60, 60, 90), 3)
    return chip


def test_sharp_and_well_lit_chip_is_good() -> None:
    assert chip_quality(textured_chip()) > 0.8


def test_blurred_chip_is_worse() -> None:
    chip = textured_chip()
    values = [chip_quality(cv2.GaussianBlur(chip, (0, 0), sigma)) for sigma in (0.3, 2, 5)]  # type: ignore[arg-type]
    assert values == sorted(values, reverse=True)
    assert values[2] < 0.6


@pytest.mark.parametrize("change", [lambda c: c * 0.08, lambda c: 255 - c * 0.05, lambda c: c * 0 + 128])
def test_chip_too_dark_too_bright_or_flat_is_bad(change: object) -> None:
    assert callable(change)
    assert chip_quality(change(textured_chip().astype(np.float32)).astype(np.uint8)) < 0.3
