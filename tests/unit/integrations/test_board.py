from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from streamer.analytics.rules import Line, Rules, Zone
from streamer.integrations.board import Board, Camera
from streamer.integrations.counts import CountsToday, DayCounts
from streamer.integrations.discovery import Discovery
from streamer.integrations.topics import Topics
from streamer.types import CameraState
from tests.made_up_events import crossing, encode, status, visit

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
MIDNIGHT = NOON + 12 * 3600
ENTRANCE = Line("entrance", (0.5, 1.0), (0.5, 0.0), "came in", "went out")
TILL = Zone("till", ((0.6, 0.4), (1.0, 0.4), (1.0, 1.0)))
CONFIG = "homeassistant/device/streamer_door/config"
TOPICS = Topics("streamer")


class Clock:
    """Stands still until it is moved."""

    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board(clock: Clock) -> Board:
    cameras = {"door": Camera("Front door", Rules((ENTRANCE,), (TILL,)))}
    made = Board(
        cameras,
        CountsToday(NOON, "UTC"),
        TOPICS,
        Discovery("homeassistant", TOPICS),
        encode=encode,
        most_events=5,
        clock=clock,
    )
    made.status(status(CameraState.LIVE))
    made.take()
    return made


def taken(board: Board) -> dict[str, str]:
    return {topic: payload for topic, payload, _ in board.take()}


def test_what_is_known_at_the_start_is_said_at_once(clock: Clock) -> None:
    cameras = {"door": Camera("Front door", Rules((ENTRANCE,)))}
    board = Board(cameras, CountsToday(NOON, "UTC"), TOPICS, None, encode=encode, most_events=5, clock=clock)
    assert taken(board) == {
        "streamer/door/visits": "0",
        "streamer/door/line/entrance/in": "0",
        "streamer/door/line/entrance/out": "0",
    }


@pytest.fixture
def forgetful(clock: Clock) -> Board:
    """One that has yet to be told what was counted earlier today."""
    cameras = {"door": Camera("Front door", Rules((ENTRANCE,)))}
    counts = CountsToday(NOON, "UTC")
    return Board(cameras, counts, TOPICS, None, encode=encode, most_events=5, clock=clock, counts_known=False)


def test_no_count_is_told_before_those_of_earlier_today_are_known(forgetful: Board) -> None:
    forgetful.event(crossing("1", NOON))
    assert set(taken(forgetful)) == {"streamer/door/event"}
    forgetful.restore({"door": DayCounts(7, {("entrance", "in"): 4})}, since=MIDNIGHT - 86400)
    assert taken(forgetful) == {
        "streamer/door/visits": "7",
        "streamer/door/line/entrance/in": "5",
        "streamer/door/line/entrance/out": "0",
    }


def test_counts_that_are_known_only_after_midnight_are_yesterdays(forgetful: Board, clock: Clock) -> None:
    clock.now = MIDNIGHT
    assert taken(forgetful)["streamer/door/visits"] == "0"
    forgetful.restore({"door": DayCounts(7)}, since=MIDNIGHT - 86400)
    assert taken(forgetful) == {}


def test_an_event_is_said_once_and_its_count_is_retained(board: Board) -> None:
    board.event(crossing("1", NOON))
    figure, event = board.take()
    assert figure == ("streamer/door/line/entrance/in", "1", True)
    assert (event.topic, event.retain, json.loads(event.payload)["key"]) == ("streamer/door/event", False, "1")
    assert board.take() == []


def test_counts_fall_to_0_at_midnight_without_an_event(board: Board, clock: Clock) -> None:
    board.event(crossing("1", NOON))
    board.event(visit("v1", NOON))
    board.take()
    clock.now = board.next_midnight
    assert clock.now == MIDNIGHT
    assert taken(board) == {"streamer/door/line/entrance/in": "0", "streamer/door/visits": "0"}


def test_who_is_there_is_unknown_while_the_camera_is_not_live(board: Board) -> None:
    board.occupancy("door", {"": 3, "till": 1})
    assert taken(board) == {"streamer/door/occupancy": "3", "streamer/door/zone/till/occupancy": "1"}
    board.status(status(CameraState.RECONNECTING))
    assert not board.occupancy("door", {"": 3, "till": 1})  # a frame that was under way
    assert taken(board) == {
        "streamer/door/state": "reconnecting",
        "streamer/door/occupancy": "None",
        "streamer/door/zone/till/occupancy": "None",
    }


def test_a_figure_that_stays_the_same_is_no_news(board: Board) -> None:
    assert board.occupancy("door", {"": 3})
    assert not board.occupancy("door", {"": 3})
    assert not board.status(status(CameraState.LIVE))


def test_the_oldest_events_make_room_and_are_counted(board: Board) -> None:
    assert [board.event(crossing(str(n), NOON)) for n in range(7)] == [0, 0, 0, 0, 0, 1, 1]
    assert [json.loads(m.payload)["key"] for m in board.take() if not m.retain] == ["2", "3", "4", "5", "6"]


def test_events_that_did_not_get_through_come_before_newer_ones(board: Board) -> None:
    board.event(crossing("1", NOON))
    board.event(crossing("2", NOON))
    lost = board.take()
    board.event(crossing("3", NOON))
    assert board.put_back(lost) == 0
    assert [json.loads(m.payload)["key"] for m in board.take() if not m.retain] == ["1", "2", "3"]


def test_home_assistants_birth_makes_everything_be_said_again(board: Board) -> None:
    board.hear("homeassistant/status", b"offline")
    assert board.take() == []
    board.hear("homeassistant/status", b"online")
    assert {CONFIG, "streamer/door/visits", "streamer/door/state"} <= set(taken(board))


def test_new_rules_take_the_old_ones_topics_and_sensors_away(board: Board) -> None:
    board.set_rules("door", Rules((Line("gate", (0, 0), (1, 1)),)))
    messages = board.take()
    said = [(topic, payload) for topic, payload, _ in messages if topic != CONFIG]
    assert set(said) == {
        ("streamer/door/line/entrance/in", ""),
        ("streamer/door/line/entrance/out", ""),
        ("streamer/door/line/gate/in", "0"),
        ("streamer/door/line/gate/out", "0"),
    }
    farewell, device = (json.loads(payload)["components"] for topic, payload, _ in messages if topic == CONFIG)
    assert farewell["line entrance in"] == farewell["zone till occupancy"] == {"platform": "sensor"}
    assert {"line gate in", "line gate out"} <= set(device)
    assert not {"line entrance in", "zone till occupancy"} & set(device)


def earlier(camera: str, *lines: Line) -> tuple[str, bytes]:
    """What an earlier run has left at the broker."""
    discovery = Discovery("homeassistant", TOPICS)
    device = discovery.device(camera, "Of old", Rules(lines, (TILL,)))
    return discovery.topic(camera), json.dumps(device).encode()


def test_sensors_of_an_earlier_run_are_taken_away(board: Board) -> None:
    board.hear(*earlier("door", ENTRANCE, Line("gate", (0, 0), (1, 1))))
    farewell, device = (json.loads(payload)["components"] for _, payload, _ in board.take())
    assert {key for key, component in farewell.items() if set(component) == {"platform"}} == {
        "line gate in",
        "line gate out",
    }
    assert "line gate in" not in device


def test_a_camera_of_an_earlier_run_is_taken_away(board: Board) -> None:
    topic, payload = earlier("attic")
    board.hear(topic, payload)
    assert board.take() == [(topic, "", True)]


@pytest.mark.parametrize(
    "payload",
    [b"", b"no json", b"[1]", b"null", b'{"device": {}}', b'{"availability_topic": "other/status", "components": {}}'],
)
def test_what_other_programs_describe_is_left_alone(board: Board, payload: bytes) -> None:
    board.hear("homeassistant/device/other/config", payload)
    board.hear(CONFIG, payload)
    assert board.take() == []


def test_its_own_description_coming_back_is_no_news(board: Board) -> None:
    board.repeat()
    own: dict[str, Any] = taken(board)
    board.hear(CONFIG, own[CONFIG].encode())
    assert board.take() == []
