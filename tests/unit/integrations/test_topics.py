from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamer.integrations.topics import Topics

TOPICS = Topics("site/streamer")


def test_names_are_readable_levels() -> None:
    assert TOPICS.crossings("door", "Eingang Süd", "in") == "site/streamer/door/line/Eingang Süd/in"
    assert TOPICS.occupancy("door") == "site/streamer/door/occupancy"
    assert TOPICS.occupancy("door", "till 2") == "site/streamer/door/zone/till 2/occupancy"


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_name_is_one_level_without_wildcards_and_nobody_elses(one: str, other: str) -> None:
    first, second = (TOPICS.crossings("door", name, "in") for name in (one, other))
    assert first.count("/") == 5
    assert not set("+#\0") & set(first)
    assert (first == second) == (one == other)
