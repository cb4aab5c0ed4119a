"""Tracks from detections: when a face gets an id, keeps it, and loses it."""

from __future__ import annotations

import numpy as np
import pytest

from streamer.config import TrackingConfig
from streamer.tracking import Tracker
from tests.unit.tracking.scenes import A, B, C, Face, confirmed_tracker, found, ids, update

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
