"""Figures are of the token's cameras, however they are asked for."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from streamer.analytics.age_groups import AgeGroups
from streamer.analytics.heat import COLUMNS, ROWS
from streamer.config import AuthConfig
from streamer.server.access.rights import Role
from streamer.server.access.tokens import TokenFile
from streamer.server.app import create_app
from streamer.store.batch import write_rows, write_uptime
from streamer.store.database import Database
from streamer.store.rows import Item, rows_of, uptime_rows
from streamer.store.uptime import Interval
from streamer.types import OccupancyMinute
from tests.server_harness import make_services
from tests.stores import NOON, Story
from tests.unit.server.asking import browser

DAY = "from=2025-11-25T11:00Z&to=2025-11-25T16:00Z"
LISTS = (
    f"/api/v1/footfall?{DAY}&bucket=total",
    f"/api/v1/footfall?{DAY}&bucket=total&group_by=camera",
    f"/api/v1/footfall?{DAY}&bucket=total&group_by=camera&format=csv",
    f"/api/v1/footfall?{DAY}&bucket=total&count=crossings&group_by=camera,line",
    f"/api/v1/occupancy?{DAY}",
    f"/api/v1/dwell?{DAY}",
    f"/api/v1/visits?{DAY}",
    f"/api/v1/events?{DAY}",
)

Ask = Callable[[list[str] | None, str], httpx.Response]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """Asks, with a viewer's token for some cameras: one visit at the yard, three at the lobby, half an hour each."""
    database = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    database.open()
    items: list[Item] = []
    for camera, visits in (("yard", 1), ("lobby", 3)):
        for i in range(visits):
            story = Story(f"{camera}-visit-{i}", camera=camera)
            items += [story.starts(NOON + i), story.crosses(NOON + 2 + i, f"{camera}-line")]
            items.append(story.ends(NOON + 1800 + i, NOON + i))
        items.append(OccupancyMinute(camera, "", int(NOON), float(visits), visits, 60.0))
    up = [Interval(camera, NOON - 3600, NOON + 14_400) for camera in ("yard", "lobby")]
    with database.write() as connection:
        write_rows(connection, rows_of(items, session="run", group_of=AgeGroups().of))
        write_uptime(connection, uptime_rows(up, session="run"))
    file = TokenFile(tmp_path / "tokens.json")
    services, _ = make_services(auth=AuthConfig(file=file.path))
    grid = np.full((ROWS, COLUMNS), 7.0, np.float32)
    app = create_app(dataclasses.replace(services, database=database, heat=lambda *_: grid))

    def asking(cameras: list[str] | None, path: str) -> httpx.Response:
        token, _ = file.add(Role.VIEWER, cameras=cameras)

        async def scenario() -> httpx.Response:
            async with browser(app, Authorization=f"Bearer {token}") as client:
                return await client.get(path)

        return asyncio.run(scenario())

    yield asking
    database.close()


@pytest.mark.parametrize("path", LISTS)
def test_what_is_asked_for_all_cameras_is_told_of_the_token_s(ask: Ask, path: str) -> None:
    yard, all_of_them = ask(["yard"], path), ask(None, path)
    assert yard.status_code == all_of_them.status_code == 200, yard.text
    assert "lobby" not in yard.text
    # the same as if only this camera were asked for
    assert yard.text == ask(None, f"{path}&camera=yard").text
    assert yard.text != all_of_them.text


@pytest.mark.parametrize("path", LISTS)
def test_a_camera_of_others_has_no_figures_as_one_that_does_not_exist(ask: Ask, path: str) -> None:
    others, nowhere = ask(["yard"], f"{path}&camera=lobby"), ask(["yard"], f"{path}&camera=nowhere")
    assert others.status_code == 404
    assert others.text.replace("lobby", "nowhere") == nowhere.text
    assert ask(["yard"], f"{path}&camera=yard").status_code == 200


@pytest.mark.parametrize("path", LISTS)
def test_a_token_whose_cameras_are_gone_from_the_configuration_sees_nothing(ask: Ask, path: str) -> None:
    answer = ask(["sold"], path)
    assert answer.status_code == 200, answer.text
    assert not any(word in answer.text for word in ("lobby", "yard"))


def test_a_page_s_cursor_of_somebody_else_leads_to_nothing_of_theirs(ask: Ask) -> None:
    """It says where to go on, not what may be seen."""
    cursor: Any = ask(None, f"/api/v1/events?{DAY}&limit=1").json()["next"]
    assert cursor
    rows = ask(["yard"], f"/api/v1/events?{DAY}&cursor={cursor}").json()["rows"]
    assert {row["camera"] for row in rows} <= {"yard"}


def test_heat_is_of_the_token_s_cameras(ask: Ask) -> None:
    assert ask(["yard"], "/api/v1/cameras/yard/heat").json()["seconds"] == [[7.0] * COLUMNS] * ROWS
    assert ask(["yard"], "/api/v1/cameras/lobby/heat").status_code == 404
