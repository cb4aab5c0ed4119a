"""Aligned chips: turned, scaled and cut so that a face's points come to lie on the template."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamer.inference.align import face_chip, similarity, upright_chip

# dlib's template, with its padding of 0.2, on a chip of one pixel
POINTS = (
    0.2 + np.array([(0.2255, 0.2160), (0.7548, 0.2160), (0.4901, 0.5156), (0.2541, 0.7802), (0.7261, 0.7802)])
) / 1.4


def face_at(x: float, y: float, *, size: float, degrees: float = 0) -> NDArray[np.float64]:
    """The landmarks of a face whose chip has its middle at x, y and this size in the picture."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points: NDArray[np.float64] = (POINTS - 0.5) * size @ turn.T + (x, y)
    return points


def moved(transform: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ transform[:, :2].T + transform[:, 2]


@given(
    st.floats(-500, 5000), st.floats(-500, 5000), st.floats(4, 2000), st.floats(-180, 180), st.sampled_from([32, 64])
)
def test_landmarks_of_any_face_come_to_lie_on_the_template(
    x: float, y: float, size: float, degrees: float, chip: int
) -> None:
    points = face_at(x, y, size=size, degrees=degrees)
    np.testing.assert_allclose(moved(similarity(points, chip), points), POINTS * chip, atol=1e-4)


def test_transform_never_mirrors() -> None:
    mirrored = face_at(100, 100, size=80) * (-1, 1) + (200, 0)
    assert np.linalg.det(similarity(mirrored, 64)[:, :2]) > 0


@pytest.mark.parametrize("points", [np.zeros((5, 2)), np.full((5, 2), np.nan), np.eye(5, 2) * 1e9])
def test_points_that_are_no_face_are_an_error(points: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="not the landmarks of a face"):
        similarity(points, 64)


def smooth_picture(size: int) -> NDArray[np.uint8]:
    """Square, BGR, slowly varying, no symmetry."""
    y, x = np.mgrid[0:size, 0:size] / size
    waves = [120 + 60 * np.sin(5 * x + 1), 120 + 60 * np.cos(4 * y + x), 120 + 50 * np.sin(6 * x * y)]
    return np.stack(waves, axis=2).astype(np.uint8)


@pytest.mark.parametrize("scale", [0.5, 1, 1.3, 2, 3.4, 4, 5.5, 9, 17])
def test_chip_shows_the_same_whatever_the_size_of_the_face(scale: float) -> None:
    chip = 64
    side = round(chip * scale)
    expected = cv2.resize(smooth_picture(1024), (chip, chip), interpolation=cv2.INTER_AREA).astype(int)
    picture = cv2.resize(smooth_picture(1024), (side, side), interpolation=cv2.INTER_AREA)
    # pixel (0, 0) of picture and chip show the same part of the scene; half a pixel of the one is another half of it
    points = POINTS * chip * (side / chip) + (side / chip - 1) / 2
    found = face_chip(picture, points, chip).astype(int)  # type: ignore[arg-type]
    assert np.abs(found - expected)[4:-4, 4:-4].max() <= 4


def test_fine_pattern_is_averaged_not_skipped() -> None:
    pixels = np.zeros((1200, 1200, 3), np.uint8)
    pixels[::2, ::2] = pixels[1::2, 1::2] = 255  # a checkerboard: 127 on average, 0 or 255 at any one place
    for size in (300, 700, 1100):
        chip = face_chip(pixels, face_at(600, 600, size=size), 64)
        assert abs(chip.astype(float) - 127.5).max() < 40


def test_turned_face_is_upright_in_its_chip() -> None:
    pixels = smooth_picture(600)
    upright = face_chip(pixels, face_at(300, 300, size=160), 64).astype(int)
    turn = cv2.getRotationMatrix2D((300, 300), -40, 1)
    turned = cv2.warpAffine(pixels, turn, (600, 600))
    again = face_chip(turned, face_at(300, 300, size=160, degrees=40), 64).astype(int)  # type: ignore[arg-type]
    assert np.abs(again - upright).max() <= 4


def test_what_lies_outside_is_filled_with_the_border() -> None:
    pixels = np.full((100, 100, 3), (10, 120, 250), np.uint8)
    chip = face_chip(pixels, face_at(0, 100, size=90), 64)
    assert (chip == (10, 120, 250)).all()


def test_face_wholly_outside_is_an_error() -> None:
    with pytest.raises(ValueError, match="outside"):
        face_chip(np.zeros((100, 100, 3), np.uint8), face_at(500, 500, size=60), 64)


@given(st.floats(-60, 160), st.floats(-60, 160), st.floats(2, 400), st.floats(-180, 180))
def test_any_face_that_touches_the_picture_gives_a_chip(x: float, y: float, size: float, degrees: float) -> None:
    pixels = np.full((97, 101, 3), 77, np.uint8)
    try:
        chip = face_chip(pixels, face_at(x, y, size=size, degrees=degrees), 32)
    except ValueError:
        return
    assert chip.shape == (32, 32, 3)
    assert (chip == 77).all()


def marked(turned: float) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.float64]]:
    """A picture with dots for eyes, turned by degrees about its middle; the box and the landmarks of its face."""
    face = face_at(150, 150, size=140, degrees=turned)
    pixels = np.full((300, 300, 3), 30, np.uint8)
    for x, y in face[:2]:
        cv2.circle(pixels, (round(x), round(y)), 6, (250, 250, 250), -1)
    return pixels, np.array([100.0, 90.0, 200.0, 210.0]), face


@pytest.mark.parametrize("turned", [-90, -30, 0, 30, 170])
def test_upright_chip_has_the_eyes_level_and_the_box_in_the_middle(turned: float) -> None:
    pixels, box, landmarks = marked(turned)
    chip = upright_chip(pixels, box, landmarks, 224)
    assert chip.shape == (224, 224, 3)
    (left, right) = sorted(cv2.connectedComponentsWithStats((chip[..., 0] > 120).astype(np.uint8))[3][1:].tolist())
    assert abs(left[1] - right[1]) < 2
    assert (left[0] + right[0]) / 2 == pytest.approx(111.5, abs=4)  # the template isn't symmetrical
    distance = float(np.hypot(*(landmarks[1] - landmarks[0])))
    assert right[0] - left[0] == pytest.approx(distance * 224 / 120, abs=2)  # the longer side of the box is 120


@pytest.mark.parametrize(
    ("box", "landmarks"),
    [
        ((0, 0, 0, 0), POINTS),
        ((0, 0, 50, 50), np.zeros((5, 2))),
        ((1000, 1000, 1100, 1100), face_at(1050, 1050, size=100)),
        ((-1e9, 0, 1e9, 50), face_at(50, 50, size=100)),
        ((np.nan, 0, 50, 50), face_at(50, 50, size=100)),
    ],
)
def test_upright_chip_of_nothing_is_an_error(box: tuple[float, ...], landmarks: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match="face"):
        upright_chip(np.zeros((100, 100, 3), np.uint8), np.array(box), landmarks, 224)
