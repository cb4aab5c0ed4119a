from __future__ import annotations

import pytest

from streamer.analytics.age_groups import AgeGroups


def test_the_usual_groups_have_names() -> None:
    assert AgeGroups().names == ("0-12", "13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+")


@pytest.mark.parametrize(
    ("age", "group"),
    [(0.0, "0-12"), (12.99, "0-12"), (13.0, "13-17"), (24.5, "18-24"), (64.9, "55-64"), (65, "65+"), (120, "65+")],
)
def test_an_age_belongs_to_the_group_of_its_completed_years(age: float, group: str) -> None:
    assert AgeGroups().of(age) == group


def test_who_was_not_seen_well_enough_is_a_group_of_its_own() -> None:
    assert AgeGroups().of(None) == "unknown"


def test_groups_may_be_ones_own() -> None:
    assert AgeGroups([0, 1, 18]).names == ("0", "1-17", "18+")


@pytest.mark.parametrize("youngest", [[], [5, 10], [0, 10, 10], [0, 20, 10]])
def test_groups_that_do_not_rise_from_0_are_refused(youngest: list[int]) -> None:
    with pytest.raises(ValueError, match="from 0 on"):
        AgeGroups(youngest)
