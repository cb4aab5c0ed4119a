"""The API of the figures, over a real database: what is answered, in which shape, and what is refused how."""

from __future__ import annotations

import asyncio
import csv
import dataclasses
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from streamer.analytics.age_groups import AgeGroups
from streamer.analytics.rules import Rules
from streamer.config import CameraConfig, LineConfig, RulesConfig
from streamer.server.app import create_app
from streamer.server.figures_schemas import DwellModel, EventsModel, FootfallModel, OccupancyModel, VisitsModel
from streamer.store.batch import write_rows, write_uptime
from streamer.store.database import Database
from streamer.store.drawn_rules import read_rules
from streamer.store.rows import Item, rows_of, uptime_rows
from streamer.store.rule_book import RuleBook
from streamer.store.uptime import Interval
from streamer.types import OccupancyMinute
from tests.server_harness import make_services
from tests.stores import NOON, Story, track


class Api:
    """The application over a store; the cameras are those of the harness."""

    def __init__(self, database: Database | None) -> None:
        services, _ = make_services()
        self.applied: dict[str, Rules] = {}
        door = CameraConfig(
            id="lobby", source="demo", lines=(LineConfig(name="entrance", start=(0.5, 1.0), end=(0.5, 0.0)),)
        )
        cameras = (door, *(camera for camera in services.config.cameras if camera.id != "lobby"))
        self.book = RuleBook(cameras, database, lambda camera, rules: self.applied.update({camera: rules}))
        self.services = dataclasses.replace(services, database=database, rule_book=self.book)

    def ask(self, path: str, method: str = "GET", **more: Any) -> httpx.Response:
        async def asking() -> httpx.Response:
            app = create_app(self.services)
            transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
            ):
                return await client.request(method, path, **more)

        return asyncio.run(asking())

    def rows(self, path: str) -> list[dict[str, Any]]:
        answer = self.ask(path)
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["rows"]
        return rows


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """From 11:00 to 15:00 the lobby was up, but for 13:00 to 14:00; three visits, crossings in and out, a stay."""
    made = Database(f"sqlite:///{tmp_path / 'store.sqlite3'}")
    made.open()
    people = {
        "v1": (NOON + 60, 20.0, track(age=30.0, gender="female")),
        "v2": (NOON + 1200, 100.0, track(age=40.0, gender="male")),
        "v3": (NOON + 7300, 8.0, track(age=None)),
    }
    items: list[Item] = []
    for key, (begin, lasted, who) in people.items():
        visit = Story(key, camera="lobby", who=who)
        items += [visit.starts(begin), visit.crosses(begin + 2), visit.leaves(begin + 6, begin + 3)]
        if key == "v2":
            items.append(visit.crosses(begin + lasted - 1, direction="out"))
        items.append(visit.ends(begin + lasted, begin))
    items += [OccupancyMinute("lobby", "", int(NOON) + 60 * i, 1.0 + i, 2 + i, 60.0) for i in range(3)]
    up = [Interval("lobby", NOON - 3600, NOON + 3600), Interval("lobby", NOON + 7200, NOON + 10_800)]
    with made.write() as connection:
        write_rows(connection, rows_of(items, session="run", group_of=AgeGroups().of))
        write_uptime(connection, uptime_rows(up, session="run"))
    yield made
    made.close()


@pytest.fixture
def api(database: Database) -> Api:
    return Api(database)


DAY = "from=2025-11-25T11:00Z&to=2025-11-25T16:00Z&camera=lobby"


def test_visits_by_hour_tell_zero_from_down(api: Api) -> None:
    answer = api.ask(f"/api/v1/footfall?{DAY}&bucket=hour&tz=Europe/Berlin")
    found = FootfallModel.model_validate(answer.json())
    assert [(row.time[11:16], row.count, row.up) for row in found.rows] == [
        ("12:00", 0, 1.0),  # quiet
        ("13:00", 2, 1.0),
        ("14:00", None, 0.0),  # down
        ("15:00", 1, 1.0),
        ("16:00", None, 0.0),
    ]
    assert found.rows[1].dwell == 60.0
    assert (found.count, found.tz) == ("visits", "Europe/Berlin")


@pytest.mark.parametrize(
    ("asked", "groups"),
    [
        ("group_by=gender", {("female",): 1, ("male",): 1, ("unknown",): 1}),
        ("group_by=gender,age_group", {("female", "25-34"): 1, ("male", "35-44"): 1, ("unknown", "unknown"): 1}),
        ("group_by=direction", {("in",): 3, ("out",): 1}),  # so crossings are meant
        ("line=entrance&group_by=direction", {("in",): 3, ("out",): 1}),
        ("line=elsewhere", {}),
        ("zone=till", {(): 3}),
        ("count=crossings&group_by=line,gender&line=entrance", {
            ("entrance", "female"): 1, ("entrance", "male"): 2, ("entrance", "unknown"): 1,
        }),
    ],
)  # fmt: skip
def test_counts_by_group(api: Api, asked: str, groups: dict[tuple[str, ...], int]) -> None:
    names = [name for name in ("line", "direction", "gender", "age_group") if name in asked.partition("group_by=")[2]]
    rows = api.rows(f"/api/v1/footfall?{DAY}&bucket=total&{asked}")
    assert {tuple(row[name] for name in names): row["count"] for row in rows if row["count"]} == groups


@pytest.mark.parametrize("bucket", ["minute", "hour", "day", "week", "total"])
def test_every_bucket_adds_up_to_the_same_also_between_hours(api: Api, bucket: str) -> None:
    cut = "from=2025-11-25T12:00:30Z&to=2025-11-25T14:01:41Z&camera=lobby"  # the third visit began at 14:01:40
    assert sum(row["count"] or 0 for row in api.rows(f"/api/v1/footfall?{cut}&bucket={bucket}&tz=Asia/Kolkata")) == 3
    assert sum(row["count"] or 0 for row in api.rows(f"/api/v1/footfall?{cut[:-14]}&bucket={bucket}")) == 3


def test_figures_as_a_table(api: Api) -> None:
    for asked, headers in ((f"{DAY}&format=csv", {}), (DAY, {"Accept": "text/csv"})):
        answer = api.ask(f"/api/v1/footfall?{asked}&bucket=hour&group_by=gender", headers=headers)
        assert answer.headers["content-type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [(row["gender"], row["count"]) for row in rows if row["time"].startswith("2025-11-25T12:00")] == [
            ("female", "1"),
            ("male", "1"),
        ]
        assert [row["count"] for row in rows if row["time"].startswith("2025-11-25T13:00")] == [""]


def test_no_name_in_a_table_is_run_as_a_formula(api: Api, database: Database) -> None:
    visit = Story("formula", camera="lobby")
    items: list[Item] = [visit.crosses(NOON + 30, '=HYPERLINK("http://attacker.example")'), visit.crosses(NOON, "-1")]
    with database.write() as connection:
        write_rows(connection, rows_of(items, session="run", group_of=AgeGroups().of))
    asked = f"/api/v1/footfall?{DAY}&bucket=total&group_by=line"
    rows = csv.DictReader(io.StringIO(api.ask(f"{asked}&format=csv").text))
    assert [(row["line"], row["count"]) for row in rows] == [
        ("'-1", "1"),
        ('\'=HYPERLINK("http://attacker.example")', "1"),
        ("entrance", "4"),
    ]
    assert api.rows(asked)[0]["line"] == "-1", "in JSON a name is what it is"


@pytest.mark.parametrize("what", ["visits", "events"])
def test_a_table_without_rows_has_its_columns_all_the_same(api: Api, what: str) -> None:
    filled, empty = (
        list(csv.reader(io.StringIO(api.ask(f"/api/v1/{what}?format=csv&{asked}").text)))
        for asked in (DAY, "from=2020-01-01&to=2020-01-02")
    )
    assert len(filled) > 1
    assert empty == filled[:1]


def test_occupancy_is_null_where_nothing_was_seen(api: Api) -> None:
    asked = "from=2025-11-25T12:00Z&to=2025-11-25T12:05Z&camera=lobby"
    found = OccupancyModel.model_validate(api.ask(f"/api/v1/occupancy?{asked}").json())
    assert [(row.mean, row.peak) for row in found.rows] == [(1.0, 2), (2.0, 3), (3.0, 4), (None, None), (None, None)]
    whole = OccupancyModel.model_validate(api.ask(f"/api/v1/occupancy?{asked}&bucket=total").json())
    assert [(row.mean, row.peak, row.observed) for row in whole.rows] == [(2.0, 4, 180.0)]


def test_how_long_visits_and_stays_lasted(api: Api) -> None:
    visits = DwellModel.model_validate(api.ask(f"/api/v1/dwell?{DAY}").json())
    assert visits.median == 20.0
    assert {span.from_: span.count for span in visits.spans if span.count} == {5: 1, 10: 1, 60: 1}
    stays = DwellModel.model_validate(api.ask(f"/api/v1/dwell?{DAY}&zone=till").json())
    assert (stays.median, [span.count for span in stays.spans][:2]) == (3.0, [3, 0])
    assert api.ask(f"/api/v1/dwell?{DAY}&line=elsewhere").json()["median"] is None


def test_visits_and_events_come_a_page_at_a_time_each_once(api: Api) -> None:
    for what, model, expected in (("visits", VisitsModel, 3), ("events", EventsModel, 13)):
        keys: list[str] = []
        cursor = ""
        for _ in range(20):
            answer = api.ask(f"/api/v1/{what}?{DAY}&limit=2&cursor={cursor}").json()
            model.model_validate(answer)
            keys += [row["key"] for row in answer["rows"]]
            if not answer["rows"] or answer["next"] is None:
                break
            cursor = answer["next"]
        assert len(keys) == len(set(keys)) == expected


def test_who_asks_for_events_again_gets_what_has_come_since(api: Api, database: Database) -> None:
    cursor = api.ask(f"/api/v1/events?{DAY}&limit=1000").json()["next"]
    assert api.ask(f"/api/v1/events?{DAY}&cursor={cursor}").json() == {"next": cursor, "rows": []}
    late = Story("late", camera="lobby").starts(NOON - 60)  # happened before, was told after
    with database.write() as connection:
        write_rows(connection, rows_of([late], session="run", group_of=AgeGroups().of))
    assert [row["key"] for row in api.rows(f"/api/v1/events?{DAY}&cursor={cursor}")] == [late.key]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("footfall?camera=nowhere", 404, "camera: no camera has the id 'nowhere'"),
        ("footfall?tz=Europe/Atlantis", 422, "tz: no such time zone"),
        ("footfall?tz=../../etc/passwd", 422, "tz: no such time zone"),
        ("footfall?from=yesterday", 422, "from: neither UTC seconds nor ISO 8601"),
        ("footfall?from=2025-01-02&to=2025-01-01", 422, "to: lies before from"),
        ("footfall?from=1900-01-01&to=2025-01-01", 422, "from: more than ten years"),
        ("footfall?from=2025-01-01&to=2026-01-01&bucket=minute", 422, "bucket: more than 10000"),
        ("footfall?bucket=fortnight", 422, "bucket: "),
        ("footfall?group_by=shoe_size", 422, "group_by: shoe_size is none of"),
        ("footfall?count=visits&group_by=direction", 422, "group_by: visits have no direction"),
        ("footfall?zone=till&line=entrance", 422, "zone: crossings are not counted in zones"),
        ("dwell?zone=till&line=entrance&from=2025-01-01&to=2025-01-10", 422, "line: with a zone at most 8 days"),
        ("footfall?colour=red", 422, "colour: "),
        ("visits?cursor=!!", 422, "cursor: not a cursor"),
        ("events?cursor=MS4y", 422, "cursor: not a cursor"),
        ("visits?limit=1000000", 422, "limit: "),
        ("cameras/nowhere/rules", 404, "no camera has the id"),
    ],
)
def test_what_is_wrong_is_named(api: Api, path: str, status: int, words: str) -> None:
    answer = api.ask(f"/api/v1/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"], answer.json()["detail"]


def test_without_a_store_figures_are_not_found_and_rules_can_only_be_read() -> None:
    api = Api(None)
    answer = api.ask("/api/v1/footfall")
    assert (answer.status_code, "store.url" in answer.json()["detail"]) == (404, True)
    assert api.ask("/api/v1/cameras/lobby/rules").json()["lines"][0]["source"] == "config"
    assert api.ask("/api/v1/cameras/lobby/rules", "PUT", json={"lines": [], "zones": []}).status_code == 503


def test_a_database_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    answer = Api(Database(f"sqlite:///{tmp_path / 'nothing.sqlite3'}")).ask("/api/v1/footfall")
    assert (answer.status_code, "can't be read now" in answer.json()["detail"]) == (503, True)


LINE = {"name": "stairs", "start": [0.1, 0.2], "end": [0.9, 0.2], "in_label": "up", "out_label": "down"}
ZONE = {"name": "till", "points": [[0, 0], [1, 0], [1, 1]]}


def test_drawn_rules_count_at_once_and_are_there_after_a_restart(api: Api, database: Database) -> None:
    answer = api.ask("/api/v1/cameras/lobby/rules", "PUT", json={"lines": [LINE], "zones": [ZONE]})
    assert answer.status_code == 200, answer.text
    assert answer.json() == api.ask("/api/v1/cameras/lobby/rules").json()
    assert [(line["name"], line["source"]) for line in answer.json()["lines"]] == [
        ("entrance", "config"),
        ("stairs", "page"),
    ]
    assert [line.name for line in api.applied["lobby"].lines] == ["entrance", "stairs"]
    assert api.applied["lobby"].zones[0].points == ((0, 0), (1, 0), (1, 1))
    again = Api(database)
    with database.read(5) as connection:
        again.book.recall(read_rules(connection))
    assert [line.name for line in again.applied["lobby"].lines] == ["entrance", "stairs"]
    assert again.ask("/api/v1/cameras/lobby/rules").json() == answer.json()
    emptied = again.ask("/api/v1/cameras/lobby/rules", "PUT", json={})
    assert [line["name"] for line in emptied.json()["lines"]] == ["entrance"]


@pytest.mark.parametrize(
    ("rules", "status", "words"),
    [
        ({"lines": [LINE | {"name": "entrance"}]}, 409, "entrance"),
        ({"lines": [LINE, LINE]}, 422, "stairs stands more than once"),
        ({"lines": [LINE | {"end": [1.2, 0]}]}, 422, "lines.0.end"),
        ({"zones": [ZONE | {"points": [[0, 0], [1, 1]]}]}, 422, "zones.0.points"),
        ({"lines": [LINE | {"in_label": "\x1b[2J"}]}, 422, "lines.0.in_label"),
        ({"lines": [LINE | {"out_label": "up\n"}]}, 422, "lines.0.out_label"),
        ({"lines": [LINE | {"out_label": "u" * 61}]}, 422, "lines.0.out_label"),
        ({"lines": [LINE | {"name": "stairs\x7f"}]}, 422, "lines.0.name"),
        ({"circles": []}, 422, "circles"),
    ],
)
def test_rules_that_make_no_sense_change_nothing(api: Api, rules: dict[str, Any], status: int, words: str) -> None:
    answer = api.ask("/api/v1/cameras/lobby/rules", "PUT", json=rules)
    assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    assert api.applied == {}


def test_a_name_that_the_configuration_has_come_to_use_is_the_configurations(database: Database) -> None:
    api = Api(database)
    line = LineConfig(name="entrance", start=(0.0, 0.0), end=(1.0, 1.0))
    other = LineConfig(name="stairs", start=(0.0, 0.0), end=(1.0, 1.0))
    api.book.recall({"lobby": RulesConfig(lines=(line, other)), "gone": RulesConfig(lines=(line,))})
    assert [(each.name, each.start) for each in api.applied["lobby"].lines] == [
        ("entrance", (0.5, 1.0)),
        ("stairs", (0.0, 0.0)),
    ]
    assert set(api.applied) == {"lobby"}
