"""Tracks from detections: when a face gets an id, keeps it, and loses it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.config import TrackingConfig
from streamer.tracking import Tracker, TrackerUpdate
from streamer.tracking.association import overlap
from tests.unit.tracking.scenes import Face, confirmed_tracker, found, update

A = Face(100)
B = Face(300)
C = Face(500)


def ids(result: TrackerUpdate) -> list[int]:
    return [face.id for face in result.faces]


# --- confirmation


@pytest.mark.parametrize(
    ("times", "confirmed_at"),
    [
        # 25 fps: enough hits after 0.08 s, but 0.3 s must pass
        ([k / 25 for k in range(15)], 0.32),
        # 10 fps: both at once
        ([0.0, 0.1, 0.2, 0.3, 0.4], 0.3),
        # 5 fps: 0.3 s pass before the third hit
        ([0.0, 0.2, 0.4], 0.4),
        # 2 fps
        ([0.0, 0.5, 1.0], 1.0),
        # uneven: the third hit comes late
        ([0.0, 0.05, 0.5, 0.55], 0.5),
        # all in one instant: no time passes
        ([1.0] * 20, None),
    ],
)
def test_an_id_is_given_after_enough_hits_and_enough_time(times: list[float], confirmed_at: float | None) -> None:
    tracker = Tracker(TrackingConfig(confirm_hits=3, confirm_after=0.3))
    started = [at for at in times if update(tracker, at, A).started]
    assert started == ([confirmed_at] if confirmed_at is not None else [])


@pytest.mark.parametrize(
    ("scores", "counts"),
    [
        # a clear face
        ([0.9] * 50, True),
        # a face far off or half turned, now weak, now clear
        ([0.75, 0.9] * 25, True),
        # a face that comes nearer
        ([0.71] * 20 + [0.92] * 30, True),
        # an emblem: always there, never clear
        ([0.76] * 50, False),
        # never above the threshold that starts a track
        ([0.65] * 50, False),
        # a false alarm with a single clear moment
        ([0.72] * 20 + [0.9] + [0.72] * 29, False),
        # flickers: seen in one frame of three, clear when seen
        ([0.9, 0.0, 0.0] * 17, False),
        # gone after two frames
        ([0.95, 0.95] + [0.0] * 48, False),
    ],
)
@pytest.mark.parametrize("fps", [10, 25])
def test_what_is_not_steady_and_clear_gets_no_id(scores: list[float], counts: bool, fps: int) -> None:
    tracker, started = Tracker(TrackingConfig()), list[int]()
    for k, score in enumerate(scores):
        started += update(tracker, k / fps, *([A._replace(score=score)] if score else [])).started
    assert bool(started) is counts


def test_a_visit_begins_with_the_first_detection_not_with_its_confirmation() -> None:
    tracker = Tracker(TrackingConfig())
    results = [update(tracker, 5 + k / 10, A) for k in range(4)]
    assert [len(result.faces) for result in results] == [0, 0, 0, 1]
    assert results[-1].faces[0].first_seen == 5.0
    assert results[-1].faces[0].last_seen == pytest.approx(5.3)


def test_ids_shown_are_consecutive_though_candidates_come_and_go() -> None:
    tracker, started = Tracker(TrackingConfig()), list[int]()
    for k in range(200):
        now = [face for face, begin in ((A, 0), (B, 50), (C, 100)) if k >= begin]
        noise = [Face(700 + 40 * (k % 7), 500)] if k % 3 == 0 else []
        started += update(tracker, k / 25, *now, *noise).started
    assert started == [1, 2, 3]


def test_each_face_says_which_detection_it_is() -> None:
    tracker, _ = confirmed_tracker(A, B, C)
    result = update(tracker, 0.5, C, A, B)
    assert [(face.id, face.detection) for face in result.faces] == [(1, 1), (2, 2), (3, 0)]
    assert np.array_equal(result.faces[0].landmarks, found([A]).landmarks[0])


# --- weak detections


def test_a_weak_detection_carries_on_a_known_face() -> None:
    tracker, _ = confirmed_tracker(A)
    for k in range(5, 60):
        result = update(tracker, k / 10, A._replace(score=0.61))
        assert [(face.id, face.detection) for face in result.faces] == [(1, 0)]


def test_a_clear_detection_goes_before_a_weak_one() -> None:
    tracker, _ = confirmed_tracker(A)
    # the weak one fits the prediction exactly, the clear one lies a little off
    result = update(tracker, 0.5, A._replace(score=0.62), A._replace(x=A.x + 10))
    assert result.faces[0].detection == 1


def test_a_weak_detection_does_not_find_a_face_again_that_was_long_gone() -> None:
    tracker, _ = confirmed_tracker(A)
    for k in range(5, 13):
        update(tracker, k / 10)
    assert ids(update(tracker, 1.3, A._replace(score=0.62))) == []
    assert ids(update(tracker, 1.4, A)) == [1]


# --- unseen


def test_an_unseen_face_is_shown_for_a_moment_then_hidden_then_ended() -> None:
    tracker, _ = confirmed_tracker(A)  # last seen at 0.4
    seen = {k / 10: update(tracker, k / 10) for k in range(5, 25)}
    assert [at for at, result in seen.items() if result.faces] == [0.5, 0.6, 0.7, 0.8]
    assert all(face.detection is None for result in seen.values() for face in result.faces)
    (ended,) = [(at, face) for at, result in seen.items() for face in result.ended]
    assert ended[0] == 2.0  # the first frame more than 1.5 s after 0.4
    assert (ended[1].id, ended[1].last_seen) == (1, 0.4)
    assert len(tracker) == 0


@pytest.mark.parametrize(
    ("gap", "same"),
    [
        (0.2, True),  # between two frames
        (0.5, True),  # after it was hidden
        (1.4, True),  # just in time
        (1.6, False),  # a new visit
    ],
)
def test_a_face_found_again_in_time_keeps_its_id(gap: float, same: bool) -> None:
    tracker, _ = confirmed_tracker(A)
    shown = [update(tracker, 0.4 + gap + k / 10, A) for k in range(5)]
    assert ids(shown[-1]) == ([1] if same else [2])
    assert ids(shown[0]) == ([1] if same else [])
    assert [face.id for result in shown for face in result.ended] == ([] if same else [1])


def test_an_unseen_face_moves_on_with_its_landmarks() -> None:
    tracker = Tracker(TrackingConfig())
    for k in range(20):
        update(tracker, k / 20, Face(100 + 6 * k))  # 120 pixels, two faces, a second
    (face,) = update(tracker, 1.25).faces  # unseen for 0.3 s
    assert 214 + 20 < (face.box[0] + face.box[2]) / 2 < 214 + 40
    middle = face.landmarks.mean(axis=0)
    assert face.box[0] < middle[0] < face.box[2]
    # as far from the middle of the box as in the face that was found
    assert face.landmarks[2, 0] == pytest.approx((face.box[0] + face.box[2]) / 2, abs=1)
    assert face.landmarks.dtype == np.float32


def test_frames_in_which_nothing_was_looked_for_hide_no_face() -> None:
    tracker, _ = confirmed_tracker(A)  # last seen at 0.4
    assert [ids(tracker.coast(0.4 + k / 10)) for k in range(1, 11)] == [[1]] * 10
    assert ids(update(tracker, 1.5)) == []  # now it was looked for, and missed
    assert [face.id for face in tracker.coast(2.0).ended] == [1]


def test_between_looks_a_face_of_the_last_one_counts_as_seen_and_a_missed_one_does_not() -> None:
    tracker, _ = confirmed_tracker(A, B)  # last seen at 0.4
    update(tracker, 0.5, A)
    assert [(face.id, face.last_seen) for face in tracker.coast(0.6).faces] == [(1, 0.6), (2, 0.4)]
    (ended, _) = tracker.coast(10.0).ended
    assert (ended.id, ended.last_seen) == (1, 0.5)


def test_between_looks_every_face_found_is_told_confirmed_or_not() -> None:
    tracker, _ = confirmed_tracker(A)
    update(tracker, 0.5, A, B, C._replace(score=0.65))  # new, and too faint for a track
    boxes = tracker.coast(0.54).boxes
    assert boxes.dtype == np.float32
    assert sorted(boxes[:, 0].round().tolist()) == [A.box[0], B.box[0], C.box[0]]
    update(tracker, 0.6, A)
    assert len(tracker.coast(0.64).boxes) == 1


def test_a_look_tells_what_is_new_missed_or_not_where_it_was_expected() -> None:
    tracker = Tracker(TrackingConfig())
    sightings = [update(tracker, k / 10, A).sighting for k in range(10)]
    assert [s.settling for s in sightings if s] == [True] * 3 + [False] * 7
    assert all(s.miss < 0.01 and not s.lost for s in sightings if s)
    jumped = update(tracker, 1.0, A._replace(x=A.x + 20)).sighting
    assert jumped is not None
    assert jumped.miss == pytest.approx(20 / A.size, rel=0.1)
    missed = update(tracker, 1.1).sighting
    assert missed is not None
    assert missed.lost
    assert tracker.coast(1.2).sighting is None


def test_what_never_becomes_a_visit_does_not_ask_for_looks_for_ever() -> None:
    tracker = Tracker(TrackingConfig())
    sightings = [update(tracker, k / 10, A._replace(score=0.75)).sighting for k in range(20)]
    assert [s.settling for s in sightings if s] == [True] * 7 + [False] * 13


def test_coasting_between_looks_changes_nothing_for_them() -> None:
    every, some = Tracker(TrackingConfig()), Tracker(TrackingConfig())
    for k in range(100):
        face = Face(100 + 3 * k)
        if k % 5 == 0:
            result, other = update(every, k / 25, face), update(some, k / 25, face)
            assert ids(result) == ids(other)
            for one, two in zip(result.faces, other.faces, strict=True):
                assert one.box == pytest.approx(two.box, abs=1e-6)
        else:
            every.coast(k / 25)


# --- the clock


def test_a_step_back_in_time_is_no_time_passing_and_the_clock_goes_on_from_there() -> None:
    tracker, _ = confirmed_tracker(A)  # 0 to 0.4
    (face,) = update(tracker, -100.0, A).faces
    assert (face.id, face.last_seen) == (1, -100.0)
    assert face.first_seen == pytest.approx(-100.4)
    assert ids(update(tracker, -99.9, A)) == [1]
    assert ids(update(tracker, -99.0)) == []  # hidden: 0.9 s unseen by the new clock
    assert [face.id for face in update(tracker, -98.0).ended] == [1]


def test_a_jump_far_ahead_ends_every_visit() -> None:
    tracker, _ = confirmed_tracker(A, B)
    result = update(tracker, 1000.0, A, B)
    assert [(face.id, face.last_seen) for face in result.ended] == [(1, 0.4), (2, 0.4)]
    assert result.faces == ()
    assert len(tracker) == 2  # the candidates of the new faces


def test_the_same_time_twice_is_fine() -> None:
    tracker, _ = confirmed_tracker(A)
    assert ids(update(tracker, 0.4, A)) == [1]
    assert ids(update(tracker, 0.4)) == [1]


# --- several faces


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


# --- properties

faces = st.builds(
    Face,
    x=st.sampled_from([50.0, 70.0, 100.0, 160.0, 300.0, 420.0, 500.0]),
    y=st.sampled_from([100.0, 130.0, 200.0]),
    size=st.sampled_from([20.0, 40.0, 60.0]),
    score=st.sampled_from([0.62, 0.75, 0.9, 0.95]),
)
# steps in 64ths of a second, so that shifting the clock loses nothing in rounding; sometimes back, sometimes far ahead
steps = st.one_of(st.integers(1, 16), st.integers(1, 16), st.sampled_from([0, -3, 40, 200]))
films = st.lists(st.tuples(steps, st.lists(faces, max_size=4, unique=True)), min_size=1, max_size=40)
Film = list[tuple[int, list[Face]]]


@given(film=films)
@settings(max_examples=50, deadline=None)
def test_ids_count_up_and_are_never_reused(film: Film) -> None:
    tracker, at, started, ended = Tracker(TrackingConfig()), 0.0, list[int](), set[int]()
    for step, present in film:
        at += step / 64
        result = update(tracker, at, *present)
        started += result.started
        ended |= {face.id for face in result.ended}
        assert ended.isdisjoint(ids(result))
        assert set(ids(result)) <= set(started)
        assert set(result.started) <= set(ids(result))
    assert started == list(range(1, len(started) + 1))


@given(film=films)
@settings(max_examples=50, deadline=None)
def test_what_is_remembered_is_bounded_by_the_faces_seen_lately(film: Film) -> None:
    tracker, at, lately = Tracker(TrackingConfig(lost_after=1.0)), 0.0, list[tuple[float, int]]()
    for step, present in film:
        at += step / 64
        if step < 0:
            lately = [(then + step / 64, n) for then, n in lately]
        lately = [(then, n) for then, n in lately if at - then <= 1.0] + [(at, len(present))]
        update(tracker, at, *present)
        assert len(tracker) <= sum(n for _, n in lately)
    update(tracker, at + 1.1)
    assert len(tracker) == 0


@given(film=films, seed=st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_the_order_of_detections_has_no_influence(film: Film, seed: int) -> None:
    one, other, at, chance = Tracker(TrackingConfig()), Tracker(TrackingConfig()), 0.0, np.random.default_rng(seed)
    for step, present in film:
        at += step / 64
        order = chance.permutation(len(present))
        result, shuffled = update(one, at, *present), update(other, at, *[present[i] for i in order])
        assert [(f.id, f.box, f.last_seen) for f in result.faces] == [
            (f.id, f.box, f.last_seen) for f in shuffled.faces
        ]
        back = [None if f.detection is None else int(order[f.detection]) for f in shuffled.faces]
        assert back == [f.detection for f in result.faces]
        assert result.started == shuffled.started


@given(film=films, shift=st.integers(-1_000_000, 1_000_000))
@settings(max_examples=50, deadline=None)
def test_only_differences_of_time_matter(film: Film, shift: int) -> None:
    one, other, at = Tracker(TrackingConfig()), Tracker(TrackingConfig()), 0.0
    for step, present in film:
        at += step / 64
        result, later = update(one, at, *present), update(other, at + shift, *present)
        assert [(f.id, f.box, f.last_seen + shift) for f in result.faces] == [
            (f.id, f.box, f.last_seen) for f in later.faces
        ]
        assert result.started == later.started
        assert [f.id for f in result.ended] == [f.id for f in later.ended]


@given(
    fps=st.sampled_from([5, 10, 25]),
    velocity=st.tuples(st.floats(-150, 150), st.floats(-60, 60)),
    growth=st.floats(-0.15, 0.15),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=50, deadline=None)
def test_steady_walkers_keep_their_ids_through_missed_detections(
    fps: int, velocity: tuple[float, float], growth: float, seed: int
) -> None:
    chance, tracker, started, unseen = np.random.default_rng(seed), Tracker(TrackingConfig()), list[int](), 0
    for k in range(8 * fps):
        at = k / fps
        jitter = chance.normal(0, 1, 3)
        face = Face(
            velocity[0] * at + jitter[0],
            velocity[1] * at + jitter[1],
            60 * np.exp(growth * at) * (1 + 0.02 * jitter[2]),
        )
        # 30 % missed, but never for as long as ends a visit
        missed = chance.random() < 0.3 and (unseen + 1) / fps < 1.2
        unseen = unseen + 1 if missed else 0
        started += update(tracker, at, *([] if missed else [face])).started
    assert started == [1]


@pytest.mark.parametrize(
    ("configured", "detectors", "confirmed"),
    [(None, 0.7, True), (None, 0.8, False), (0.9, 0.7, False), (0.6, 0.9, True)],
)
def test_the_confirming_score_is_the_detectors_own_unless_configured(
    configured: float | None, detectors: float, *, confirmed: bool
) -> None:
    tracker = Tracker(TrackingConfig(confirm_score=configured), confirm_score=detectors)
    started = [i for k in range(10) for i in update(tracker, k / 10, Face(300, score=0.75)).started]
    assert bool(started) == confirmed


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


def test_faces_of_no_track_stay_where_they_were_when_the_picture_changes_its_size() -> None:
    tracker, weak = Tracker(TrackingConfig()), Face(300, score=0.5)
    update(tracker, 0.0, weak)
    tracker.rescale(2, 2)
    assert tracker.coast(0.1).boxes.tolist() == [[2 * edge for edge in weak.box]]
