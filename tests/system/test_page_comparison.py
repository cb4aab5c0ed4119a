"""A day beside the day before and the same weekday a week before: the page shows what the API answers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.shop import DOWN_HOUR
from tests.system.browser import Visit
from tests.system.page_shop import Shop

pytestmark = [pytest.mark.system, pytest.mark.models, pytest.mark.browser, pytest.mark.timeout(180)]

NOON_PASSED = 14  # o'clock, when a shop has the half of its day behind it


def where_it_is_afternoon() -> ZoneInfo:
    """Whatever the time here."""
    ahead = NOON_PASSED - datetime.now(UTC).hour
    return ZoneInfo(f"Etc/GMT{-ahead:+d}")  # POSIX counts hours behind Greenwich


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Its camera is gone, so that nobody comes meanwhile, and there is no picture to ask for."""
    folder = tmp_path_factory.mktemp("shop")
    made = Shop(folder, zone=where_it_is_afternoon(), source="gone.mp4", privacy="metadata_only")
    with made.program:
        yield made


def by_hour(shop: Shop, day: datetime) -> list[str]:
    """The visits of each hour as a table shows them; the hours to come, and those without a camera, have none."""
    rows = shop.asked("footfall", day, bucket="hour", tz=shop.zone.key)["rows"]
    return ["–" if row["count"] is None else str(row["count"]) for row in rows]


def visits(shop: Shop, day: datetime, **parameters: Any) -> int:
    """Of a day, or of its part up to `to`."""
    [row] = shop.asked("footfall", day, bucket="total", **parameters)["rows"]
    return int(row["count"])


def note(value: int, before: int, than: str) -> str:
    """What is said of a sum beside an earlier one."""
    if value == before:
        return f"as many as {than}"
    change = abs(value - before) / before
    if change < 0.005:
        return f"about as many as {than} ({before:,})"
    return f"{math.floor(change * 100 + 0.5)} % {'more' if value > before else 'fewer'} than {than} ({before:,})"


def table(page: Page) -> tuple[list[str], list[tuple[str, ...]]]:
    """Heads and columns of the chart's table."""
    rows = page.locator("#chart-compare .chart-table tbody tr")
    expect(rows.first).to_be_attached()
    heads = page.locator("#chart-compare .chart-table thead th").all_inner_texts()
    return heads, [*zip(*(row.locator("th, td").all_inner_texts() for row in rows.all()), strict=True)]


@pytest.mark.parametrize(("ago", "own", "day_before"), [(0, "today", "yesterday"), (1, "that day", "the day before")])
def test_each_hour_of_a_day_stands_beside_those_of_the_day_before_and_a_week_before(
    shop: Shop, visit: Visit, ago: int, own: str, day_before: str
) -> None:
    day = shop.day(ago)
    heads, (hours, *columns) = table(visit(shop.address(day), timezone=shop.zone.key).page)
    assert heads == ["hour", own, day_before, f"{day:%A} a week before"]
    assert list(hours) == [f"{hour:02}:00" for hour in range(24)]
    assert [list(column) for column in columns] == [by_hour(shop, shop.day(ago + back)) for back in (0, 1, 7)]
    assert {column[DOWN_HOUR] for column in columns} == {"–"}
    assert len({tuple(column) for column in columns}) == 3
    assert (columns[0][-1] == "–") == (ago == 0)


def test_the_sum_of_a_day_that_is_over_is_held_against_whole_days(shop: Shop, visit: Visit) -> None:
    day = shop.yesterday
    page = visit(shop.address(day), timezone=shop.zone.key).page
    table(page)
    own, before, week_before = (visits(shop, shop.day(ago)) for ago in (1, 2, 8))
    expect(page.locator(".stat-value").first).to_have_text(f"{own:,}")
    assert notes(page) == [note(own, before, "the day before"), note(own, week_before, f"{day:%A} a week before")]


def test_the_sum_of_today_is_held_against_earlier_days_up_to_this_time(shop: Shop, visit: Visit) -> None:
    def until_now(ago: int) -> int:
        return visits(shop, shop.day(ago), to=shop.day(ago).timestamp() + time_of_day())

    def time_of_day() -> float:
        return datetime.now(UTC).timestamp() - shop.day(0).timestamp()

    least = [until_now(ago) for ago in (1, 7)]
    page = visit(shop.address(shop.day(0)), timezone=shop.zone.key).page
    table(page)
    shown = notes(page)
    most = [until_now(ago) for ago in (1, 7)]
    own = visits(shop, shop.day(0))
    expect(page.locator(".stat-name").first).to_have_text("Visits so far")
    expect(page.locator(".stat-value").first).to_have_text(f"{own:,}")
    names = "yesterday", f"{shop.day(0):%A} a week before"
    for text, name, low, high in zip(shown, names, least, most, strict=True):
        assert text in [note(own, before, f"{name} by this time") for before in range(low, high + 1)]
    assert all(0 < part < visits(shop, shop.day(ago)) for part, ago in zip(most, (1, 7), strict=True))


def notes(page: Page) -> list[str]:
    """What stands below the first figure."""
    return [
        text.replace("\N{NO-BREAK SPACE}", " ")
        for text in page.locator(".stat-notes").first.locator("li").all_inner_texts()
    ]
