from __future__ import annotations

from collections.abc import Iterable

import pytest

from streamer.inference.watchdog import Watchdog

Looks = Iterable[tuple[int, int, bool]]  # offered, analyzed, live


def barks(looks: Looks, **options: int) -> list[bool]:
    """One look a second."""
    watchdog = Watchdog(**options)
    return [
        watchdog.look(float(second), offered=offered, told=analyzed, live=live)
        for second, (offered, analyzed, live) in enumerate(looks)
    ]


def test_a_camera_all_of_whose_frames_fail_is_told_after_three_seconds_and_no_more_once_one_is_analyzed() -> None:
    looks = [(25, 20, True), (50, 20, True), (75, 20, True), (100, 20, True), (125, 20, True), (150, 21, True)]
    assert barks(looks) == [False, False, False, True, True, False]


def test_a_camera_whose_very_first_frames_fail_is_told() -> None:
    assert barks([(0, 0, False), *((n * 25, 0, True) for n in range(1, 6))])[-1]


@pytest.mark.parametrize(
    "looks",
    [
        [(n * 25, n * 25 - 3, True) for n in range(10)],  # a few are always under way
        [(n * 25, n, True) for n in range(10)],  # most fail
        [(7, 7, True)] * 10,  # live, and nothing comes: a camera of one frame a minute
        [((n + 1) // 10, n // 10, True) for n in range(30)],  # one of a frame in ten seconds
        [(25, 25, True), *((n * 25, 25, n % 3 == 0) for n in range(2, 12))],  # never live for three seconds
    ],
)
def test_a_camera_that_has_results_or_no_frames_is_never_told(looks: Looks) -> None:
    assert not any(barks(looks))


def test_what_was_told_stays_while_the_camera_is_away() -> None:
    failing = [(n * 25, 0, True) for n in range(1, 6)]
    assert barks([*failing, (125, 0, False), (125, 0, False), (150, 0, True), (175, 1, True)])[4:] == [
        True, True, True, True, False,
    ]  # fmt: skip


def test_a_few_that_came_to_nothing_are_borne_where_that_is_asked_for() -> None:
    looks = [(0, 0, True), (1, 0, True), (2, 0, True), *[(2, 0, True)] * 4, (3, 0, True)]
    assert barks(looks, least=3) == [False] * 7 + [True]
