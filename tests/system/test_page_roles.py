"""The page of somebody who may not do everything: what they can't do isn't offered, and they are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer.config import AuthConfig
from streamer.server.access.rights import Role
from streamer.server.access.tokens import TokenFile
from tests.system.browser import DESKTOP, PHONE, Visit, Visitor
from tests.system.page_site import TWO, Site, tile, wait_for_picture

pytestmark = [pytest.mark.system, pytest.mark.browser]


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json")


def sign_in(visitor: Visitor, token: str) -> None:
    """And wait for the pictures."""
    visitor.page.fill("#token", token)
    visitor.page.click("button")
    wait_for_picture(visitor, f"{tile('lobby')} .screen")


def forget_refusals(visitor: Visitor) -> None:
    """The browser tells of each 401 by itself; anything more fails the test."""
    refusals = ("401", "HTTP Authentication failed")
    visitor.complaints[:] = [text for text in visitor.complaints if not any(each in text for each in refusals)]


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_a_viewer_sees_their_camera_and_its_lines_and_is_told_why_they_can_t_draw(
    visit: Visit, file: TokenFile, size: tuple[int, int]
) -> None:
    token, _ = file.add(Role.VIEWER, cameras=["lobby"], name="staff")
    with Site(TWO, auth=AuthConfig(file=file.path)) as site:
        visitor = visit(site.url, size=size)
        sign_in(visitor, token)
        page = visitor.page
        assert page.locator(".tile").count() == 1
        assert page.text_content("#role") == "Watching only"
        page.goto(site.url + "#/camera/lobby")
        page.click("#edit-rules")
        page.wait_for_selector("#rules-hint:has-text('Your token is for watching')")
        assert page.is_hidden("#draw-line")
        assert page.is_hidden("#draw-zone")
        assert not visitor.overflows()
        page.goto(site.url + "#/camera/gate")
        page.wait_for_selector("#camera-problem:has-text('that your token is for')")
        # While they watch, the token is taken from them
        file.revoke("staff")
        page.wait_for_selector("text=You are signed out.")
        forget_refusals(visitor)


def test_an_operator_is_offered_to_draw(visit: Visit, file: TokenFile) -> None:
    token, _ = file.add(Role.OPERATOR)
    with Site(TWO, auth=AuthConfig(file=file.path)) as site:
        visitor = visit(site.url)
        sign_in(visitor, token)
        assert visitor.page.inner_text("#role") == "Operator"
        visitor.page.goto(site.url + "#/camera/lobby")
        visitor.page.click("#edit-rules")
        assert visitor.page.is_visible("#draw-line")
        forget_refusals(visitor)


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_who_signed_in_can_sign_out(visit: Visit, file: TokenFile, size: tuple[int, int]) -> None:
    token, _ = file.add(Role.VIEWER)
    with Site(TWO, auth=AuthConfig(file=file.path)) as site:
        visitor = visit(site.url, size=size)
        sign_in(visitor, token)
        assert not visitor.overflows()
        visitor.page.click("#sign-out")
        visitor.page.wait_for_selector("#token")
        visitor.page.goto(site.url)
        assert visitor.page.is_visible("#token")
        forget_refusals(visitor)


def test_where_nobody_signs_in_nobody_signs_out(visit: Visit) -> None:
    with Site(TWO) as site:
        visitor = visit(site.url)
        wait_for_picture(visitor, f"{tile('lobby')} .screen")
        assert visitor.page.is_hidden("#sign-out")
