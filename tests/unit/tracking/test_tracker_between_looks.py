"""What a tracker shows in frames in which no faces are looked for, and what it tells of a look."""

from __future__ import annotations

import numpy as np
import pytest

from streamer.config import TrackingConfig
from streamer.tracking import Tracker
from tests.unit.tracking.scenes import A, B, C, Face, confirmed_tracker, ids, update


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


def test_faces_of_no_track_stay_where_they_were_when_the_picture_changes_its_size() -> None:
    tracker, weak = Tracker(TrackingConfig()), Face(300, score=0.5)
    update(tracker, 0.0, weak)
    tracker.rescale(2, 2)
    assert tracker.coast(0.1).boxes.tolist() == [[2 * edge for edge in weak.box]]
