"""The small picture that detectors look at, and suppression."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamer.inference.boxes import Letterbox, nms, small_picture
from streamer.pictures.picture import ArrayPicture
from streamer.types import Detections

sizes = st.integers(1, 8000)


def faces(boxes: NDArray[np.float32], scores: NDArray[np.float32]) -> Detections:
    return Detections(boxes, scores, np.repeat(boxes[:, None, :2], 5, axis=1))


@st.composite
def heaps(draw: st.DrawFn) -> Detections:
    """Up to 40 faces, many of which overlap."""
    seed, count = draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 40))
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-20, 60, (count, 2))
    boxes = np.hstack([corner, corner + rng.uniform(0, 60, (count, 2))]).astype(np.float32)
    return faces(boxes, rng.choice(np.linspace(0, 1, 8), count).astype(np.float32))


def overlap(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, float(width)) * max(0.0, float(height))
    union = float((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])) - shared
    return shared / union if union else 0.0


@given(sizes, sizes, st.integers(32, 4096))
def test_letterbox_never_enlarges_and_keeps_its_bounds(width: int, height: int, widest: int) -> None:
    box = Letterbox.of(width, height, widest=widest)
    assert 1 <= box.width <= min(width, widest)
    assert 1 <= box.height <= min(height, 2 * widest)
    assert all(side % 32 == 0 for side in box.padded)
    assert 0 <= box.padded[0] - box.width < 32
    assert 0 <= box.padded[1] - box.height < 32


@given(sizes, sizes, st.integers(32, 4096), heaps())
def test_letterbox_round_trip_brings_every_face_back(width: int, height: int, widest: int, found: Detections) -> None:
    box = Letterbox.of(width, height, widest=widest)
    back = box.to_picture(box.to_small(found))
    np.testing.assert_allclose(back.boxes, found.boxes, atol=1e-2)
    np.testing.assert_allclose(back.landmarks, found.landmarks, atol=1e-2)


def test_corners_of_the_small_picture_are_corners_of_the_picture() -> None:
    box = Letterbox.of(1921, 1079, widest=640)
    whole = faces(np.array([[0, 0, box.width, box.height]], np.float32), np.ones(1, np.float32))
    np.testing.assert_allclose(box.to_picture(whole).boxes, [[0, 0, 1921, 1079]], rtol=1e-5)


@pytest.mark.parametrize("order", ["bgr", "rgb"])
def test_small_picture_holds_the_colours_in_order_and_zeros_as_padding(order: str) -> None:
    pixels = np.empty((50, 40, 3), np.uint8)
    pixels[:] = (10, 20, 30)
    blob, box = small_picture(ArrayPicture(pixels), widest=640, order=order)  # type: ignore[arg-type]
    assert blob.shape == (1, 3, 64, 64)
    assert blob.dtype == np.float32
    assert (box.width, box.height) == (40, 50)
    expected = [10, 20, 30] if order == "bgr" else [30, 20, 10]
    assert [plane[:50, :40].mean() for plane in blob[0]] == expected
    assert not blob[0, :, 50:].any()
    assert not blob[0, :, :, 40:].any()


@given(heaps(), st.floats(0, 1))
def test_nms_is_idempotent(found: Detections, limit: float) -> None:
    once = nms(found, limit)
    twice = nms(once, limit)
    np.testing.assert_array_equal(once.boxes, twice.boxes)
    np.testing.assert_array_equal(once.scores, twice.scores)


@given(heaps())
def test_nms_keeps_the_best_and_drops_only_what_overlaps_a_better_one(found: Detections) -> None:
    kept = nms(found, 0.3)
    assert (np.diff(kept.scores) <= 0).all()
    for i, box in enumerate(kept.boxes):
        assert all(overlap(box, other) <= 0.3 + 1e-5 for other in kept.boxes[:i])
    for box, score in zip(found.boxes, found.scores, strict=True):
        beside = [k for k, s in zip(kept.boxes, kept.scores, strict=True) if s >= score]
        assert any(overlap(box, k) > 0.3 - 1e-5 or (k == box).all() for k in beside)


def test_nms_of_nothing_is_nothing() -> None:
    assert len(nms(Detections.none(), 0.3)) == 0
