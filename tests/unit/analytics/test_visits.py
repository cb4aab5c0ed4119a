from __future__ import annotations

import numpy as np

from streamer.analytics.camera_analytics import CameraAnalytics
from streamer.types import EventKind, Track

UTC = 1.8e9


def face(i: int, at: float, *, since: float = 0.0, counted: bool = True) -> Track:
    return Track(i, (0, 0, 10, 10), np.zeros((5, 2), np.float32), 0.9, since, at, counted=counted)


def test_a_visit_has_one_key_from_its_start_to_its_end() -> None:
    analytics = CameraAnalytics("door", session="run")
    (started,) = analytics.update([face(7, 1.0)], [], at=1.0, wall_time=UTC + 1).events
    assert analytics.update([face(7, 2.0)], [], at=2.0, wall_time=UTC + 2).events == ()
    (ended,) = analytics.update([], [face(7, 2.0)], at=5.0, wall_time=UTC + 5).events
    assert (started.kind, ended.kind) == (EventKind.VISIT_STARTED, EventKind.VISIT_ENDED)
    assert (started.at, ended.at, ended.data["started_at"]) == (UTC, UTC + 2, UTC)
    assert started.visit == ended.visit == "run-door-1"
    assert started.key != ended.key


def test_a_picture_that_moves_after_all_is_another_visit() -> None:
    analytics = CameraAnalytics("door", session="run")
    seen = [analytics.update([face(7, at, counted=at != 2)], [], at=at, wall_time=UTC + at) for at in (1.0, 2.0, 3.0)]
    first, taken_back, second = (event for outcome in seen for event in outcome.events)
    assert taken_back.data["static"] is True
    assert taken_back.visit == first.visit != second.visit
    assert [outcome.occupancy[""] for outcome in seen] == [1, 0, 1]


def test_visits_of_two_runs_have_different_keys() -> None:
    keys = {
        event.key
        for session in ("monday", "tuesday")
        for event in CameraAnalytics("door", session=session).update([face(1, 1.0)], [], at=1.0, wall_time=UTC).events
    }
    assert len(keys) == 2
