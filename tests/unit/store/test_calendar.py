"""Hours, days and weeks by the clocks of a place, also on the days on which clocks are set."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.store.calendar import Bucket, edges, local_time, local_times, place, stretches

HOUR = 3_600_000


def at(text: str, zone: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "day", "following", "hours"),
    [
        ("Europe/Berlin", "2025-03-30", "2025-03-31", 23),
        ("Europe/Berlin", "2025-10-26", "2025-10-27", 25),
        ("Europe/Berlin", "2025-10-27", "2025-10-28", 24),
        ("America/New_York", "2025-03-09", "2025-03-10", 23),
        ("America/Santiago", "2025-09-07", "2025-09-08", 23),  # has no midnight: the day begins at 1:00
        ("America/Havana", "2025-11-02", "2025-11-03", 25),  # has two midnights
        ("Asia/Kolkata", "2025-06-01", "2025-06-02", 24),
        ("Pacific/Apia", "2011-12-29", "2011-12-31", 24),  # the 30th was left out
    ],
)
def test_a_day_is_as_long_as_it_was(zone: str, day: str, following: str, hours: int) -> None:
    begin, end = at(day, zone), at(following, zone)
    assert edges(begin, end, "day", ZoneInfo(zone)) == [begin, end]
    assert end - begin == hours * HOUR
    by_hour = edges(begin, end, "hour", ZoneInfo(zone))
    assert [until - start for start, until in pairwise(by_hour)] == [HOUR] * hours


def test_where_clocks_are_set_by_half_an_hour_one_hour_of_the_day_is_longer() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    found = edges(at("2025-04-06", zone.key), at("2025-04-07", zone.key), "hour", zone)
    assert [until - start for start, until in pairwise(found)] == [HOUR, HOUR * 3 // 2, *[HOUR] * 22]


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "UTC", "America/St_Johns"])
@pytest.mark.parametrize("cut", [0, 123, 7_000])
def test_many_local_times_are_those_of_one(zone: str, cut: int) -> None:
    times = edges(at("2025-10-22", zone) + cut, at("2025-11-05", zone), "hour", ZoneInfo(zone))
    assert local_times(times, ZoneInfo(zone)) == [local_time(each, ZoneInfo(zone)) for each in times]


def test_weeks_begin_on_monday() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    found = edges(at("2025-10-22", "Europe/Berlin"), at("2025-11-05", "Europe/Berlin"), "week", berlin)
    assert [local_time(each, berlin)[:10] for each in found] == [
        "2025-10-22",  # cut: a Wednesday
        "2025-10-27",
        "2025-11-03",
        "2025-11-05",
    ]
    assert found[1] - found[0] == (5 * 24 + 1) * HOUR


@settings(deadline=None, max_examples=60)
@given(
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Santiago", "Asia/Kathmandu", "Australia/Lord_Howe"]),
    begin=st.integers(1_600_000_000_000, 1_800_000_000_000),
    length=st.integers(1, 40 * 24 * HOUR),
    bucket=st.sampled_from(["hour", "day", "week", "total"]),
    share=st.floats(0, 1, exclude_max=True),
)
def test_every_moment_lies_in_one_bucket_and_arithmetic_agrees_with_the_clocks(
    zone: str, begin: int, length: int, bucket: Bucket, share: float
) -> None:
    end, clock = begin + length, ZoneInfo(zone)
    found = edges(begin, end, bucket, clock)
    assert (found[0], found[-1]) == (begin, end)
    assert all(start < until for start, until in pairwise(found))
    spans = stretches(begin, end, clock)
    assert [span.begin for span in spans] == [begin, *(span.end for span in spans[:-1])]
    moment = begin + int(length * share)
    i = place(found, moment)
    assert found[i] <= moment < found[i + 1]
    if bucket != "total":  # what a database computes names the same bucket
        [span] = [span for span in spans if span.begin <= moment < span.end]
        shift, width = span.number(bucket)
        start = max((moment + shift) // width * width - shift, span.begin)
        assert place(found, start) == i
