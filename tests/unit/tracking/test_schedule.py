"""When a face is read: often while new, then rarely, good looks first, nobody left out."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.tracking import ReadingSchedule


def reading_times(schedule: ReadingSchedule, *, fps: float, seconds: float, quality: float = 0.8) -> list[float]:
    """When a track in sight all the time is read."""
    times = []
    for k in range(round(seconds * fps) + 1):
        at = k / fps
        if schedule.due(1, at, quality):
            schedule.done(1, at, quality)
            times.append(at)
    return times


def test_a_new_face_is_read_at_once_then_ever_more_rarely() -> None:
    times = reading_times(ReadingSchedule(), fps=20, seconds=60)
    gaps = [b - a for a, b in pairwise(times)]
    assert times[0] == 0
    assert gaps[:6] == pytest.approx([0.15, 0.4, 1, 2, 4, 8])
    assert gaps[6:] == pytest.approx([8.0] * len(gaps[6:]))


@pytest.mark.parametrize("fps", [5, 10, 25, 60])
def test_the_frame_rate_makes_no_difference(fps: float) -> None:
    assert len(reading_times(ReadingSchedule(), fps=fps, seconds=60)) == pytest.approx(12, abs=1)


@pytest.mark.parametrize(
    ("at", "quality", "due"),
    [
        (0.1, 0.8, False),  # too soon
        (0.2, 0.8, True),
        (0.2, 0.2, False),  # below the floor, however long ago
        (99.0, 0.2, False),
    ],
)
def test_only_good_looks_are_read(at: float, quality: float, due: bool) -> None:
    schedule = ReadingSchedule(least_quality=0.25)
    schedule.done(1, 0.0, 0.8)
    assert schedule.due(1, at, quality) is due


def test_a_poor_look_of_a_new_face_waits_for_a_better_one() -> None:
    schedule = ReadingSchedule()
    assert not schedule.due(1, 0.0, 0.1)
    assert schedule.due(1, 5.0, 0.3)


def test_a_look_much_better_than_any_so_far_is_read_earlier() -> None:
    schedule = ReadingSchedule()
    for at in (0.0, 0.15, 0.55, 1.55, 3.55):  # next at 7.55
        schedule.done(1, at, 0.4)
    assert not schedule.due(1, 4.6, 0.4)
    assert schedule.due(1, 4.6, 0.6)
    assert not schedule.due(1, 3.6, 0.9)  # but not at once: the next frame shows the same
    schedule.done(1, 4.6, 0.6)
    assert not schedule.due(1, 6.0, 0.6)  # which is now what the track is measured by


def test_the_neediest_go_first_and_no_more_than_the_limit() -> None:
    schedule = ReadingSchedule()
    schedule.done(1, 0.0, 0.8)  # overdue by much
    schedule.done(2, 0.8, 0.8)  # just due
    schedule.done(3, 0.95, 0.8)  # not due
    looks = [(1, 0.8), (2, 0.8), (3, 0.8), (4, 0.5), (5, 0.9), (6, 0.1)]  # 4 and 5 new, 6 too poor
    assert schedule.choose(looks, 1.0, limit=10) == [5, 4, 1, 2]
    assert schedule.choose(looks, 1.0, limit=3) == [5, 4, 1]
    assert schedule.choose(looks, 1.0, limit=0) == []


@given(tracks=st.integers(2, 12), limit=st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_every_track_gets_its_turn(tracks: int, limit: int) -> None:
    schedule, read = ReadingSchedule(), dict.fromkeys(range(tracks), 0)
    for k in range(10 * 25):
        chosen = schedule.choose([(track, 0.5 + 0.04 * track) for track in range(tracks)], k / 25, limit=limit)
        assert len(chosen) <= limit
        for track in chosen:
            schedule.done(track, k / 25, 0.5 + 0.04 * track)
            read[track] += 1
    assert min(read.values()) >= 4
    assert max(read.values()) - min(read.values()) <= 2


def test_a_step_back_of_the_clock_delays_a_reading_once_at_most() -> None:
    schedule = ReadingSchedule()
    schedule.done(1, 1000.0, 0.8)
    assert not schedule.due(1, 0.0, 0.8)
    assert schedule.due(1, 0.2, 0.8)


def test_a_forgotten_track_leaves_nothing() -> None:
    schedule = ReadingSchedule()
    schedule.done(1, 0.0, 0.8)
    schedule.forget(1)
    schedule.forget(2)  # never read
    assert len(schedule) == 0
    assert schedule.due(1, 0.0, 0.8)  # as if new
    assert len(schedule) == 0  # asking remembers nothing
