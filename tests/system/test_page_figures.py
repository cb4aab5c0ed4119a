"""The parts of the page that reckon: days, scales, tables and shapes, in a real browser in another time zone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route

import streamer.server
from tests.system.browser import Visitor

pytestmark = [pytest.mark.system, pytest.mark.browser]

FILES = Path(streamer.server.__file__).parent


@pytest.fixture(scope="module")
def berlin(browser: Browser) -> Iterator[Page]:
    """An empty page in a zone where clocks change, beside the page's own modules.

    No server: one in this process would take connections of a living page whenever that makes them, in any test.
    """

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == "/":
            route.fulfill(content_type="text/html", body="<!doctype html>")
        else:
            route.fulfill(path=FILES / path.removeprefix("/"))

    visitor = Visitor(browser, timezone="Europe/Berlin")
    visitor.page.route("**/*", answer)
    visitor.page.goto("http://page.test/")
    yield visitor.page
    visitor.close()


@pytest.mark.parametrize(
    ("day", "hours", "twice"),
    [
        ("2026-03-29", 23, 0),  # clocks go forward: there is no 02:00
        ("2026-10-25", 25, 2),  # and back: 02:00 comes twice
        ("2026-11-24", 24, 1),
    ],
)
def test_a_day_has_the_hours_that_clocks_gave_it(berlin: Page, day: str, hours: int, twice: int) -> None:
    found = berlin.evaluate(
        """async day => {
          const { periodOf, buckets } = await import('./static/js/footfall/period.js');
          const period = periodOf(new URLSearchParams({ from: day, to: day }), new Date(2026, 11, 31));
          return buckets(period).map(bucket => [bucket.label, bucket.end - bucket.start]);
        }""",
        day,
    )
    assert len(found) == hours
    assert {length for _, length in found} == {3600}
    assert [name for name, _ in found].count("02") == twice


def test_ranges_in_the_address_are_whole_days_and_nonsense_is_today(berlin: Page) -> None:
    found = berlin.evaluate(
        """async () => {
          const { periodOf, dayText, midnight, comparisons } = await import('./static/js/footfall/period.js');
          const now = new Date(2026, 9, 26, 15, 30);
          const asked = ['', 'range=yesterday', 'range=7d', 'range=30d',
                         'from=2026-10-20&to=2026-10-22', 'from=2026-10-20',
                         'from=2026-10-22&to=2026-10-20', 'from=2026-13-40&to=x', 'range=never'];
          const asking = text => periodOf(new URLSearchParams(text), now);
          const before = text => comparisons(asking(text), now).map(({ period }) => dayText(period.from));
          return {
            spans: asked.map(asking)
              .map(({ from, to, days, bucket }) => [dayText(from), dayText(midnight(to, -1)), days, bucket].join(' ')),
            before: before(''),
            longer: before('range=7d'),
          };
        }"""
    )
    today = "2026-10-26 2026-10-26 1 hour"
    assert found["spans"] == [
        today,
        "2026-10-25 2026-10-25 1 hour",
        "2026-10-20 2026-10-26 7 day",
        "2026-09-27 2026-10-26 30 day",
        "2026-10-20 2026-10-22 3 day",
        "2026-10-20 2026-10-20 1 hour",
        today,
        today,
        today,
    ]
    assert found["before"] == ["2026-10-25", "2026-10-19"]
    assert found["longer"] == ["2026-10-13"]


@pytest.mark.parametrize(
    ("now", "asked", "before"),
    [
        ("2026-11-24T15:30", "", ["2026-11-23T15:30", "2026-11-17T15:30"]),
        # 15:30 is 16 and a half hours from midnight where clocks are set back, and 14 and a half where they go forward
        ("2026-10-26T15:30", "", ["2026-10-25T15:30", "2026-10-19T15:30"]),
        ("2026-10-25T15:30", "", ["2026-10-24T15:30", "2026-10-18T15:30"]),
        ("2026-03-30T15:30", "", ["2026-03-29T15:30", "2026-03-23T15:30"]),
        ("2026-10-26T15:30", "range=7d", ["2026-10-19T15:30"]),
    ],
)
def test_by_this_time_is_the_same_time_of_day_whatever_clocks_did(
    berlin: Page, now: str, asked: str, before: list[str]
) -> None:
    found = berlin.evaluate(
        """async ([text, asked, before]) => {
          const { periodOf, comparisons, sameMoment } = await import('./static/js/footfall/period.js');
          const now = new Date(text);
          const period = periodOf(new URLSearchParams(asked), now);
          return comparisons(period, now)
            .map((other, place) => sameMoment(period, other.period, now) - new Date(before[place]));
        }""",
        [now, asked, before],
    )
    assert found == [0] * len(before)


def test_tables_become_files_that_no_spreadsheet_takes_for_formulas(berlin: Page) -> None:
    text = berlin.evaluate(
        """async () => (await import('./static/js/footfall/csv.js')).csv(
             { columns: ['line', 'in'], rows: [['=cmd()', 3], ['a "b", c', null], ['north', 0.5]] })"""
    )
    assert text == 'line,in\r\n\'=cmd(),3\r\n"a ""b"", c",\r\nnorth,0.5\r\n'


def test_scales_are_round_and_reach_the_highest_value(berlin: Page) -> None:
    found = berlin.evaluate(
        """async () => {
          const { ticks } = await import('./static/js/svg.js');
          return [1, 7, 82, 1234].map(most => ticks(most));
        }"""
    )
    assert found == [
        [0, 1],
        [0, 2, 4, 6, 8],
        [0, 20, 40, 60, 80, 100],
        [0, 500, 1000, 1500],
    ]


def test_the_arrow_of_a_line_points_the_way_that_counts_as_in(berlin: Page) -> None:
    """From a line's left to its right, seen along it; on pictures y points down."""
    found = berlin.evaluate(
        """async () => {
          const { wayIn, reversed } = await import('./static/js/rules/model.js');
          const up = { points: [[0.5, 1], [0.5, 0]] };
          const across = { points: [[0, 0.5], [1, 0.5]] };
          return [up, reversed(up), across].map(line => wayIn(line, 1600, 900).towards.map(Math.round));
        }"""
    )
    assert [[x + 0, y + 0] for x, y in found] == [[1, 0], [-1, 0], [0, 1]]


def test_rules_stay_within_the_picture_when_they_are_moved(berlin: Page) -> None:
    found = berlin.evaluate(
        """async () => {
          const { moved, withPoint, withoutPoint, newRule, nameProblem } = await import('./static/js/rules/model.js');
          const zone = { kind: 'zone', name: 'till', points: [[0.1, 0.1], [0.4, 0.1], [0.4, 0.5]] };
          return {
            moved: moved(zone, 0.9, -0.9).points,
            corner: withPoint(zone, 2, [1.4, 0.7]).points[2],
            kept: withoutPoint(zone, 0).points.length,
            names: [newRule('zone', zone.points, [{ name: 'zone 1' }]).name, newRule('line', [], []).name],
            problems: ['', 'a/b', 'till', 'door'].map(name => Boolean(nameProblem(name, null, [zone]))),
          };
        }"""
    )
    assert found == {
        "moved": [[0.7, 0], [1, 0], [1, 0.4]],
        "corner": [1, 0.7],
        "kept": 3,
        "names": ["zone 2", "line 1"],
        "problems": [True, True, True, False],
    }
