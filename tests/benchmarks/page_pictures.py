"""Makes the pictures of the page that the documentation shows, from the demo and a made-up shop's figures.

`python -m tests.benchmarks.page_pictures` writes `docs/page.jpg` and `docs/footfall.jpg`.
"""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.shop import fill
from tests.system.browser import Visitor, chromium
from tests.system.page_shop import BERLIN
from tests.system.page_site import wait_for_picture
from tests.system.program import Program

DOCS = Path(__file__).resolve().parents[2] / "docs"
SIZE = (1280, 800)  # CSS pixels
MOST = 200_000  # bytes of a picture
FACES = 7  # all of the demo's
LINE = {"name": "gate", "start": [0.5, 0.98], "end": [0.5, 0.55]}

# Every face in sight has its age and gender, nobody is carried on by motion alone, and visits have ended before
_SETTLED = """faces => {
  const people = [...document.querySelectorAll('.person')];
  const ended = document.querySelectorAll('[data-kind="visit_ended"]').length;
  return ended >= 2 && people.length === faces && people.every(person =>
    person.dataset.coasting === 'no' && !person.querySelector('.unknown'));
}"""


def live(browser: Browser, url: str) -> None:
    """The large view, at a moment with all faces of the demo in sight."""
    visitor = Visitor(browser, SIZE, timezone=BERLIN.key)
    visitor.page.set_default_timeout(60_000)  # more than two rounds of the scene
    visitor.page.goto(f"{url}/#/camera/demo")
    wait_for_picture(visitor, "#camera-screen")
    visitor.page.wait_for_function(_SETTLED, arg=FACES, timeout=60_000)
    _save(visitor.page, DOCS / "page.jpg", full=False)
    visitor.close()


def footfall(browser: Browser, url: str) -> None:
    """The figures of the day before, and of the demo's faces so far."""
    visitor = Visitor(browser, SIZE, timezone=BERLIN.key)
    visitor.page.goto(f"{url}/#/footfall?range=7d")
    visitor.page.wait_for_selector("#chart-heat canvas")
    visitor.page.wait_for_selector("#chart-flow .mark")
    _save(visitor.page, DOCS / "footfall.jpg", full=True)
    visitor.close()


def _save(page: Page, file: Path, *, full: bool) -> None:
    """As sharp as fits into MOST bytes."""
    for quality in range(90, 40, -5):
        picture = page.screenshot(full_page=full, type="jpeg", quality=quality)
        if len(picture) <= MOST:
            break
    else:
        raise SystemExit(f"{file}: no picture of {MOST} bytes can be made of it")
    file.write_bytes(picture)
    print(f"{file}: {len(picture)} bytes, quality {quality}")


def main() -> None:
    """Start the program over made-up figures and look at it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = {"url": f"sqlite:///{folder / 'figures.sqlite3'}"}
        fill(store["url"], "demo", datetime.now(BERLIN), days=15)
        camera = {"id": "demo", "name": "Shop door", "source": "demo", "lines": [LINE]}
        with Program(folder, {"cameras": [camera], "store": store}) as program, chromium() as browser:
            program.wait_for_state("demo", "live", 60)
            live(browser, program.url)
            footfall(browser, program.url)


if __name__ == "__main__":
    main()
