"""Printed faces keep their shape, living ones don't, whatever the camera does meanwhile."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.config import TrackingConfig
from streamer.tracking import Tracker
from streamer.tracking.stillness import Shape, Stillness, shape_change, shape_of
from streamer.types import Detections

FACE = [(-0.2, -0.15), (0.2, -0.15), (0.0, 0.05), (-0.15, 0.25), (0.15, 0.25)]
Motion = Callable[[float], complex]


def shape(*, noise: float = 0.0, turn: float = 0.0, chance: np.random.Generator | None = None) -> Shape:
    """A face whose nose is turned aside by `turn` of its size, with so much of noise on each coordinate."""
    points = [complex(x + (turn if y == 0.05 else turn / 2 if y > 0.2 else 0.0), y) for x, y in FACE]
    if chance is not None:
        points = [point + noise * complex(*chance.normal(size=2)) for point in points]
    return points


def watch(
    seconds: float, *, noise: float = 0.003, turn: Callable[[float], float] = lambda _: 0.0, fps: float = 10.0
) -> tuple[Stillness, float | None]:
    """A face looked at for so long; when it was told to be static, s."""
    chance, stillness, told = np.random.default_rng(1), Stillness(), None
    for k in range(round(seconds * fps)):
        stillness.add(shape(noise=noise, turn=turn(k / fps), chance=chance), k / fps)
        if stillness.static and told is None:
            told = k / fps
    return stillness, told


@pytest.mark.parametrize(("noise", "within"), [(0.0, 24), (0.003, 40), (0.006, 80), (0.012, 160)])
@pytest.mark.parametrize("fps", [5, 12, 25])
def test_a_shape_that_never_changes_is_static_the_sooner_the_less_noise_there_is(
    noise: float, within: float, fps: float
) -> None:
    _, told = watch(within, noise=noise, fps=fps)
    assert told is not None
    assert told >= 18


@pytest.mark.parametrize(
    "turn",
    [
        # looks aside now and then
        lambda t: 0.08 * (math.sin(t) > 0.5),
        # sits, and changes the pose every dozen seconds
        lambda t: 0.08 * (int(t / 12) % 2),
        # drifts, slowly
        lambda t: 0.06 * math.sin(t / 10),
    ],
)
def test_a_living_face_is_never_static(turn: Callable[[float], float]) -> None:
    assert watch(300, turn=turn)[1] is None


def test_somebody_who_came_and_then_keeps_still_for_minutes_is_no_picture() -> None:
    assert watch(120, turn=lambda t: 0.1 if t < 4 else 0.0, noise=0.001)[1] is None


def test_what_was_static_and_moves_is_static_no_longer() -> None:
    stillness, told = watch(90, turn=lambda t: 0.1 * (t > 80), noise=0.001)
    assert told is not None
    assert told < 80
    assert not stillness.static


def test_a_gap_is_no_time_of_stillness() -> None:
    stillness = Stillness()
    for k in range(30):
        stillness.add(shape(), k / 10)
    stillness.add(shape(), 1000.0)
    assert not stillness.static


@given(
    st.floats(0.3, 3), st.floats(-0.7, 0.7), st.complex_numbers(max_magnitude=2000, allow_nan=False), st.floats(10, 300)
)
@settings(max_examples=50, deadline=None)
def test_moving_turning_and_scaling_change_no_shape(scale: float, turn: float, place: complex, size: float) -> None:
    factor = size * scale * complex(math.cos(turn), math.sin(turn))
    moved = [factor * point + place for point in shape()]
    one = shape_of([(p.real, p.imag) for p in moved], size * scale)
    assert shape_change(one, shape_of(FACE, 1.0)) < 1e-6


def test_landmarks_in_one_place_are_no_error() -> None:
    stillness = Stillness()
    for k in range(300):
        stillness.add(shape_of([(5.0, 5.0)] * 5, 0.0), k / 10)


# --- in the tracker


def detections(at: float, move: Motion, *, turn: float = 0.0, score: float = 0.9, seen: bool = True) -> Detections:
    """One face, 80 pixels high, at 300, 200 and where it has moved to."""
    middle = complex(300, 200) + move(at)
    points = np.array([(p.real, p.imag) for p in shape(turn=turn)]) * 80 + (middle.real, middle.imag)
    box = np.array([[middle.real - 40, middle.imag - 40, middle.real + 40, middle.imag + 40]], np.float32)
    return Detections(box, np.array([score], np.float32), points[None].astype(np.float32), seen)


def shake(at: float) -> complex:
    return complex(12 * math.sin(7 * at), 8 * math.sin(11 * at + 1))


def test_a_poster_in_a_camera_that_shakes_is_static_and_says_so() -> None:
    tracker, told = Tracker(TrackingConfig()), None
    for k in range(300):
        (*faces,) = tracker.update(detections(k / 10, shake), k / 10).faces
        if told is None and any(face.static for face in faces):
            told = k / 10
    assert told is not None
    assert told < 25


def test_landmarks_that_a_detector_makes_up_tell_nothing() -> None:
    tracker = Tracker(TrackingConfig())
    for k in range(600):
        result = tracker.update(detections(k / 10, shake, seen=False), k / 10)
    assert not result.faces[0].static


def test_a_picture_found_again_is_static_at_once_and_a_person_in_its_place_is_not() -> None:
    tracker = Tracker(TrackingConfig())
    for k in range(300):
        tracker.update(detections(k / 10, lambda _: 0j), k / 10)
    for k in range(300, 350):
        tracker.update(Detections.none(), k / 10)
    for k in range(350, 356):
        result = tracker.update(detections(k / 10, lambda _: 2 + 1j), k / 10)
    assert [(face.id, face.static) for face in result.faces] == [(2, True)]
    for k in range(356, 400):
        tracker.update(Detections.none(), k / 10)
    for k in range(400, 406):
        result = tracker.update(detections(k / 10, lambda _: 0j, turn=0.15), k / 10)
    assert [(face.id, face.static) for face in result.faces] == [(3, False)]
