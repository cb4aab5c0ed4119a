"""How far two faces look unlike, and what is known of one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from streamer.tracking.appearance import DIFFERENT, Appearance, LastingAppearance, appearances, unlikeness
from tests.unit.tracking.scenes import look_of

ALL = np.ones(16, np.bool_)
LEFT = np.arange(16) % 4 < 2  # the left half of a face


def seen(who: int, known: NDArray[np.bool_] = ALL, *, light: float = 1.0) -> Appearance:
    cells = (look_of(who).reshape(16, 3) - (0, 128, 128)) * light + (0, 128, 128)
    return Appearance(cells.astype(np.float32), known)


def test_a_face_is_like_itself_in_any_light_and_unlike_others() -> None:
    people = [seen(who) for who in range(1, 7)]
    in_other_light = [seen(who, light=0.5) for who in range(1, 7)]
    differ = unlikeness(people, in_other_light)
    assert np.diag(differ) == pytest.approx(0, abs=1e-3)
    assert differ[~np.eye(6, dtype=np.bool_)].min() > DIFFERENT


def test_only_cells_that_both_know_are_compared() -> None:
    covered = seen(2)
    covered.cells[~LEFT] = (16, 200, 60)  # by somebody else
    assert unlikeness([seen(2)], [covered])[0, 0] > 20
    assert unlikeness([seen(2)], [covered._replace(known=LEFT)])[0, 0] == pytest.approx(0, abs=1e-3)


def test_of_too_few_cells_nothing_is_said() -> None:
    assert np.isnan(unlikeness([seen(1, LEFT)], [seen(1, ~LEFT)])).all()
    assert not seen(1, np.arange(16) < 5).tells


@pytest.mark.parametrize(
    "cells",
    [
        np.zeros((4, 4, 3)),  # not known
        np.linspace((124, 128, 128), (132, 128, 128), 16).reshape(4, 4, 3),  # a grey wall
        look_of(1).reshape(4, 4, 3) * (0.05, 1, 1),  # in the dark
    ],
)
def test_what_is_dark_or_flat_tells_nothing(cells: NDArray[np.floating]) -> None:
    both = np.array([cells, look_of(3).reshape(4, 4, 3)], np.float32)
    nothing, something = appearances(both)
    assert not nothing.any()
    assert (something == look_of(3)).all()


def test_what_a_track_looks_like_is_the_mean_of_each_cell_where_it_was_seen() -> None:
    lasting = LastingAppearance()
    assert not lasting.mean.tells
    lasting.add(seen(1), 0.0)
    lasting.add(seen(2, LEFT), 0.08)
    mean = lasting.mean
    assert mean.cells[~LEFT] == pytest.approx(seen(1).cells[~LEFT])
    assert mean.cells[LEFT] == pytest.approx((seen(1).cells[LEFT] + seen(2).cells[LEFT]) / 2, abs=3)
    assert lasting.clear == 1


def test_a_new_light_is_the_usual_one_after_seconds() -> None:
    lasting = LastingAppearance()
    for k in range(50):
        lasting.add(seen(1), k / 10)
    for k in range(50, 100):
        lasting.add(seen(4), k / 10)
    assert unlikeness([lasting.mean], [seen(4)])[0, 0] < 1


def test_a_step_back_of_the_clock_makes_no_look_count_more() -> None:
    lasting = LastingAppearance()
    lasting.add(seen(1), 100.0)
    lasting.shift(-50.0)
    lasting.add(seen(2), 50.0 + 0.08)
    assert lasting.mean.cells == pytest.approx((seen(1).cells + seen(2).cells) / 2, abs=4)
