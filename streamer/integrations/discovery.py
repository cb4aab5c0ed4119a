"""Home Assistant's MQTT discovery: what makes a camera's sensors appear there by themselves. Pure.

One retained message for each camera, in the form of device discovery (Home Assistant 2024.11 and newer):
https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streamer import __version__
from streamer.analytics.rules import Line, Rules
from streamer.integrations.topics import Topics

__all__ = ["Discovery"]

_LIVE = "{{ 'ON' if value == 'live' else 'OFF' }}"


@dataclass(frozen=True, slots=True)
class Discovery:
    """The messages below Home Assistant's `prefix` that describe what stands under `topics`."""

    prefix: str
    topics: Topics

    @property
    def birth(self) -> str:
        """Where Home Assistant says `online` after it has started, and wants to be told everything anew."""
        return f"{self.prefix}/status"

    @property
    def devices(self) -> str:
        """The subscription to the descriptions of all devices, other programs' too."""
        return f"{self.prefix}/device/+/config"

    def topic(self, camera: str) -> str:
        """Where a camera's description stands."""
        return f"{self.prefix}/device/{self._node(camera)}/config"

    def _node(self, camera: str) -> str:
        return f"{re.sub(r'[^a-zA-Z0-9_-]', '_', self.topics.base)}_{camera}"

    def device(self, camera: str, title: str, rules: Rules) -> dict[str, Any]:
        """A camera as a device, with a component for each of its figures."""
        node, topics = self._node(camera), self.topics
        components: dict[str, dict[str, Any]] = {
            "connectivity": {
                "platform": "binary_sensor",
                "name": "Camera",
                "device_class": "connectivity",
                "entity_category": "diagnostic",
                "state_topic": topics.state(camera),
                "value_template": _LIVE,
            },
            "visits": _count("Visits today", topics.visits(camera), "visits"),
        }
        for zone, topic in topics.occupancies(camera, rules).items():
            key = f"zone {zone} occupancy" if zone else "occupancy"
            components[key] = _occupancy(f"{zone} occupancy" if zone else "Occupancy", topic)
        for line in rules.lines:
            components |= self._line(camera, line)
        for key, component in components.items():
            component["unique_id"] = f"{node} {key}"
        return {
            "device": {"identifiers": [node], "name": title, "manufacturer": "streamer", "sw_version": __version__},
            "origin": {"name": "streamer", "sw_version": __version__},
            "availability_topic": topics.status,
            "components": components,
        }

    def _line(self, camera: str, line: Line) -> dict[str, dict[str, Any]]:
        into, out = (self.topics.crossings(camera, line.name, way) for way in ("in", "out"))
        return {
            f"line {line.name} in": _count(f"{line.name}: {line.in_label}", into, "crossings"),
            f"line {line.name} out": _count(f"{line.name}: {line.out_label}", out, "crossings"),
        }

    def is_ours(self, device: Mapping[str, Any]) -> bool:
        """Whether a description found at the broker is of a camera of this very streamer, of an earlier run maybe."""
        return device.get("availability_topic") == self.topics.status

    @staticmethod
    def farewell(known: Mapping[str, Any], device: Mapping[str, Any]) -> dict[str, Any] | None:
        """The description that makes Home Assistant forget components of `known` that `device` has no more.

        It forgets those of which nothing but the platform is left, not those left out. None where there are none.
        """
        gone = {
            key: {"platform": component["platform"]}
            for key, component in known["components"].items()
            if key not in device["components"] and set(component) != {"platform"}
        }
        return {**device, "components": {**device["components"], **gone}} if gone else None


def _count(name: str, topic: str, unit: str) -> dict[str, Any]:
    """Begins at 0 at midnight, which Home Assistant takes for the meter's reset, and never falls otherwise."""
    return {
        "platform": "sensor",
        "name": name,
        "state_class": "total_increasing",
        "unit_of_measurement": unit,
        "icon": "mdi:counter",
        "state_topic": topic,
    }


def _occupancy(name: str, topic: str) -> dict[str, Any]:
    return {
        "platform": "sensor",
        "name": name,
        "state_class": "measurement",
        "unit_of_measurement": "people",
        "icon": "mdi:account-group",
        "state_topic": topic,
    }
