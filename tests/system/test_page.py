"""The page in a real browser, against the real server with made-up cameras."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from streamer.types import Event, EventKind
from tests.server_harness import Scene
from tests.system.browser import PHONE, Visit
from tests.system.page_site import (
    LOBBY,
    TWO,
    Site,
    complaints_of_lost_connections,
    pixels_of,
    tile,
    wait_for_change,
    wait_for_picture,
)

pytestmark = [pytest.mark.system, pytest.mark.browser]

STATIC = Path(__file__).parents[2] / "streamer" / "server" / "static"
LARGE = "document.querySelector('#camera-screen .picture')"
OVERLAY = "document.querySelector('#camera-screen .overlay')"


def test_grid_shows_each_camera_with_its_picture_and_figures(visit: Visit) -> None:
    with Site(TWO) as site:
        visitor = visit(site.url)
        page = visitor.page
        for name, title, faces in (("lobby", "Lobby", "3 faces now"), ("gate", "Gate <b>&", "1 face now")):
            wait_for_picture(visitor, f"{tile(name)} .screen")
            wait_for_change(visitor, f"{tile(name)} .picture")
            expect(page.locator(f"{tile(name)} .tile-name")).to_have_text(title)
            expect(page.locator(f"{tile(name)} .tile-faces-text")).to_have_text(faces)
            expect(page.locator(f"{tile(name)} .pill-text")).to_have_text("Live")
            expect(page.locator(f"{tile(name)} .tile-fps")).to_have_text(re.compile(r"^\d+\.\d\sfps$"))
            expect(page.locator(f"{tile(name)} .tile-age")).to_have_text(re.compile(r"^\d+(\.\d)?\s(ms|s)$"))
        expect(page.locator("#summary")).to_have_text("2 of 2 live · 4 faces now")
        expect(page.locator("#link-text")).to_have_text("Connected")
        expect(page.locator("#viewers")).to_have_text("1 viewer")


def test_large_view_fills_its_list_of_people_and_changes_its_picture(visit: Visit) -> None:
    with Site(TWO) as site:
        visitor = visit(site.url + "#/camera/lobby")
        page = visitor.page
        wait_for_picture(visitor, "#camera-screen")
        wait_for_change(visitor, "#camera-screen .picture")
        expect(page.locator(".person")).to_have_count(3)
        expect(page.locator("#people-count")).to_have_text("3")
        first = page.locator(".person").first
        expect(first.locator(".person-gender-text")).to_have_text(re.compile("^(Female|Male)$"))
        expect(first.locator(".person-age")).to_have_text(re.compile(r"^\d+–\d+\syears$"))
        expect(first.locator(".meter-text")).to_have_text(re.compile(r"^93\s%$"))
        expect(first.locator(".person-since")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d · \d+:\d\d$"))
        expect(page.locator('[data-fact="Size"]')).to_have_text("640 × 360")
        expect(page.locator('[data-fact="Codec"]')).to_have_text("h264")
        expect(page.locator('[data-fact="Dropped, by reason"]')).to_have_text(re.compile(r"^\d+ replaced by newer$"))


def test_a_camera_whose_analysis_is_reduced_says_to_what_and_why(visit: Visit) -> None:
    with Site({"door": Scene("Door", fps=10, faces=1, reduced=6), "yard": Scene("Yard", fps=10, faces=1)}) as site:
        page = visit(site.url).page
        expect(page.locator(f"{tile('door')} .tile-fps")).to_have_text(re.compile(r"^\d+\.\d\sfps, reduced$"))
        expect(page.locator(f"{tile('yard')} .tile-fps")).to_have_text(re.compile(r"^\d+\.\d\sfps$"))
        page.goto(site.url + "#/camera/door")
        expect(page.locator('[data-fact="Analysis"]')).to_have_text(
            re.compile(r"^Reduced to 5\sfps, 480\spx, a coarser picture: the machine is busy$")
        )
        page.goto(site.url + "#/camera/yard")
        expect(page.locator('[data-fact="Analysis"]')).to_have_text("as configured")


def test_face_not_yet_read_is_unknown_and_says_why(visit: Visit) -> None:
    with Site({"lobby": Scene("Lobby", size=(640, 360), fps=10, faces=20)}) as site:
        visitor = visit(site.url + "#/camera/lobby")
        # a new visit begins at least every 3 s, and is not read in its first second
        visitor.until(
            """() => [...document.querySelectorAll('.person')].some(person =>
                 person.querySelector('.person-age').textContent === 'Age unknown' &&
                 person.querySelector('.person-why').textContent.includes('No look was good enough yet'))"""
        )


def test_printed_face_has_a_row_of_its_own_kind_without_age_and_gender(visit: Visit) -> None:
    with Site({"lobby": Scene("Lobby", size=(640, 360), fps=10, faces=2, posters=1)}) as site:
        page = visit(site.url + "#/camera/lobby").page
        expect(page.locator(".person")).to_have_count(2)
        poster = page.locator('.person[data-static="yes"]')
        expect(poster).to_have_count(1)
        expect(poster.locator(".person-gender-text")).to_have_text("Static picture")
        expect(poster.locator(".person-age")).to_have_text("")
        expect(poster.locator(".meter")).to_be_hidden()
        expect(poster.locator(".person-why")).to_contain_text("face that never moves within itself")
        expect(poster).to_have_attribute("title", re.compile("^A poster, a photograph or a still on a screen"))


def test_pointing_at_a_person_lights_their_box_and_back(visit: Visit) -> None:
    with Site(LOBBY) as site:
        visitor = visit(site.url + "#/camera/lobby")
        page = visitor.page
        lit = f"() => {pixels_of(OVERLAY)}.some(value => value)"
        expect(page.locator(".person")).to_have_count(3)
        assert not page.evaluate(lit)
        page.locator(".person").nth(1).focus()
        visitor.until(lit)
        page.locator("#snapshot").focus()
        visitor.until(f"() => !({lit})()")


def test_clean_picture_has_no_boxes(visit: Visit) -> None:
    # the harness draws no orange: only the box of a woman is
    orange = f"""() => {{
      const pixels = {pixels_of(LARGE)};
      let count = 0;
      for (let i = 0; i < pixels.length; i += 4)
        if (pixels[i] > 200 && pixels[i + 1] > 130 && pixels[i + 1] < 185 && pixels[i + 2] < 60) count += 1;
      return count;
    }}"""
    with Site(LOBBY) as site:
        visitor = visit(site.url + "#/camera/lobby")
        visitor.until(f"() => ({orange})() > 50")
        visitor.page.get_by_role("button", name="Clean").click()
        visitor.until(f"() => ({orange})() === 0")
        visitor.page.get_by_role("button", name="Annotated").click()
        visitor.until(f"() => ({orange})() > 50")


def test_snapshot_is_downloaded_as_a_jpeg_named_after_the_camera(visit: Visit) -> None:
    with Site(LOBBY) as site:
        visitor = visit(site.url + "#/camera/lobby")
        wait_for_picture(visitor, "#camera-screen")
        with visitor.page.expect_download() as download:
            visitor.page.get_by_role("button", name="Snapshot").click()
        assert re.fullmatch(r"lobby-\d{4}-\d\d-\d\dT\d{6}\.jpg", download.value.suggested_filename)
        assert Path(download.value.path()).read_bytes().startswith(b"\xff\xd8\xff")


def test_keyboard_moves_opens_and_goes_back(visit: Visit) -> None:
    scenes = {f"c{i}": Scene(f"Camera {i}", size=(320, 180), fps=2, faces=0) for i in range(4)}
    with Site(scenes) as site:
        visitor = visit(site.url)
        page = visitor.page
        focused = "name => document.activeElement?.dataset.camera === name"
        expect(page.locator(".tile[data-camera]")).to_have_count(4)
        page.locator(tile("c0")).focus()
        for key, name in (("ArrowRight", "c1"), ("ArrowDown", "c3"), ("ArrowLeft", "c2"), ("ArrowUp", "c0")):
            page.keyboard.press(key)
            assert page.evaluate(focused, name), key
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator("#camera-title")).to_have_text("Camera 2")
        assert page.url.endswith("#/camera/c2")
        page.keyboard.press("ArrowRight")
        expect(page.locator("#camera-title")).to_have_text("Camera 3")
        page.keyboard.press("Escape")
        expect(page.locator("#grid-view")).to_be_visible()
        visitor.until(focused, "c3")


@pytest.mark.parametrize("view", ["", "#/camera/lobby", "#/camera/gate"])
def test_phone_never_scrolls_sideways(visit: Visit, view: str) -> None:
    long = "Back entrance and loading bay, second door from the left"
    site = Site({**LOBBY, "gate": Scene(long, faces=5, fps=5)})
    with site:
        visitor = visit(site.url + view, size=PHONE, scheme="dark")
        visitor.until("() => document.querySelector('.screen[data-live=yes]')")
        assert not visitor.overflows()
    with complaints_of_lost_connections(visitor):
        expect(visitor.page.locator("#banner")).to_be_visible()
        assert not visitor.overflows()


def test_only_tiles_in_view_are_asked_for(visit: Visit) -> None:
    scenes = {f"c{i}": Scene(f"Camera {i}", size=(320, 180), fps=5, faces=0) for i in range(9)}
    with Site(scenes) as site:
        visitor = visit(site.url, size=PHONE)
        wait_for_picture(visitor, f"{tile('c0')} .screen")
        encoded = site.harness.services.metrics.pictures_encoded
        assert encoded.labels("c8")._value.get() == 0
        visitor.page.locator(tile("c8")).scroll_into_view_if_needed()
        wait_for_picture(visitor, f"{tile('c8')} .screen")
        assert encoded.labels("c8")._value.get() > 0


def test_hidden_page_asks_for_events_only(visit: Visit) -> None:
    hide = """hidden => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
      document.dispatchEvent(new Event('visibilitychange'));
    }"""
    with Site(LOBBY) as site:
        visitor = visit("about:blank")
        with visitor.page.expect_websocket() as opened:
            visitor.page.goto(site.url)
        wait_for_picture(visitor, f"{tile('lobby')} .screen")
        for hidden, frames in ((True, "none"), (False, "annotated")):
            with opened.value.expect_event("framesent") as sent:
                visitor.page.evaluate(hide, hidden)
            subscription = json.loads(sent.value)
            assert (subscription["frames"], subscription["events"]) == (frames, "*")


def test_feed_is_bounded(visit: Visit) -> None:
    with Site(LOBBY) as site:
        visitor = visit(site.url)
        wait_for_picture(visitor, f"{tile('lobby')} .screen")
        for at in range(200):
            site.harness.services.hub.publish_event(Event(EventKind.VISIT_ENDED, "lobby", 1.7e9 + at))
        visitor.until(
            """() => [...document.querySelectorAll('#event-list time')]
                 .some(time => time.dateTime === new Date((1.7e9 + 199) * 1000).toISOString())"""
        )
        assert visitor.page.locator(".event").count() == 80


def test_theme_follows_the_system_until_one_is_chosen_which_is_remembered(visit: Visit) -> None:
    with Site(LOBBY) as site:
        visitor = visit(site.url, scheme="dark")
        page, theme = visitor.page, "document.documentElement.dataset.theme"
        assert page.evaluate(theme) == "dark"
        expect(page.locator("#theme")).to_have_attribute("aria-label", "Theme: as the system")
        page.locator("#theme").click()
        page.locator("#theme").click()
        expect(page.locator("#theme")).to_have_attribute("aria-label", "Theme: light")
        assert page.evaluate(theme) == "light"
        page.reload()
        assert page.evaluate(theme) == "light"
        # A connection that is just being made as the site ends would complain
        wait_for_picture(visitor, f"{tile('lobby')} .screen")


def test_modules_compute_what_they_should(visit: Visit) -> None:
    with Site(LOBBY) as site:
        visitor = visit(site.url)
        found = visitor.page.evaluate(
            """async () => {
              const load = name => import(`/static/js/${name}.js`);
              const names = ['format', 'wire', 'backoff', 'router'];
              const [format, wire, backoff, router] = await Promise.all(names.map(load));
              const picture = new Uint8Array([0, 0, 0, 2, 123, 125, 7, 8]).buffer;
              const parsed = wire.parsePicture(picture);
              const fails = buffer => { try { wire.parsePicture(buffer); return false; } catch { return true; } };
              return {
                durations: [0, 59.9, 61, 3600 + 120].map(format.duration),
                stopwatch: [5, 125, 3725].map(format.stopwatch),
                ages: [84.4, 1234, 12_500].map(format.age),
                years: ['25-31', '28-28'].map(format.years),
                sentences: ['connection refused', 'rtsp://a/b: refused', '/dev/video7: none'].map(format.capitalized),
                jpeg: [...new Uint8Array(await parsed.jpeg.arrayBuffer())],
                broken: [new ArrayBuffer(3), new Uint8Array([0, 0, 1, 0, 1]).buffer].map(fails),
                socket: ['http://h:1/a/b/#/camera/x', 'https://h/'].map(wire.socketUrl),
                pauses: [1, 2, 3, 60].map(failures => backoff.pause(failures, 1)),
                routes: ['', '#/', '#/camera/a%20b', '#/camera/%'].map(hash => router.readRoute(hash).id),
              };
            }"""
        )
    plain = {key: [str(value).replace("\xa0", " ") for value in values] for key, values in found.items()}
    assert plain == {
        "durations": ["0 s", "59 s", "1 min 01 s", "1 h 02 min"],
        "stopwatch": ["0:05", "2:05", "1:02:05"],
        "ages": ["84 ms", "1.2 s", "12 s"],
        "years": ["25–31 years", "28 years"],
        "sentences": ["Connection refused", "rtsp://a/b: refused", "/dev/video7: none"],
        "jpeg": ["7", "8"],
        "broken": ["True", "True"],
        "socket": ["ws://h:1/a/b/ws", "wss://h/ws"],
        "pauses": ["500", "1000", "2000", "15000"],
        "routes": ["None", "None", "a b", "%"],
    }


def test_page_asks_nothing_of_other_places_and_works_under_a_path() -> None:
    """No address in the page's files begins at the root or names a host."""
    for file in sorted(STATIC.rglob("*")):
        if file.suffix in {".html", ".css", ".js"}:
            text = file.read_text(encoding="utf-8")
            outside = r"""(?:href|src)="(?:/|https?:)|url\((?!#)|from "(?!\.\.?/)|fetch\(["`]/"""
            assert not re.search(outside, text), file.name
            assert not re.search(r"""\sstyle="|\son\w+="|innerHTML|insertAdjacentHTML""", text), file.name
