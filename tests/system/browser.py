"""Starts the system's Chromium, and watches what a page complains of."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, sync_playwright

from tests.requirements import require

__all__ = ["DESKTOP", "PHONE", "Visit", "Visitor", "chromium"]

DESKTOP = (1440, 900)  # CSS pixels
PHONE = (390, 844)

# The sandbox needs privileges that containers withhold; the rest keeps the browser from talking to anybody else.
_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser, for as long as the context is open. Skips the test where there is none."""
    executable = next((path for name in _NAMES if (path := shutil.which(name))), None)
    require(executable is not None, "Chromium, to look at the page with")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody who looks at the page in a window of a given size, width and height in CSS pixels.

    complaints: console errors and warnings, uncaught exceptions and violations of the page's security policy.
    """

    def __init__(
        self,
        browser: Browser,
        size: tuple[int, int] = DESKTOP,
        *,
        scheme: str = "light",
        timezone: str | None = None,
        any_certificate: bool = False,
    ) -> None:
        phone = size == PHONE
        self._width = size[0]
        self.context: BrowserContext = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if scheme == "dark" else "light",
            has_touch=phone,
            is_mobile=phone,
            device_scale_factor=2 if phone else 1,
            reduced_motion="reduce",
            timezone_id=timezone,
            ignore_https_errors=any_certificate,
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.complaints: list[str] = []
        self.page.on("console", self._on_console)
        self.page.on("pageerror", self._on_page_error)

    def _on_console(self, message: ConsoleMessage) -> None:
        # A violated Content-Security-Policy is an error on the console, too
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _on_page_error(self, error: Error) -> None:
        self.complaints.append(str(error))

    def until(self, condition: str, argument: object = None) -> None:
        """Wait until this JavaScript function of `argument` is true; TimeoutError after 15 s.

        Not an expression: the page's security policy forbids to evaluate it.
        """
        self.page.wait_for_function(condition, arg=argument)

    def overflows(self) -> bool:
        """Whether the page is wider than its window; not than `innerWidth`, which grows with it on a phone."""
        return bool(self.page.evaluate("width => document.documentElement.scrollWidth > width", self._width))

    def close(self) -> None:
        """Close the window."""
        self.context.close()


Visit = Callable[..., Visitor]  # the fixture `visit`
