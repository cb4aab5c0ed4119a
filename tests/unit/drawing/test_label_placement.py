"""Labels: inside the picture, overlapping no other, beside their box where they can be."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.drawing.label_placement import Rect, place_labels

PICTURE = (640, 360)


def boxes() -> st.SearchStrategy[Rect]:
    corner = st.tuples(st.integers(-50, 680), st.integers(-50, 400))
    size = st.tuples(st.integers(1, 300), st.integers(1, 300))
    return st.builds(lambda c, s: Rect(c[0], c[1], c[0] + s[0], c[1] + s[1]), corner, size)


labels = st.lists(st.tuples(boxes(), st.tuples(st.integers(10, 220), st.integers(8, 40))), max_size=25)


def inside(place: Rect) -> bool:
    return 0 <= place.x0 < place.x1 <= PICTURE[0] and 0 <= place.y0 < place.y1 <= PICTURE[1]


@given(labels)
@settings(deadline=None)
def test_labels_lie_inside_and_overlap_no_other(wanted: list[tuple[Rect, tuple[int, int]]]) -> None:
    places = place_labels([box for box, _ in wanted], [size for _, size in wanted], PICTURE)
    found = [place for place in places if place is not None]
    assert all(inside(place) for place in found)
    assert not any(a.overlap(b) for i, a in enumerate(found) for b in found[:i])
    for (_, size), place in zip(wanted, places, strict=True):
        assert place is None or (place.x1 - place.x0, place.y1 - place.y0) == size


@given(st.lists(boxes(), max_size=25))
@settings(deadline=None)
def test_as_long_as_there_is_room_every_label_has_a_place(wanted: list[Rect]) -> None:
    # 25 labels of 60 x 20, each of which makes at most 119 x 39 places of another's corner impossible: 640 x 360 has
    # more than that
    places = place_labels(wanted, [(60, 20)] * len(wanted), PICTURE)
    assert None not in places


@given(st.lists(st.tuples(boxes(), st.tuples(st.integers(200, 400), st.integers(80, 150))), max_size=8))
@settings(deadline=None, max_examples=40)
def test_a_label_is_left_out_only_when_no_place_is_free(wanted: list[tuple[Rect, tuple[int, int]]]) -> None:
    places = place_labels([box for box, _ in wanted], [size for _, size in wanted], PICTURE)
    for i, place in enumerate(places):
        if place is None:
            placed = [other for other in places[:i] if other is not None]
            width, height = wanted[i][1]
            for x in range(0, PICTURE[0] - width + 1, 7):
                for y in range(0, PICTURE[1] - height + 1, 7):
                    assert any(Rect(x, y, x + width, y + height).overlap(other) for other in placed)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        # the usual place: above, aligned left
        (Rect(100, 100, 200, 200), Rect(99, 79, 179, 99)),
        # at the right edge it slides to the left
        (Rect(600, 100, 640, 200), Rect(560, 79, 640, 99)),
        # at the top edge it goes below
        (Rect(100, 5, 200, 100), Rect(99, 101, 179, 121)),
        # as high as the picture: beside
        (Rect(100, 0, 200, 360), Rect(201, 0, 281, 20)),
        # filling the picture: inside, at the top
        (Rect(0, 0, 640, 360), Rect(1, 1, 81, 21)),
        # outside the picture: at the nearest edge
        (Rect(-300, 100, -200, 200), Rect(0, 79, 80, 99)),
    ],
)
def test_where_a_single_label_goes(box: Rect, expected: Rect) -> None:
    assert place_labels([box], [(80, 20)], PICTURE) == [expected]


def test_a_label_avoids_another_face() -> None:
    face, above_it = Rect(100, 150, 200, 250), Rect(90, 40, 210, 148)
    [place, _] = place_labels([face, above_it], [(80, 20), (80, 20)], PICTURE)
    assert place is not None
    assert not place.overlap(above_it)


def test_a_label_larger_than_the_picture_is_left_out() -> None:
    assert place_labels([Rect(0, 0, 10, 10)], [(641, 20)], PICTURE) == [None]
