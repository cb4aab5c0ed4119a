"""What Home Assistant documents of its MQTT discovery, as far as streamer uses it.

Sources, as of Home Assistant 2026.10:
https://www.home-assistant.io/integrations/mqtt/#discovery-topic
https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload
https://www.home-assistant.io/integrations/sensor.mqtt/#configuration-variables
https://www.home-assistant.io/integrations/binary_sensor.mqtt/#configuration-variables
https://developers.home-assistant.io/docs/core/entity/sensor/#available-state-classes
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["check_device_message"]

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _topic(value: Any) -> bool:
    return _text(value) and len(value.encode()) <= 65535 and "\0" not in value and not set("+#") & set(value)


def _one_of(*words: str) -> Check:
    return lambda value: value in words


def _texts(value: Any) -> bool:
    return isinstance(value, list) and value != [] and all(_text(item) for item in value)


# "The discovery topic needs to follow a specific format": <prefix>/device/[<node_id>/]<object_id>/config
_DISCOVERY_TOPIC = re.compile(r"homeassistant/device/(?:[a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config")

# key: what its value must be. All keys that a message may have at each level; those of _REQUIRED it must have.
_DEVICE: Mapping[str, Check] = {
    "configuration_url": _text,
    "connections": lambda value: isinstance(value, list),
    "hw_version": _text,
    "identifiers": _texts,
    "manufacturer": _text,
    "model": _text,
    "model_id": _text,
    "name": _text,
    "serial_number": _text,
    "suggested_area": _text,
    "sw_version": _text,
    "via_device": _text,
}
_ORIGIN: Mapping[str, Check] = {"name": _text, "sw_version": _text, "support_url": _text}
# "Shared options at the root level of the JSON object"
_SHARED: Mapping[str, Check] = {
    "availability": lambda value: isinstance(value, list),
    "availability_mode": _one_of("all", "any", "latest"),
    "availability_template": _text,
    "availability_topic": _topic,
    "encoding": _text,
    "payload_available": _text,
    "payload_not_available": _text,
    "qos": lambda value: value in {0, 1, 2},
    "state_topic": _topic,
}
_ENTITY: Mapping[str, Check] = {
    **_SHARED,
    "platform": _one_of("sensor", "binary_sensor"),
    "default_entity_id": _text,
    "enabled_by_default": lambda value: isinstance(value, bool),
    "entity_category": _one_of("config", "diagnostic"),
    "expire_after": lambda value: isinstance(value, int) and value > 0,
    "force_update": lambda value: isinstance(value, bool),
    "icon": lambda value: re.fullmatch(r"[a-z]+:[a-z0-9-]+", value) is not None,
    "json_attributes_template": _text,
    "json_attributes_topic": _topic,
    "name": _text,
    "unique_id": _text,
    "value_template": _text,
}
_PLATFORMS: Mapping[str, Mapping[str, Check]] = {
    "sensor": {
        **_ENTITY,
        "suggested_display_precision": lambda value: isinstance(value, int) and value >= 0,
        "state_class": _one_of("measurement", "measurement_angle", "total", "total_increasing"),
        "unit_of_measurement": _text,
    },
    "binary_sensor": {
        **_ENTITY,
        "device_class": _one_of("connectivity", "occupancy", "presence", "problem", "running"),
        "off_delay": lambda value: isinstance(value, int) and value > 0,
        "payload_off": _text,
        "payload_on": _text,
    },
}


def check_device_message(topic: str, message: Mapping[str, Any]) -> None:
    """AssertionError where a device's discovery message is not as documented."""
    assert _DISCOVERY_TOPIC.fullmatch(topic), topic
    device = {"device": lambda _: True, "origin": lambda _: True, "components": lambda _: True}
    _check(message, {**_SHARED, **device}, required=("device", "origin", "components"), where="message")
    _check(message["device"], _DEVICE, required=("identifiers",), where="device")
    _check(message["origin"], _ORIGIN, required=("name",), where="origin")
    for key, component in message["components"].items():
        table = _PLATFORMS[component["platform"]]
        # "An empty component config": the platform alone removes the component; else these two must be there
        required = () if set(component) == {"platform"} else ("unique_id", "state_topic")
        _check(component, table, required=required, where=key)


def _check(found: Mapping[str, Any], table: Mapping[str, Check], *, required: tuple[str, ...], where: str) -> None:
    assert set(required) <= set(found), f"{where}: {set(required) - set(found)} missing"
    for key, value in found.items():
        assert key in table, f"{where}: {key} is not documented"
        assert table[key](value), f"{where}: {key} can't be {value!r}"
