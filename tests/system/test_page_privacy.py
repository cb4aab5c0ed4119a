"""The page under `privacy: metadata_only`: boxes on a plain ground, and not one picture on the wire."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Request, WebSocket, expect

from tests.system.browser import Visitor
from tests.system.page_site import LOBBY, Site, pixels_of, wait_for_change, wait_for_picture

pytestmark = [pytest.mark.system, pytest.mark.browser]

# A woman's box is orange, as on pictures
ORANGE = f"""() => {{
  const pixels = {pixels_of("document.querySelector('#camera-screen .picture')")};
  for (let i = 0; i < pixels.length; i += 4)
    if (pixels[i] > 200 && pixels[i + 1] > 130 && pixels[i + 1] < 185 && pixels[i + 2] < 60) return true;
  return false;
}}"""


def test_faces_are_shown_as_boxes_and_no_picture_is_asked_for_or_sent(browser: Browser) -> None:
    pictures: list[bytes] = []
    asked: list[str] = []

    def heard(websocket: WebSocket) -> None:
        websocket.on("framereceived", lambda payload: pictures.append(payload) if isinstance(payload, bytes) else None)

    def requested(request: Request) -> None:
        asked.append(request.url)

    with Site(LOBBY, privacy="metadata_only") as site:
        visitor = Visitor(browser)
        visitor.page.on("websocket", heard)
        visitor.page.on("request", requested)
        visitor.page.goto(site.url)
        wait_for_picture(visitor, ".tile .screen")
        expect(visitor.page.locator(".tile .plain-note")).to_be_visible()
        visitor.page.locator(".tile").click()
        wait_for_picture(visitor, "#camera-screen")
        wait_for_change(visitor, "#camera-screen .picture")
        visitor.until(ORANGE)
        expect(visitor.page.locator(".person")).to_have_count(3)
        expect(visitor.page.locator("#people-note")).to_contain_text("No picture leaves the program")
        for control in ("#snapshot", "#kinds"):
            expect(visitor.page.locator(control)).to_be_hidden()
        visitor.page.locator("#to-footfall").click()
        expect(visitor.page.locator("#footfall-title")).to_be_visible()
        visitor.close()
    assert pictures == []
    assert not [url for url in asked if ".jpg" in url or "mjpg" in url]
