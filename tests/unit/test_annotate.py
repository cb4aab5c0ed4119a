"""Drawing: what labels say, that drawing stays within the picture, and that a hidden face stays hidden."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.annotate import annotate, blur_faces, label_text
from streamer.types import Track


def track(number: int = 3, box: tuple[float, float, float, float] = (100, 80, 200, 200), **changes: Any) -> Track:
    return Track(number, box, np.zeros((5, 2), np.float32), 0.9, 0.0, changes.pop("last_seen", 10.0), **changes)


AGE: dict[str, Any] = {"age": 28.0, "age_low": 24.6, "age_high": 31.7, "samples": 3}


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, "#3 ..."),
        (AGE, "#3 25-32"),
        ({**AGE, "gender": "female", "gender_confidence": 0.9}, "#3 female 25-32"),
        ({**AGE, "gender": "male", "gender_confidence": 0.9}, "#3 male 25-32"),
        ({**AGE, "gender": "male", "gender_confidence": 0.9, "static": True}, "#3 static"),
    ],
)
def test_a_label_says_what_is_known(known: dict[str, Any], expected: str) -> None:
    assert label_text(track(**known)) == expected


coordinate = st.floats(-3000, 5000)


@given(
    st.lists(st.tuples(coordinate, coordinate, st.floats(0, 4000), st.floats(0, 4000), st.booleans()), max_size=6),
    st.tuples(st.integers(1, 200), st.integers(1, 200)),
)
@settings(deadline=None, max_examples=60)
def test_any_track_can_be_drawn_on_any_picture(
    found: list[tuple[float, float, float, float, bool]], size: tuple[int, int]
) -> None:
    picture = np.full((size[1], size[0], 3), 90, np.uint8)
    tracks = [
        track(i, (x, y, x + w, y + h), last_seen=10.0 if seen else 9.0) for i, (x, y, w, h, seen) in enumerate(found)
    ]
    annotate(picture, tracks, at=10.0, scale=0.5)
    blur_faces(picture, np.array([each.box for each in tracks], np.float32), scale=0.5)
    assert picture.shape == (size[1], size[0], 3)


@pytest.mark.parametrize("background", [0, 128, 255])
def test_box_and_label_stand_out_from_any_background(background: int) -> None:
    picture = np.full((360, 640, 3), background, np.uint8)
    annotate(picture, [track(**AGE)], at=10.0)
    edge = picture[140, 92:108].astype(int)  # across the left side of the box
    assert edge.max() - edge.min() > 150
    plate = picture[60:78, 100:150].astype(int)
    assert plate.max() - plate.min() > 150


def test_a_coasting_track_is_dashed() -> None:
    seen, coasting = np.zeros((360, 640, 3), np.uint8), np.zeros((360, 640, 3), np.uint8)
    annotate(seen, [track()], at=10.0)
    annotate(coasting, [track(last_seen=9.5)], at=10.0)
    lit = [(picture[85:195, 100].max(axis=1) > 150).mean() for picture in (seen, coasting)]
    assert lit[0] == 1.0
    assert 0.3 < lit[1] < 0.8


def test_faces_that_differ_look_alike_once_hidden() -> None:
    rng = np.random.default_rng(1)
    hidden = []
    for _ in range(2):
        picture = np.full((200, 200, 3), 128, np.uint8)
        # two faces' worth of detail, with the same coarse shading
        picture[50:150, 50:150] = rng.integers(60, 196, (100, 100, 3))
        blur_faces(picture, np.array([[50, 50, 150, 150]], np.float32))
        hidden.append(picture[55:145, 55:145].astype(int))
    assert np.abs(hidden[0] - hidden[1]).mean() < 6


def test_the_whole_box_is_hidden_and_the_rest_untouched() -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[:, ::2] = 255
    before = picture.copy()
    blur_faces(picture, np.array([[120, 80, 200, 180]], np.float32))
    changed = (picture != before).any(axis=2)
    assert changed[80:180, 120:200].mean() > 0.98
    assert not changed[:, :95].any()
    assert not changed[:50].any()


def test_no_faces_nothing_hidden() -> None:
    picture = np.full((10, 10, 3), 7, np.uint8)
    blur_faces(picture, np.zeros((0, 4), np.float32))
    assert (picture == 7).all()
