"""Footfall on the page, of the whole program: what is drawn counts, and the charts show what the API answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.shop import DOWN_HOUR
from tests.system.browser import PHONE, Visit
from tests.system.page_shop import BERLIN, Shop, drag, tap, touch_and_drag
from tests.system.page_site import wait_for_picture
from tests.system.program import Program, eventually

pytestmark = [pytest.mark.system, pytest.mark.models, pytest.mark.browser, pytest.mark.timeout(180)]


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


def test_a_line_drawn_with_the_mouse_counts_walkers_at_once_and_survives_a_restart(shop: Shop, visit: Visit) -> None:
    visitor = visit(f"{shop.program.url}/#/camera/demo")
    page = visitor.page
    wait_for_picture(visitor, "#camera-screen")
    page.get_by_role("button", name="Lines and zones").click()
    expect(page.locator('.rule-row[data-rule="gate"] .rule-fixed')).to_be_visible()
    expect(page.locator('.rule-row[data-rule="gate"] .rule-delete')).to_be_hidden()
    page.locator("#draw-line").click()
    drag(page, (0.3, 0.98), (0.3, 0.55))
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
    told = page.locator('#event-list [data-kind="line_crossed"]', has_text="north door: in")
    expect(told.first).to_be_visible()  # the gate's crossings come between
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
    kept = shop.rules
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


def test_a_line_drawn_with_a_finger_on_a_phone_is_kept(shop: Shop, visit: Visit) -> None:
    visitor = visit(f"{shop.program.url}/#/camera/demo", size=PHONE)
    page = visitor.page
    wait_for_picture(visitor, "#camera-screen")
    page.get_by_role("button", name="Lines and zones").tap()
    page.locator("#draw-line").tap()
    scrolled = page.evaluate("scrollY")
    touch_and_drag(page, (0.6, 0.95), (0.6, 0.2))  # along the way in which a page is scrolled
    line = eventually("the line is kept", lambda: shop.rules().get("line 1"))
    assert [line["start"], line["end"]] == [pytest.approx([0.6, 0.95], abs=0.02), pytest.approx([0.6, 0.2], abs=0.02)]
    assert page.evaluate("scrollY") == scrolled
    touch_and_drag(page, (0.6, 0.2), (0.8, 0.3))  # its end, by the handle
    eventually("its end has moved", lambda: shop.rules()["line 1"]["end"] == pytest.approx([0.8, 0.3], abs=0.02))
    page.locator('[aria-label="Delete line 1"]').tap()
    eventually("it is gone", lambda: "line 1" not in shop.rules())


def test_a_zone_is_drawn_renamed_moved_and_deleted_with_the_mouse_and_survives_a_reload(
    shop: Shop, visit: Visit
) -> None:
    visitor = visit(f"{shop.program.url}/#/camera/demo")
    page = visitor.page
    wait_for_picture(visitor, "#camera-screen")
    page.get_by_role("button", name="Lines and zones").click()
    page.locator("#draw-zone").click()
    tap(page, (0.2, 0.2), (0.8, 0.2))
    expect(page.locator("#draw-done")).to_be_disabled()
    tap(page, (0.8, 0.9), (0.2, 0.2))  # the first corner again closes it
    name = page.locator('.rule-row[data-rule="zone 1"] .rule-name')
    name.fill("till")
    name.press("Enter")
    zone = eventually("the zone is kept", lambda: shop.rules().get("till"))
    assert zone["points"] == [pytest.approx(place, abs=0.01) for place in ([0.2, 0.2], [0.8, 0.2], [0.8, 0.9])]
    expect(page.locator('.rule[data-rule="till"] .rule-label')).to_have_text(re.compile(r"^till · \d$"))
    drag(page, (0.2, 0.2), (0.1, 0.3))
    eventually("its corner has moved", lambda: shop.rules()["till"]["points"][0] == pytest.approx([0.1, 0.3], abs=0.01))
    page.reload()
    wait_for_picture(visitor, "#camera-screen")
    page.get_by_role("button", name="Lines and zones").click()
    tap(page, (0.7, 0.5))  # inside: chooses it
    expect(page.locator('.rule-row[data-rule="till"]')).to_have_class(re.compile("chosen"))
    drag(page, (0.7, 0.5), (0.75, 0.5))
    eventually("it has moved", lambda: shop.rules()["till"]["points"][1] == pytest.approx([0.85, 0.2], abs=0.01))
    page.locator('[aria-label="Delete till"]').click()
    eventually("it is gone", lambda: "till" not in shop.rules())
    expect(page.locator('.rule[data-rule="till"]')).to_have_count(0)


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


def test_where_faces_were_is_shown_of_the_day_that_is_looked_at(shop: Shop, visit: Visit) -> None:
    for ago in (0, 3):
        day = shop.yesterday - timedelta(days=ago)
        page = visit(shop.address(day, camera="demo"), timezone="Europe/Berlin").page
        [[x, y, seconds]] = table_of(page, "heat")
        assert (float(x), float(y)) == (round((7 - ago + 0.5) / 48, 3), 0.5)
        assert float(seconds) == 97 - ago
        expect(page.locator("#chart-heat canvas")).to_have_attribute(
            "aria-label", re.compile(rf"1\smin\s3{7 - ago}\ss")
        )
    before = visit(shop.address(shop.yesterday - timedelta(days=30), camera="demo"), timezone="Europe/Berlin").page
    expect(before.locator("#chart-heat .chart-blank")).to_contain_text("Nothing is known from before")


def test_a_chart_is_downloaded_as_the_table_it_shows(shop: Shop, visit: Visit) -> None:
    page = visit(shop.address(shop.yesterday), timezone="Europe/Berlin").page
    rows = table_of(page, "flow")
    with page.expect_download() as download:
        page.locator("#chart-flow .chart-save").click()
    assert download.value.suggested_filename == f"footfall-demo-{shop.yesterday:%Y-%m-%d}-by-hour.csv"
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "hour,in,out,camera up"
    assert [line.split(",")[:3] for line in lines[1:]] == [[cell.replace("–", "") for cell in row[:3]] for row in rows]


def number(text: str) -> int:
    return int(text.replace(",", ""))


def test_what_is_looked_at_stands_in_the_address(shop: Shop, visit: Visit) -> None:
    visitor = visit(f"{shop.program.url}/#/footfall", timezone="Europe/Berlin")
    page = visitor.page
    page.locator("#footfall-what").select_option("line:gate")
    page.get_by_role("button", name="7 days").click()
    expect(page.locator("#chart-flow-title")).to_have_text("In and out by day")
    visitor.until("() => location.hash === '#/footfall?line=gate&range=7d'")
    total = number(page.locator(".stat-value").first.inner_text())
    page.reload()
    expect(page.locator("#footfall-what")).to_have_value("line:gate")
    shown = page.locator(".stat-value").first
    expect(shown).not_to_have_text("–")
    assert 0 <= number(shown.inner_text()) - total < 20  # people go on crossing it meanwhile
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


def test_while_figures_are_on_their_way_no_card_says_that_there_are_none(shop: Shop, visit: Visit) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page = visit("about:blank", timezone="Europe/Berlin").page
    page.route("**/api/v1/footfall?**", hold, times=1)
    with page.expect_request("**/api/v1/footfall?**"):
        page.goto(shop.address(shop.yesterday))
    expect(page.locator('#chart-flow[aria-busy="true"] .chart-bone')).to_be_visible()
    expect(page.locator('#stats[aria-busy="true"] .stat-value').first).to_have_text("–")
    held[0].continue_()
    assert table_of(page, "flow")
    expect(page.locator('[aria-busy="true"]')).to_have_count(0)


def test_a_day_without_a_camera_is_not_a_day_without_visits(shop: Shop, visit: Visit) -> None:
    page = visit(f"{shop.program.url}/#/footfall?from=2020-01-01&line=gone").page
    expect(page.locator(".stat").first).to_contain_text("no camera was up")
    expect(page.locator(".stat-value").first).to_have_text("–")
    expect(page.locator("#chart-flow .legend .camera-down")).to_be_visible()
    for chart, words in (("people", "Nobody in this time."), ("occupancy", "No camera was up in this time.")):
        expect(page.locator(f"#chart-{chart} .chart-blank")).to_have_text(words)
    expect(page.locator("#footfall-what option:checked")).to_have_text("gone")


def test_a_database_that_fails_is_told_on_the_page_until_it_works_again(shop: Shop, visit: Visit) -> None:
    visitor = visit(shop.address(shop.yesterday))
    page = visitor.page
    table_of(page, "flow")
    expect(page.locator("#degraded")).to_be_hidden()
    with shop.broken_store():
        page.locator('#footfall-presets [data-range="7d"]').click()
        expect(page.locator("#footfall-problem")).to_contain_text("The figures can't be had: ")
        expect(page.locator('[aria-busy="true"]')).to_have_count(0)
        expect(page.locator("#degraded")).to_contain_text("The cameras go on. Store: ", timeout=30_000)  # a visit ends
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#footfall-problem")).to_be_hidden()
    expect(page.locator("#chart-flow-title")).to_have_text("In and out by day")
    expect(page.locator("#degraded")).to_be_hidden()
    visitor.complaints[:] = [text for text in visitor.complaints if "503" not in text]
