"""What the figures may cost: rows of an answer, questions that wait, and time on the server's loop."""

from __future__ import annotations

import asyncio
import csv
import dataclasses
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import HTTPException
from sqlalchemy import insert

from streamer.server.app import create_app
from streamer.server.footfall_api import Figures
from streamer.server.services import Services
from streamer.store import tables
from streamer.store.database import Database
from streamer.store.footfall import MOST_ROWS
from tests.server_harness import make_services, until
from tests.stores import NOON
from tests.unit.server.asking import get

MINUTE = 60_000
LINES = 10
MINUTES = MOST_ROWS // LINES + 10
BEGIN = int(NOON) * 1000


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """In each minute somebody crosses each of the lobby's lines: more pairs of both than an answer may have rows."""
    database = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    database.open()
    rows = [
        {
            "key": f"{minute}-{line}",
            "visit": "v",
            "camera": "lobby",
            "line": f"line-{line}",
            "direction": "in",
            "at": BEGIN + minute * MINUTE,
            "gender": "unknown",
            "age_group": "unknown",
        }
        for minute in range(MINUTES)
        for line in range(LINES)
    ]
    with database.write() as connection:
        connection.execute(insert(tables.crossings), rows)
    yield dataclasses.replace(make_services()[0], database=database)
    database.close()


def _ask(services: Services, minutes: int, **more: str) -> Any:
    """By line, of so many minutes."""
    span = {"from": str(NOON), "to": str(NOON + 60 * minutes), "camera": "lobby", "group_by": "line"}
    asked = "&".join(f"{name}={value}" for name, value in (span | more).items())
    return asyncio.run(get(create_app(services), f"/api/v1/footfall?{asked}"))


def test_more_rows_than_an_answer_may_have_are_refused_saying_what_to_ask_for(services: Services) -> None:
    refused = _ask(services, MINUTES, bucket="minute")
    assert refused.status_code == 422
    assert refused.json()["detail"] == "bucket: more than 50000 rows; ask for longer buckets, or for fewer groups"
    assert len(_ask(services, MINUTES, bucket="minute", group_by="").json()["rows"]) == MINUTES


def test_quiet_stretches_are_rows_too(services: Services) -> None:
    quiet = 100  # after the last crossing
    whole = MOST_ROWS // LINES - quiet // LINES
    asked = {"bucket": "minute", "format": "csv"}
    begin = NOON + 60 * (MINUTES - whole)
    to = str(begin + 60 * (whole + quiet))
    taken = _ask(services, 0, **asked, **{"from": str(begin), "to": to})
    assert taken.text.count("\n") == MOST_ROWS + 1
    assert _ask(services, 0, **asked, **{"from": str(begin), "to": str(float(to) + 60)}).status_code == 422


def test_a_long_answer_is_the_same_in_json_and_as_a_table(services: Services) -> None:
    document = _ask(services, 321, bucket="minute").json()
    table = list(csv.DictReader(io.StringIO(_ask(services, 321, bucket="minute", format="csv").text)))
    assert (document["count"], len(document["rows"])) == ("crossings", 321 * LINES)
    assert [(row["start"], row["line"]) for row in document["rows"]] == [
        (float(row["start"]), row["line"]) for row in table
    ]


def test_few_questions_wait_and_no_answer_is_written_on_the_loop(services: Services) -> None:
    async def scenario() -> None:
        figures, gate, begun = Figures(services), threading.Event(), list[str]()

        def slow(_: Any) -> str:
            begun.append(threading.current_thread().name)
            assert gate.wait(20)
            return "found"

        def told(found: str) -> tuple[str, bool]:
            return found, threading.current_thread() is threading.main_thread()

        asked = [asyncio.create_task(figures.tell(slow, told)) for _ in range(68)]
        await until(lambda: len(begun) == 4)
        with pytest.raises(HTTPException) as refused:
            await figures.tell(slow, told)
        assert (refused.value.status_code, refused.value.headers) == (503, {"Retry-After": "2"})
        gate.set()
        assert await asyncio.gather(*asked) == [("found", False)] * 68
        assert await figures.ask(slow) == "found", "there is room again"

    asyncio.run(scenario())
