"""Tracks of faces that hide, pass or follow one another: each keeps its own id."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.config import TrackingConfig
from streamer.tracking import Tracker
from streamer.tracking.association import overlap
from tests.unit.tracking.scenes import A, Face, confirmed_tracker, found, ids, update


@pytest.mark.parametrize(
    "second",
    [
        A._replace(size=40),  # inside the first
        A._replace(size=75),  # around it
        A._replace(x=A.x + 15),  # beside its middle
    ],
)
def test_a_second_box_around_a_face_gets_no_id(second: Face) -> None:
    tracker, started = confirmed_tracker(A)
    for k in range(5, 40):
        started += update(tracker, k / 10, A, second).started
    assert started == [1]
    assert len(tracker) == 1


def test_two_boxes_around_one_face_from_the_start_get_one_id() -> None:
    tracker, started = confirmed_tracker(A, A._replace(size=45, score=0.85), until=2.0)
    assert started == [1]
    assert len(tracker) == 1


def test_a_face_beside_another_is_another() -> None:
    _, started = confirmed_tracker(A, A._replace(x=A.x + 45))
    assert started == [1, 2]


def test_a_small_face_behind_a_large_one_that_left_is_someone_else() -> None:
    tracker, _ = confirmed_tracker(Face(200, size=120))
    for k in range(5, 15):
        result = update(tracker, k / 10, Face(210, size=35))
    assert ids(result) == [2]


@pytest.mark.parametrize("fps", [5, 10, 25])
@pytest.mark.parametrize("speed", [40.0, 90.0, 150.0])  # pixels a second, of faces 60 wide
def test_two_faces_that_cross_keep_their_ids(fps: int, speed: float) -> None:
    tracker, seen = Tracker(TrackingConfig()), dict[int, list[str]]()
    duration = 400 / speed
    for k in range(round(duration * fps)):
        front, back = Face(100 + speed * k / fps, 200), Face(500 - speed * k / fps, 210, 52)
        # the one behind isn't found while it is hidden
        hidden = overlap(front.box, back.box) > 0.35
        result = update(tracker, k / fps, *([front] if hidden else [front, back]))
        for face in result.faces:
            if face.detection is not None:
                seen.setdefault(face.id, []).append("front" if face.detection == 0 else "back")
    assert {frozenset(names) for names in seen.values()} == {frozenset({"front"}), frozenset({"back"})}
    assert len(seen) == 2


def test_a_face_hidden_by_a_passer_by_is_found_again_behind_him() -> None:
    tracker = Tracker(TrackingConfig())
    standing = Face(300)
    for k in range(75):
        passing = Face(60 + 8 * k, 205, 80)  # 200 pixels a second
        hidden = overlap(standing.box, passing.box) > 0.35
        result = update(tracker, k / 25, *([passing] if hidden else [standing, passing]))
    places = {face.id: (face.box[0] + face.box[2]) / 2 for face in result.faces}
    assert places == {1: pytest.approx(60 + 8 * 74, abs=15), 2: pytest.approx(300, abs=5)}


def test_who_comes_in_where_another_has_just_gone_out_is_somebody_else() -> None:
    tracker, started = Tracker(TrackingConfig()), list[int]()
    leaving = [Face(700.0 + 20 * k) for k in range(28)]  # out of the picture to the right, at 10 looks a second
    coming = [Face(1240.0 - 20 * k) for k in range(28)]
    looks = [[face] for face in leaving] + [[] for _ in range(8)] + [[face] for face in coming]
    for k, faces in enumerate(looks):
        started += tracker.update(found(faces), k / 10, (1280, 720)).started
    assert started == [1, 2]


def test_who_is_hidden_at_the_edge_of_the_picture_stays_the_same() -> None:
    tracker, started = Tracker(TrackingConfig()), list[int]()
    for k in range(40):
        started += tracker.update(found([Face(1240.0)] if k % 10 < 5 else []), k / 10, (1280, 720)).started
    assert started == [1]


@given(
    fps=st.integers(10, 25),
    speeds=st.tuples(st.floats(2.0, 6.0), st.floats(2.0, 6.0)),
    pause=st.floats(0.2, 0.6),
    size=st.floats(50.0, 75.0),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=60, deadline=None)
def test_who_comes_in_as_another_goes_out_there_is_somebody_else(
    fps: int, speeds: tuple[float, float], pause: float, size: float, seed: int
) -> None:
    """speeds: out and in, face sizes a second. pause: s from the one's touching the edge to the other's."""
    chance, tracker, started = np.random.default_rng(seed), Tracker(TrackingConfig()), list[int]()
    for k in range(5 * fps):
        at = k / fps
        going = Face(1246 + speeds[0] * 60 * (at - 1.5), size=60)
        coming = Face(1276 - size / 2 - speeds[1] * size * (at - 1.5 - pause), 210, size)
        faces = [
            face._replace(x=face.x + chance.uniform(-2, 2), y=face.y + chance.uniform(-2, 2))
            for face in (going, coming)
            if face.box[2] <= 1276  # found while they are whole in the picture
        ]
        started += tracker.update(found(faces), at, (1280, 720)).started
    assert started == [1, 2]


@pytest.mark.parametrize("fps", [10, 25])
def test_a_face_that_comes_before_a_known_one_before_it_has_an_id_gets_its_own(fps: int) -> None:
    tracker, started = Tracker(TrackingConfig()), list[int]()
    for k in range(3 * fps):
        at = k / fps
        known, nearer = Face(300.0), Face(170 + 300 * (at - 1), 205, 75)  # seen for 0.25 s when the two begin to touch
        hidden = overlap(known.box, nearer.box) > 0.4
        faces = [known] * (not hidden) + [nearer] * (at >= 1)
        started += update(tracker, at, *faces).started
    assert started == [1, 2]
