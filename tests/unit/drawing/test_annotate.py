"""Drawing: what labels say, that drawing stays within the picture, and that a hidden face stays hidden.

Everything drawn is drawn on BGR pixels and on the planes of a JPEG.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.drawing.annotate import annotate, blur_faces, draw_tracks, hide_faces, label_text
from streamer.drawing.canvas import Canvas
from streamer.pictures.picture import Pixels
from streamer.pictures.yuv import YuvPlanes
from streamer.types import Track

Paint = Callable[[Pixels, Callable[[Canvas], None]], Pixels]


def paint_bgr(picture: Pixels, draw: Callable[[Canvas], None]) -> Pixels:
    drawn = picture.copy()
    draw(Canvas.of_bgr(drawn))
    return drawn


def paint_planes(picture: Pixels, draw: Callable[[Canvas], None]) -> Pixels:
    y, v, u = cv2.split(cv2.cvtColor(picture, cv2.COLOR_BGR2YCrCb))
    height, width = y.shape
    u, v = (np.ascontiguousarray(part[::2, ::2], np.uint8) for part in (u, v))
    planes = YuvPlanes(np.asarray(y, np.uint8), u, v, "bt601", True)
    draw(Canvas.of_planes(planes))
    whole = [planes.y, *(part.repeat(2, 0).repeat(2, 1)[:height, :width] for part in (planes.v, planes.u))]
    return np.asarray(cv2.cvtColor(cv2.merge(whole), cv2.COLOR_YCrCb2BGR), np.uint8)


@pytest.fixture(params=[paint_bgr, paint_planes], ids=["bgr", "planes"])
def paint(request: pytest.FixtureRequest) -> Paint:
    """A picture as it looks after something was drawn on it; the picture itself is left as it is."""
    chosen: Paint = request.param
    return chosen


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
    st.sampled_from([paint_bgr, paint_planes]),
)
@settings(deadline=None, max_examples=80)
def test_any_track_can_be_drawn_on_any_picture(
    found: list[tuple[float, float, float, float, bool]], size: tuple[int, int], paint: Paint
) -> None:
    tracks = [
        track(i, (x, y, x + w, y + h), last_seen=10.0 if seen else 9.0) for i, (x, y, w, h, seen) in enumerate(found)
    ]

    def draw(canvas: Canvas) -> None:
        hide_faces(canvas, np.array([each.box for each in tracks], np.float32), scale=0.5)
        draw_tracks(canvas, tracks, at=10.0, scale=0.5)

    assert paint(np.full((size[1], size[0], 3), 90, np.uint8), draw).shape == (size[1], size[0], 3)


@pytest.mark.parametrize("background", [0, 128, 255])
def test_box_and_label_stand_out_from_any_background(paint: Paint, background: int) -> None:
    blank = np.full((360, 640, 3), background, np.uint8)
    picture = paint(blank, lambda canvas: draw_tracks(canvas, [track(**AGE)], at=10.0))
    edge = picture[140, 92:108].astype(int)  # across the left side of the box
    assert edge.max() - edge.min() > 150
    plate = picture[60:78, 100:150].astype(int)
    assert plate.max() - plate.min() > 150


def test_boxes_labels_and_hidden_faces_look_the_same_on_planes_as_on_bgr_pixels() -> None:
    tracks = [
        track(1, (31, 60, 130, 190), **AGE, gender="female", gender_confidence=0.9),
        track(2, (203, 81, 280, 180), **AGE, gender="male", gender_confidence=0.9, last_seen=9.0),
    ]

    def draw(canvas: Canvas) -> None:
        hide_faces(canvas, np.array([each.box for each in tracks], np.float32))
        draw_tracks(canvas, tracks, at=10.0)

    rows, columns = np.mgrid[0:241, 0:353]
    blank = np.stack([rows, columns // 2, 200 - rows // 2], axis=2).astype(np.uint8)
    apart = np.abs(paint_bgr(blank, draw).astype(int) - paint_planes(blank, draw)).max(axis=2)
    # Colour is had at half the resolution: beside a line it runs over by a pixel
    assert (apart > 24).mean() < 0.03
    assert apart.mean() < 3


def test_a_coasting_track_is_dashed(paint: Paint) -> None:
    blank = np.zeros((360, 640, 3), np.uint8)
    pictures = [
        paint(blank, lambda canvas, seen=seen: draw_tracks(canvas, [track(last_seen=seen)], at=10.0))  # type: ignore[misc]
        for seen in (10.0, 9.5)
    ]
    lit = [(picture[85:195, 100].max(axis=1) > 150).mean() for picture in pictures]
    assert lit[0] == 1.0
    assert 0.3 < lit[1] < 0.8


def test_faces_that_differ_look_alike_once_hidden(paint: Paint) -> None:
    rng = np.random.default_rng(1)
    hidden = []
    for _ in range(2):
        picture = np.full((200, 200, 3), 128, np.uint8)
        # two faces' worth of detail, with the same coarse shading
        picture[50:150, 50:150] = rng.integers(60, 196, (100, 100, 3))
        box = np.array([[50, 50, 150, 150]], np.float32)
        hidden.append(paint(picture, lambda canvas, box=box: hide_faces(canvas, box))[55:145, 55:145].astype(int))  # type: ignore[misc]
    assert np.abs(hidden[0] - hidden[1]).mean() < 6


def test_the_whole_box_is_hidden_and_the_rest_untouched(paint: Paint) -> None:
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[:, ::2] = 255
    box = np.array([[120, 80, 200, 180]], np.float32)
    before, after = paint(picture, lambda _: None), paint(picture, lambda canvas: hide_faces(canvas, box))
    changed = (after != before).any(axis=2)
    assert changed[80:180, 120:200].mean() > 0.98
    assert not changed[:, :95].any()
    assert not changed[:50].any()


def test_no_colour_of_a_hidden_face_is_left() -> None:
    picture = np.full((240, 320, 3), 128, np.uint8)
    picture[80:180] = np.where(
        np.arange(320)[:, None] // 2 % 2, (30, 30, 250), (128, 128, 128)
    )  # a pixel of colour each
    after = paint_planes(picture, lambda canvas: hide_faces(canvas, np.array([[120, 80, 200, 180]], np.float32)))
    red = after[80:180, 120:200].astype(int) @ [-1, 0, 1]
    # Smooth: what varies is shading, not dots
    assert np.abs(np.diff(red, axis=0)).max() < 12
    assert np.abs(np.diff(red, axis=1)).max() < 12


def test_arrays_are_drawn_on_in_place() -> None:
    picture = np.full((360, 640, 3), 90, np.uint8)
    annotate(picture, [track()], at=10.0)
    assert (picture != 90).any()
    flat = np.zeros((240, 320, 3), np.uint8)
    flat[:, ::2] = 255
    blur_faces(flat, np.array([[120, 80, 200, 180]], np.float32))
    assert 0 < flat[130, 160, 0] < 255


def test_no_faces_nothing_hidden(paint: Paint) -> None:
    picture = np.full((10, 10, 3), 7, np.uint8)
    assert (paint(picture, lambda canvas: hide_faces(canvas, np.zeros((0, 4), np.float32))) == 7).all()
