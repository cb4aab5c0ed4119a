"""A browser for the tests that need one, and the page opened in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.system.browser import Visit, Visitor, chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Started once for all tests of a module."""
    with chromium() as started:
        yield started


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens an address; takes the options of `Visitor`. What a visitor complains of fails the test."""
    visitors: list[Visitor] = []

    def open_page(address: str, **options: Any) -> Visitor:
        visitor = Visitor(browser, **options)
        visitors.append(visitor)
        visitor.page.goto(address)
        return visitor

    yield open_page
    for visitor in visitors:
        visitor.close()
    assert [complaint for visitor in visitors for complaint in visitor.complaints] == []
