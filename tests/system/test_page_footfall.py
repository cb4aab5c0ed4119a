"""Footfall on the page, of the whole program: what is drawn counts, and the charts show what the API answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.shop import DOWN_HOUR, fill
from tests.system.browser import PHONE, Visit, Visitor
from tests.system.page_site import wait_for_picture
from tests.system.program import Program, eventually

pytestmark = [pytest.mark.system, pytest.mark.models, pytest.mark.browser, pytest.mark.timeout(180)]

BERLIN = ZoneInfo("Europe/Berlin")
# The passers-by of the demo scene walk along its lower half, to the right
GATE = {"name": "gate", "start": [0.5, 0.98], "end": [0.5, 0.55], "in_label": "came in", "out_label": "went out"}


class Shop:
    """The program with the demo camera, over a week of made-up figures."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = datetime.now(BERLIN)
        self.store = {"url": f"sqlite:///{folder / 'figures.sqlite3'}"}
        fill(self.store["url"], "demo", self.now)
        camera = {"id": "demo", "name": "Shop door", "source": "demo", "lines": [GATE]}
        self.program = Program(folder, {"cameras": [camera], "store": self.store})

    @property
    def yesterday(self) -> datetime:
        """Its midnight."""
        return datetime.combine(self.now.date() - timedelta(days=1), datetime.min.time(), BERLIN)

    def asked(self, path: str, day: datetime, **parameters: str) -> Any:
        """What the API answers for a day."""
        end = datetime.combine(day.date() + timedelta(days=1), datetime.min.time(), BERLIN)
        times = {"from": day.timestamp(), "to": end.timestamp()}
        return self.program.get(f"/api/v1/{path}?{urlencode({'camera': 'demo', **times, **parameters})}")

    def address(self, day: datetime, **more: str) -> str:
        """Of the page, for this day."""
        date = f"{day:%Y-%m-%d}"
        return f"{self.program.url}/#/footfall?{urlencode({'from': date, 'to': date, **more})}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    made = Shop(tmp_path_factory.mktemp("shop"))
    with made.program as program:
        program.wait_for_state("demo", "live", 60)
        yield made


def table_of(page: Page, chart: str) -> list[list[str]]:
    """The rows of a chart's table, which is there for screen readers too."""
    rows = page.locator(f"#chart-{chart} .chart-table tbody tr")
    expect(rows.first).to_be_attached()
    return [row.locator("th, td").all_inner_texts() for row in rows.all()]


def draw_line(visitor: Visitor, start: tuple[float, float], end: tuple[float, float]) -> None:
    """With the mouse; places are fractions of the picture, which fills its screen."""
    box = visitor.page.locator("#camera-screen").bounding_box()
    assert box is not None
    visitor.page.locator("#draw-line").click()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    visitor.page.mouse.move(*places[0])
    visitor.page.mouse.down()
    visitor.page.mouse.move(*places[1], steps=5)
    visitor.page.mouse.up()


def test_a_line_drawn_with_the_mouse_counts_walkers_at_once_and_survives_a_restart(shop: Shop, visit: Visit) -> None:
    visitor = visit(f"{shop.program.url}/#/camera/demo")
    page = visitor.page
    wait_for_picture(visitor, "#camera-screen")
    page.get_by_role("button", name="Lines and zones").click()
    expect(page.locator('.rule-row[data-rule="gate"] .rule-fixed')).to_be_visible()
    expect(page.locator('.rule-row[data-rule="gate"] .rule-delete')).to_be_hidden()
    draw_line(visitor, (0.3, 0.98), (0.3, 0.55))
    name = page.locator('.rule-row[data-rule="line 1"] .rule-name')
    name.fill("north door")
    name.press("Enter")
    row = page.locator('.rule-row[data-rule="north door"]')
    # nobody walks to the left
    expect(row.locator(".rule-counts")).to_have_text(re.compile(r"^[1-9]\d* in, 0 out"), timeout=30_000)

    def counted() -> dict[str, int]:
        rows = shop.asked("footfall", today, line="north door", bucket="total", group_by="direction")["rows"]
        return {row["direction"]: row["count"] for row in rows if row["direction"]}

    today = datetime.combine(shop.now.date(), datetime.min.time(), BERLIN)

    assert eventually("the crossing is kept", lambda: counted().get("in"))
    assert "out" not in counted()
    expect(page.locator('#event-list [data-kind="line_crossed"]').first).to_contain_text("north door: in")
    again = {"cameras": [{"id": "demo", "source": "nothing.mp4"}], "store": shop.store}
    (shop.folder / "again").mkdir()
    with Program(shop.folder / "again", again) as second:
        lines = eventually("they are read again", lambda: second.get("/api/v1/cameras/demo/rules")["lines"])
    assert [(line["name"], line["source"]) for line in lines] == [("north door", "page")]
    assert lines[0]["start"] == pytest.approx([0.3, 0.98], abs=0.01)


def test_a_line_is_moved_reversed_and_deleted_with_the_keyboard_alone(shop: Shop, visit: Visit) -> None:
    visitor = visit(f"{shop.program.url}/#/camera/demo")
    page = visitor.page
    wait_for_picture(visitor, "#camera-screen")

    def kept() -> dict[str, Any]:
        rules = shop.program.get("/api/v1/cameras/demo/rules")
        return {rule["name"]: rule for kind in ("lines", "zones") for rule in rules[kind]}

    page.get_by_role("button", name="Lines and zones").press("Enter")
    page.locator("#draw-zone").press("Enter")
    made = eventually("the zone is kept", lambda: kept().get("zone 1"))
    page.keyboard.press("ArrowRight")
    x, y = made["points"][0]
    eventually("its corner has moved", lambda: kept()["zone 1"]["points"][0] == pytest.approx([x + 0.01, y]))
    page.locator('[aria-label="Delete zone 1"]').press("Enter")
    eventually("it is gone", lambda: "zone 1" not in kept())
    page.locator("#draw-line").press("Enter")
    line = eventually("the line is kept", lambda: kept().get("line 1"))
    page.locator('[aria-label="Reverse line 1"]').press("Enter")
    eventually("it is reversed", lambda: kept()["line 1"]["start"] == line["end"])
    page.locator('[aria-label="Delete line 1"]').press("Enter")
    eventually("it is gone", lambda: "line 1" not in kept())
    page.keyboard.press("Escape")
    expect(page.locator("#rules-card")).to_be_hidden()


def test_bars_show_the_crossings_that_the_api_answers_and_the_hour_without_a_camera(shop: Shop, visit: Visit) -> None:
    day = shop.yesterday
    page = visit(shop.address(day), timezone="Europe/Berlin").page
    expect(page.locator("#chart-flow-title")).to_have_text("In and out by hour")
    rows = shop.asked("footfall", day, bucket="hour", group_by="direction", tz="Europe/Berlin")["rows"]
    found = {(datetime.fromtimestamp(row["start"], BERLIN).hour, row["direction"]): row for row in rows}
    assert sum(row["count"] or 0 for row in rows) > 50
    for i, (title, went_in, went_out, up) in enumerate(table_of(page, "flow")):
        assert title == f"{i:02}:00"
        if i == DOWN_HOUR:
            assert (went_in, went_out, up) == ("–", "–", "0 %")
            continue
        expected = [found[i, way]["count"] if (i, way) in found else 0 for way in ("in", "out")]
        assert [int(went_in), int(went_out)] == expected
    visits = shop.asked("footfall", day, bucket="total")["rows"][0]["count"]
    assert sum(int(row[1]) for row in table_of(page, "compare") if row[1] != "–") == visits
    expect(page.locator(".stat-value").first).to_have_text(f"{visits:,}")


def test_people_dwell_and_occupancy_are_those_that_the_api_answers(shop: Shop, visit: Visit) -> None:
    day = shop.yesterday
    page = visit(shop.address(day), timezone="Europe/Berlin").page
    people = shop.asked("footfall", day, bucket="total", group_by="gender,age_group")["rows"]
    shown = {
        (group, gender): int(cell)
        for group, *cells in table_of(page, "people")
        for gender, cell in zip(("female", "male", "unknown"), cells, strict=True)
    }
    counted = {(row["age_group"], row["gender"]): row["count"] for row in people}
    assert {key: number for key, number in shown.items() if number} == counted
    assert [group for group, *_ in table_of(page, "people")] == shop.program.get("/api/v1/status")["age_groups"]

    spans = shop.asked("dwell", day)["spans"]
    assert [int(row[-1]) for row in table_of(page, "dwell")] == [span["count"] for span in spans]

    peaks, shown_peaks = [0] * 24, [0] * 24
    for row in shop.asked("occupancy", day, bucket="minute")["rows"]:
        hour = datetime.fromtimestamp(row["start"], BERLIN).hour
        peaks[hour] = max(peaks[hour], row["peak"] or 0)
    for title, _, peak in table_of(page, "occupancy"):
        hour = int(title[:2])
        shown_peaks[hour] = max(shown_peaks[hour], 0 if peak == "–" else int(peak))
    assert shown_peaks == peaks


def test_a_chart_is_downloaded_as_the_table_it_shows(shop: Shop, visit: Visit) -> None:
    page = visit(shop.address(shop.yesterday), timezone="Europe/Berlin").page
    rows = table_of(page, "flow")
    with page.expect_download() as download:
        page.locator("#chart-flow .chart-save").click()
    assert download.value.suggested_filename == f"footfall-demo-{shop.yesterday:%Y-%m-%d}-by-hour.csv"
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "hour,in,out,camera up"
    assert [line.split(",")[:3] for line in lines[1:]] == [[cell.replace("–", "") for cell in row[:3]] for row in rows]


def test_what_is_looked_at_stands_in_the_address(shop: Shop, visit: Visit) -> None:
    visitor = visit(f"{shop.program.url}/#/footfall", timezone="Europe/Berlin")
    page = visitor.page
    page.locator("#footfall-what").select_option("line:gate")
    page.get_by_role("button", name="7 days").click()
    expect(page.locator("#chart-flow-title")).to_have_text("In and out by day")
    visitor.until("() => location.hash === '#/footfall?line=gate&range=7d'")
    total = page.locator(".stat-value").first.inner_text()
    page.reload()
    expect(page.locator("#footfall-what")).to_have_value("line:gate")
    expect(page.locator(".stat-value").first).to_have_text(total)
    expect(page.locator('#footfall-presets [data-range="7d"]')).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("address", ["/#/footfall", "/#/footfall?range=30d", "/#/camera/demo"])
def test_on_a_phone_nothing_is_wider_than_the_screen(shop: Shop, visit: Visit, address: str) -> None:
    visitor = visit(shop.program.url + address, size=PHONE)
    if "camera" in address:
        wait_for_picture(visitor, "#camera-screen")
        visitor.page.get_by_role("button", name="Lines and zones").click()
    else:
        table_of(visitor.page, "flow")
    assert not visitor.overflows()
