"""The descriptions that Home Assistant gets, against what its documentation allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from streamer.analytics.rules import Line, Rules, Zone
from streamer.integrations.discovery import Discovery
from streamer.integrations.topics import Topics
from tests.unit.integrations.home_assistant import check_device_message

DISCOVERY = Discovery("homeassistant", Topics("streamer"))
LINE = Line("entrance", (0.5, 1.0), (0.5, 0.0), "came in", "went out")
ZONE = Zone("till", ((0.6, 0.4), (1.0, 0.4), (1.0, 1.0)))


def device(*, lines: tuple[Line, ...] = (), zones: tuple[Zone, ...] = ()) -> dict[str, Any]:
    return DISCOVERY.device("door", "Front door", Rules(lines, zones))


@pytest.mark.parametrize("name", ["entrance", "Eingang Süd", "a+b #1", "{{ x }}", '"'])
@pytest.mark.parametrize("base", ["streamer", "site/süd/streamer"])
def test_a_description_is_as_home_assistant_documents_it(name: str, base: str) -> None:
    discovery = Discovery("homeassistant", Topics(base))
    rules = Rules((Line(name, (0, 0), (1, 1)),), (Zone(f"zone {name}", ZONE.points),))
    check_device_message(discovery.topic("door"), discovery.device("door", "Front door", rules))


def test_each_figure_is_a_sensor_of_its_cameras_device() -> None:
    found = device(lines=(LINE,), zones=(ZONE,))
    assert found["device"]["name"] == "Front door"
    assert {c["name"]: (c["state_topic"], c.get("state_class")) for c in found["components"].values()} == {
        "Camera": ("streamer/door/state", None),
        "Visits today": ("streamer/door/visits", "total_increasing"),
        "Occupancy": ("streamer/door/occupancy", "measurement"),
        "till occupancy": ("streamer/door/zone/till/occupancy", "measurement"),
        "entrance: came in": ("streamer/door/line/entrance/in", "total_increasing"),
        "entrance: went out": ("streamer/door/line/entrance/out", "total_increasing"),
    }


def test_no_two_sensors_of_two_cameras_share_an_id() -> None:
    # a line and a zone may differ in nothing but their kind
    rules = Rules((Line("a", (0, 0), (1, 1)), Line("a in", (0, 0), (1, 1))), (Zone("a occupancy", ZONE.points), ZONE))
    devices: list[Mapping[str, Any]] = [DISCOVERY.device(camera, "", rules) for camera in ("door", "door_2")]
    ids = [c["unique_id"] for found in devices for c in found["components"].values()]
    assert len(ids) == len(set(ids)) == 2 * (3 + 2 + 4)


def test_a_component_that_is_gone_is_named_with_its_platform_alone() -> None:
    before, now = device(lines=(LINE,), zones=(ZONE,)), device(zones=(ZONE,))
    farewell = DISCOVERY.farewell(before, now)
    assert farewell is not None
    gone = {key: c for key, c in farewell["components"].items() if key not in now["components"]}
    assert gone == {"line entrance in": {"platform": "sensor"}, "line entrance out": {"platform": "sensor"}}
    check_device_message(DISCOVERY.topic("door"), farewell)
    assert DISCOVERY.farewell(farewell, now) is None
    assert DISCOVERY.farewell(now, now) is None


def test_only_descriptions_of_this_very_streamer_are_its_own() -> None:
    assert DISCOVERY.is_ours(device())
    assert not Discovery("homeassistant", Topics("streamer_2")).is_ours(device())
    assert not DISCOVERY.is_ours({"device": {}, "components": {}})
