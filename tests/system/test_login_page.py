"""Signing in with a real browser, whose headers no test client sends as it does."""

from __future__ import annotations

import pytest

from tests.system.browser import Visit
from tests.system.page_site import LOBBY, Site, tile, wait_for_picture

pytestmark = [pytest.mark.system, pytest.mark.browser]

TOKEN = "a-token-of-the-tests-0123456789"


def test_a_wrong_token_is_told_and_the_right_one_leads_to_the_pictures(visit: Visit) -> None:
    with Site(LOBBY, token=TOKEN) as site:
        visitor = visit(site.url)
        page = visitor.page
        page.fill("#token", "not the token")
        page.click("button")
        page.wait_for_selector("text=This token is not known here, or has ended.")
        page.fill("#token", TOKEN)
        page.click("button")
        wait_for_picture(visitor, f"{tile('lobby')} .screen")
        [cookie] = visitor.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        # The browser tells of each 401 by itself; anything more fails the test
        visitor.complaints[:] = [text for text in visitor.complaints if "401" not in text]


def test_the_documentation_page_needs_nothing_from_elsewhere(visit: Visit) -> None:
    with Site(LOBBY) as site:
        visitor = visit(site.url + "docs")
        assert "/api/v1/cameras/{camera_id}/snapshot.jpg" in visitor.page.inner_text("main")
        assert not visitor.overflows()
