"""The motion model: seconds, not frames; sizes, not pixels."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.tracking.motion import BoxMotion, TimeStep, measure

BOX = (80.0, 150.0, 140.0, 230.0)
seconds = st.floats(0.001, 1.0)


def moving(speed: float, *, fps: float = 20, frames: int = 20, size: float = 60) -> BoxMotion:
    """A square box that has moved to the right at this speed, in pixels a second; it ends around 0."""
    motion = BoxMotion(measure((-size / 2, 0, size / 2, size)))
    for k in range(1, frames + 1):
        motion.predict(TimeStep(1 / fps))
        x = speed * k / fps
        motion.correct(measure((x - size / 2, 0, x + size / 2, size)))
    return motion


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4), st.floats(0.1, 5e3), st.floats(0.1, 5e3))  # x0, y0, width, height
@settings(max_examples=50, deadline=None)
def test_a_box_comes_back_as_it_was_found(x: float, y: float, width: float, height: float) -> None:
    box = (x, y, x + width, y + height)
    assert BoxMotion(measure(box)).box == pytest.approx(box, abs=1e-6)


def test_a_box_without_extent_is_taken() -> None:
    x0, y0, x1, y1 = BoxMotion(measure((5.0, 5.0, 5.0, 5.0))).box
    assert 0 < x1 - x0 <= 0.011
    assert 0 < y1 - y0 <= 0.011


@given(seconds, seconds)
@settings(max_examples=50, deadline=None)  # a loaded machine is no failure
def test_two_steps_are_one(first: float, second: float) -> None:
    one, two = moving(90), moving(90)
    one.predict(TimeStep(first + second))
    two.predict(TimeStep(first))
    two.predict(TimeStep(second))
    assert one.box == pytest.approx(two.box, rel=1e-6)
    assert one.variance == pytest.approx(two.variance, rel=1e-4)


@pytest.mark.parametrize("fps", [5, 10, 25, 60])
@pytest.mark.parametrize("speed", [-200, 30, 120])
def test_a_steady_walk_is_foreseen(fps: int, speed: float) -> None:
    motion = moving(speed, fps=fps, frames=2 * fps)
    x0, _, x1, _ = motion.box
    motion.predict(TimeStep(0.2))
    new_x0, _, new_x1, _ = motion.box
    assert (new_x0 + new_x1 - x0 - x1) / 2 == pytest.approx(0.2 * speed, rel=0.2)


def test_uncertainty_grows_while_unseen_and_shrinks_when_found() -> None:
    motion = moving(50)
    known = motion.variance
    motion.predict(TimeStep(0.5))
    unseen = motion.variance
    motion.correct(motion.expected)
    assert all(later > before for later, before in zip(unseen, known, strict=True))
    assert all(later < before for later, before in zip(motion.variance, unseen, strict=True))


@given(st.floats(0.2, 20))
@settings(max_examples=50, deadline=None)  # a loaded machine is no failure
def test_a_face_twice_as_near_is_followed_alike(scale: float) -> None:
    near, far = moving(60 * scale, size=60 * scale), moving(60, size=60)
    assert near.variance == pytest.approx(far.variance)
    assert near.box == pytest.approx([scale * v for v in far.box], rel=1e-6, abs=1e-6)


def test_a_box_does_not_grow_for_ever_while_unseen() -> None:
    motion = BoxMotion(measure(BOX))
    for k in range(1, 20):
        motion.predict(TimeStep(0.05))
        grown = 1.05**k
        motion.correct(measure((110 - 30 * grown, 190 - 40 * grown, 110 + 30 * grown, 190 + 40 * grown)))
    before = motion.box[2] - motion.box[0]
    motion.predict(TimeStep(60))
    assert motion.box[2] - motion.box[0] < 2 * before
