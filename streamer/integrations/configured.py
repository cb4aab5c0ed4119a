"""The sinks that a configuration asks for."""

from __future__ import annotations

from collections.abc import Callable

from streamer.config import Config
from streamer.integrations.board import Camera
from streamer.integrations.counts import Recall
from streamer.integrations.mqtt import MqttSink
from streamer.integrations.webhook import WebhookSink
from streamer.monitoring.health import Health
from streamer.monitoring.metrics import Metrics
from streamer.types import Event

__all__ = ["open_mqtt", "open_webhooks"]


def open_mqtt(
    config: Config, *, encode: Callable[[Event], str], health: Health, metrics: Metrics, recall: Recall | None = None
) -> MqttSink | None:
    """As `MqttSink`; None where no broker is configured."""
    if config.mqtt is None:
        return None
    cameras = {camera.id: Camera(camera.title, camera.rules) for camera in config.cameras}
    return MqttSink(config.mqtt, cameras, encode=encode, health=health, metrics=metrics, recall=recall)


def open_webhooks(
    config: Config, *, encode: Callable[[Event], str], health: Health, metrics: Metrics
) -> WebhookSink | None:
    """As `WebhookSink`; None where no target is configured."""
    if not config.webhooks.targets:
        return None
    return WebhookSink(config.webhooks, encode=encode, health=health, metrics=metrics)
