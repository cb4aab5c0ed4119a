"""What one look found: of each face what is its own look."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from streamer.tracking.found_faces import in_canonical_order
from tests.unit.tracking.scenes import A, Face, found, look_of


def known(*faces: Face) -> list[int]:
    """How many cells of each are told, from left to right."""
    return [
        0 if face.appearance is None else int(np.count_nonzero(face.appearance.known))
        for face in in_canonical_order(found(faces))
    ]


def test_of_faces_apart_everything_is_their_own() -> None:
    assert known(A._replace(who=1), Face(300, who=2)) == [16, 16]


def test_the_cells_that_another_face_may_cover_are_left_out() -> None:
    beside = Face(A.x + 70, who=2)  # its hair reaches into the right column
    assert known(A._replace(who=1), beside) == [12, 12]
    near_right, near_left = (face.appearance for face in in_canonical_order(found([A._replace(who=1), beside])))
    assert near_right is not None
    assert near_left is not None
    assert near_right.known.reshape(4, 4).all(axis=0).tolist() == [True, True, True, False]
    assert near_left.known.reshape(4, 4).all(axis=0).tolist() == [False, True, True, True]


def test_where_nothing_is_known_nothing_is_told() -> None:
    assert known(A, Face(300)) == [0, 0]
    assert known(A._replace(who=1), Face(300)) == [16, 0]  # one of them is cut by the edge of the picture


def test_looks_go_with_their_faces() -> None:
    both = found([A._replace(who=1), Face(300, who=2)])
    second = both.select(np.array([False, True]))
    assert second.appearances is not None
    assert second.appearances.tolist() == [look_of(2).tolist()]
    assert found([A]).select(np.array([0])).appearances is None


@pytest.mark.parametrize(
    "looks", [np.zeros((2, 48), np.float32), np.zeros((1, 47), np.float32), np.full((1, 48), np.nan, np.float32)]
)
def test_looks_that_are_none_are_refused(looks: NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match=r"appearances|finite"):
        replace(found([A]), appearances=looks)
