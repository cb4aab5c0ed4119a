"""When faces are looked for, on made-up curves of what looks tell."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.tracking.look_schedule import LONGEST, LookSchedule, Sighting

Seen = Callable[[float], Sighting]


def looks(
    fps: float,
    seconds: float,
    seen: Seen,
    *,
    schedule: LookSchedule | None = None,
    change: Callable[[float], float] = lambda _: 0.0,
    at_least: float = 0.0,
) -> list[float]:
    """The times at which a camera of this rate is looked at."""
    schedule, times = schedule or LookSchedule(), []
    for k in range(round(fps * seconds)):
        at = k / fps
        if schedule.due(at, change(at), at_least=at_least):
            schedule.looked(at, seen(at))
            times.append(round(at, 3))
    return times


def gaps(times: list[float]) -> list[float]:
    return [round(b - a, 3) for a, b in pairwise(times)]


def nothing(_: float) -> Sighting:
    return Sighting()


@pytest.mark.parametrize(
    ("fps", "gap"),
    [
        (50, 0.2),
        (25, 0.2),
        # five frames would be 0.208 s
        (24, 4 / 24),
        (12, 2 / 12),
        # every frame comes later than that
        (4, 0.25),
    ],
)
def test_an_empty_picture_is_looked_at_as_seldom_as_is_allowed(fps: float, gap: float) -> None:
    settled = gaps(looks(fps, 10, nothing))[8:]
    assert settled == pytest.approx([gap] * len(settled), abs=2e-3)


def test_a_new_face_is_looked_at_in_every_frame_until_it_is_settled() -> None:
    times = looks(25, 4, lambda at: Sighting(settling=2 <= at < 2.4))
    assert [at for at in times if 2.1 <= at < 2.4] == pytest.approx([2.12 + k / 25 for k in range(7)])
    assert gaps(times)[-1] == 0.2


def test_faces_that_walk_steadily_need_fewer_looks_than_those_that_jump() -> None:
    # how far a prediction is off grows with the square of the time since the last look
    def moving(acceleration: float) -> list[float]:
        last = 0.0

        def seen(at: float) -> Sighting:
            nonlocal last
            miss, last = acceleration * (at - last) ** 2 / 2, at
            return Sighting(miss=miss)

        return gaps(looks(25, 20, seen))[50:]

    steady, hurried, wild = moving(5), moving(40), moving(400)
    assert set(steady) == {0.2}
    assert set(hurried) <= {0.08, 0.12}  # 0.2 face sizes are reached after 0.1 s
    assert set(wild) == {0.04}


def test_a_face_that_was_missed_is_looked_for_again_soon() -> None:
    times = looks(25, 4, lambda at: Sighting(lost=2 <= at < 2.5))
    assert max(gap for at, gap in zip(times, gaps(times), strict=False) if 2.0 <= at < 2.5) <= 0.08


def test_a_picture_that_changes_suddenly_is_looked_at_in_that_frame() -> None:
    times = looks(25, 4, nothing, change=lambda at: 0.05 if at >= 2.16 else 0.0)
    assert 2.16 in times
    assert 2.16 not in looks(25, 4, nothing)


def test_change_that_goes_on_is_usual_after_a_while() -> None:
    times = looks(25, 12, nothing, change=lambda at: 0.3 if at >= 2 else 0.0)
    assert set(gaps([at for at in times if at > 6])) == {0.2}


def test_under_load_looks_are_rarer_but_never_rarer_than_the_longest_time() -> None:
    restless = Sighting(miss=5.0)
    assert set(gaps(looks(25, 5, lambda _: restless))) == {0.04}
    assert set(gaps(looks(25, 5, lambda _: restless, at_least=0.12))[2:]) == {0.12}
    assert set(gaps(looks(25, 5, lambda _: restless, at_least=9.0))[2:]) == {0.2}


@pytest.mark.parametrize(("fixed", "gap"), [(0.0, 0.04), (0.1, 0.08), (0.5, 0.48)])
def test_a_fixed_interval_holds_whatever_is_seen(fixed: float, gap: float) -> None:
    for seen in (nothing, lambda _: Sighting(5.0, settling=True, lost=True)):
        times = looks(25, 5, seen, schedule=LookSchedule(fixed=fixed), change=lambda _: 1.0)
        assert set(gaps(times)[1:]) == {gap}


def test_a_clock_that_is_set_back_is_answered_with_a_look() -> None:
    schedule = LookSchedule()
    looks(25, 5, nothing, schedule=schedule)
    times = looks(25, 5, nothing, schedule=schedule)
    assert times[0] == 0.0
    assert set(gaps(times)[8:]) == {0.2}


@given(
    steps=st.lists(st.floats(0.005, 0.12), min_size=1, max_size=200),
    misses=st.lists(st.floats(0, 5), min_size=1, max_size=20),
    at_least=st.floats(0, 3),
)
def test_no_time_without_a_look_is_longer_than_allowed_but_by_one_uneven_frame(
    steps: list[float], misses: list[float], at_least: float
) -> None:
    schedule, at, last = LookSchedule(), 0.0, 0.0
    for k, step in enumerate(steps):
        at += step
        if schedule.due(at, at_least=at_least):
            schedule.looked(at, Sighting(miss=misses[k % len(misses)]))
            last = at
        else:
            # the frame after this one is expected no later than the longest time: only its own delay may add to it
            assert at - last + step <= LONGEST + 1e-3
