"""What the page says when a camera, the server or the session is gone."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from streamer.types import CameraState
from tests.server_harness import Scene
from tests.system.browser import Visit
from tests.system.page_site import (
    LOBBY,
    TWO,
    Site,
    complaints_of_lost_connections,
    tile,
    wait_for_change,
    wait_for_picture,
)

TOKEN = "a-token-of-the-test"

pytestmark = [pytest.mark.system, pytest.mark.browser]


def test_camera_that_goes_down_says_why_and_when_it_is_tried_again_and_comes_back(visit: Visit) -> None:
    with Site(TWO) as site:
        visitor = visit(site.url)
        page, camera = visitor.page, site.camera("gate")
        wait_for_picture(visitor, f"{tile('gate')} .screen")
        camera.scene = replace(camera.scene, down=camera.scene.period)
        expect(page.locator(f"{tile('gate')} .veil-head")).to_have_text(
            re.compile("^Camera lost – (next attempt in .* s|trying again…)$")
        )
        expect(page.locator(f"{tile('gate')} .veil-detail")).to_contain_text("connection refused")
        expect(page.locator(f"{tile('gate')} .pill-text")).to_have_text(re.compile(r"^(Retry in \d s|Reconnecting)$"))
        expect(page.locator(f"{tile('gate')} .tile-faces-text")).to_have_text("Faces not known")
        expect(page.locator("#summary")).to_contain_text("1 of 2 live")
        expect(page.locator('.event[data-kind="camera_down"]')).to_contain_text("Gate <b>&")
        wait_for_change(visitor, f"{tile('lobby')} .picture")
        camera.scene = replace(camera.scene, down=0.0)
        wait_for_picture(visitor, f"{tile('gate')} .screen")
        wait_for_change(visitor, f"{tile('gate')} .picture")
        expect(page.locator('.event[data-kind="camera_up"]').first).to_contain_text("Gate <b>&")


def test_camera_that_delivers_nothing_while_live_is_never_shown_as_if_it_were(visit: Visit) -> None:
    with Site(LOBBY) as site:
        visitor = visit(site.url)
        camera = site.camera("lobby")
        wait_for_picture(visitor, f"{tile('lobby')} .screen")
        camera.scene = replace(camera.scene, fps=0.01)
        expect(visitor.page.locator(f"{tile('lobby')} .veil-head")).to_have_text(re.compile(r"^No picture for \d+\ss$"))
        assert visitor.page.locator(f"{tile('lobby')} .tile-age").inner_text() == ""


def test_a_camera_whose_frames_all_fail_is_named_and_nothing_claims_that_all_cameras_go_on(visit: Visit) -> None:
    with Site(LOBBY) as site:
        page = visit(site.url).page
        health = site.harness.services.health
        health.report("store", "locked")
        expect(page.locator("#degraded")).to_contain_text("The cameras go on. Store: locked")
        health.report("camera lobby", "none of its frames is analysed: the net is ill")
        expect(page.locator("#degraded-detail")).to_contain_text("Camera lobby: none of its frames is analysed")
        expect(page.locator("#degraded-else")).to_be_hidden()
        health.report("camera lobby", None)
        health.report("store", None)
        expect(page.locator("#degraded")).to_be_hidden()


def test_failed_camera_says_so(visit: Visit) -> None:
    with Site({**LOBBY, "roof": Scene("Roof", state=CameraState.FAILED)}) as site:
        page = visit(site.url).page
        expect(page.locator(f"{tile('roof')} .veil-head")).to_have_text("Camera failed")
        expect(page.locator(f"{tile('roof')} .veil-detail")).to_have_text("/dev/video7: no such file")


def test_lost_connection_is_shown_and_recovered_from(visit: Visit) -> None:
    site = Site(LOBBY)
    with site:
        visitor = visit(site.url)
        wait_for_picture(visitor, f"{tile('lobby')} .screen")
    page = visitor.page
    with complaints_of_lost_connections(visitor):
        expect(page.locator("#link-text")).to_have_text(re.compile(r"^Reconnecting(…| in \d+ s)$"))
        expect(page.locator(f"{tile('lobby')} .veil-head")).to_have_text("Connection lost – reconnecting…")
        expect(page.locator("#banner")).to_contain_text("Connection lost at")
        expect(page.locator("#announce")).to_have_text("Connection lost, reconnecting")
        assert page.locator(f"{tile('lobby')} .screen").get_attribute("data-live") == "no"
        with site:
            page.evaluate("document.querySelector('#banner-action').click()")  # or by itself, whichever is first
            wait_for_picture(visitor, f"{tile('lobby')} .screen")
            wait_for_change(visitor, f"{tile('lobby')} .picture")
            expect(page.locator("#link-text")).to_have_text("Connected")
            expect(page.locator("#banner")).to_be_hidden()


def test_address_of_a_camera_that_does_not_exist_says_so(visit: Visit) -> None:
    with Site(LOBBY) as site:
        page = visit(site.url + "#/camera/cellar").page
        expect(page.locator("#camera-problem")).to_contain_text("There is no camera “cellar”")
        page.locator("#back").click()
        expect(page.locator(".tile[data-camera]")).to_have_count(1)


def test_token_typed_into_the_form_opens_the_page(visit: Visit) -> None:
    with Site(LOBBY, token=TOKEN) as site:
        visitor = visit(site.url)
        visitor.page.locator("#token").fill(TOKEN)
        visitor.page.keyboard.press("Enter")
        wait_for_picture(visitor, f"{tile('lobby')} .screen")
        visitor.complaints.clear()  # of the 401 before


def test_page_says_that_it_is_signed_out_when_the_token_changes(visit: Visit) -> None:
    site = Site(LOBBY, token=TOKEN)
    with site:
        visitor = visit(site.url)
        visitor.page.request.post(site.url + "login", form={"token": TOKEN})
        visitor.page.reload()
        wait_for_picture(visitor, f"{tile('lobby')} .screen")
    with complaints_of_lost_connections(visitor):
        site.overrides["token"] = TOKEN + ", another"
        with site:
            expect(visitor.page.locator("#link-text")).to_have_text("Signed out")
            expect(visitor.page.locator("#banner")).to_contain_text("Sign in again")
        visitor.complaints[:] = [text for text in visitor.complaints if "401" not in text]
