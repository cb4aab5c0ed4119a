"""A shop with a camera and a week of made-up figures, and the hands that draw on its picture."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from playwright.sync_api import Page

from tests.shop import fill
from tests.system.program import Program

__all__ = ["BERLIN", "Place", "Shop", "drag", "tap", "touch_and_drag"]

BERLIN = ZoneInfo("Europe/Berlin")
# The passers-by of the demo scene walk along its lower half, to the right
GATE = {"name": "gate", "start": [0.5, 0.98], "end": [0.5, 0.55], "in_label": "came in", "out_label": "went out"}

Place = tuple[float, float]
"""Fractions of the picture, which fills its screen."""


class Shop:
    """The program with one camera, over a week of made-up figures."""

    def __init__(self, folder: Path, *, zone: ZoneInfo = BERLIN, source: str = "demo", **config: Any) -> None:
        """zone: whose days the figures have. source: of the camera. config: more of the configuration."""
        self.folder = folder
        self.zone = zone
        self.now = datetime.now(zone)
        self.store = {"url": f"sqlite:///{folder / 'figures.sqlite3'}"}
        fill(self.store["url"], "demo", self.now)
        camera = {"id": "demo", "name": "Shop door", "source": source, "lines": [GATE]}
        self.program = Program(folder, {"cameras": [camera], "store": self.store, **config})

    def day(self, ago: int) -> datetime:
        """The midnight with which the day began so many days before today."""
        return datetime.combine(self.now.date() - timedelta(days=ago), datetime.min.time(), self.zone)

    @property
    def yesterday(self) -> datetime:
        """Its midnight."""
        return self.day(1)

    def asked(self, path: str, day: datetime, **parameters: str) -> Any:
        """What the API answers for a day."""
        end = datetime.combine(day.date() + timedelta(days=1), datetime.min.time(), self.zone)
        times = {"from": day.timestamp(), "to": end.timestamp()}
        return self.program.get(f"/api/v1/{path}?{urlencode({'camera': 'demo', **times, **parameters})}")

    def address(self, day: datetime, **more: str) -> str:
        """Of the page, for this day."""
        date = f"{day:%Y-%m-%d}"
        return f"{self.program.url}/#/footfall?{urlencode({'from': date, 'to': date, **more})}"

    def rules(self) -> dict[str, dict[str, Any]]:
        """The camera's lines and zones as they are kept, by name."""
        found = self.program.get("/api/v1/cameras/demo/rules")
        return {rule["name"]: rule for kind in ("lines", "zones") for rule in found[kind]}

    @contextmanager
    def broken_store(self) -> Iterator[None]:
        """While its tables of visits are missing."""
        with closing(sqlite3.connect(self.folder / "figures.sqlite3", timeout=10)) as database:
            database.execute("ALTER TABLE visits RENAME TO visits_away")
            try:
                yield
            finally:
                database.execute("ALTER TABLE visits_away RENAME TO visits")


def _points(page: Page, places: Sequence[Place]) -> list[tuple[float, float]]:
    """In CSS pixels of the window."""
    page.locator("#camera-screen").scroll_into_view_if_needed()
    box = page.locator("#camera-screen").bounding_box()
    assert box is not None
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in places]


def drag(page: Page, start: Place, end: Place) -> None:
    """With the mouse."""
    first, last = _points(page, (start, end))
    page.mouse.move(*first)
    page.mouse.down()
    page.mouse.move(*last, steps=5)
    page.mouse.up()


def tap(page: Page, *places: Place) -> None:
    """Click with the mouse, one after another."""
    for point in _points(page, places):
        page.mouse.click(*point)


def touch_and_drag(page: Page, start: Place, end: Place) -> None:
    """With a finger: touch events as a touch screen sends them, which the browser may take for scrolling."""
    session = page.context.new_cdp_session(page)
    half = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    for kind, point in zip(("touchStart", "touchMove", "touchMove"), _points(page, (start, half, end)), strict=True):
        touched = {"type": kind, "touchPoints": [{"x": point[0], "y": point[1]}]}
        session.send("Input.dispatchTouchEvent", touched)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()
