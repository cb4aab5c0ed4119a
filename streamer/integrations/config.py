"""The sections `mqtt` and `webhooks` of config.yaml."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from streamer.config_section import Seconds, Section
from streamer.types import EventKind

__all__ = ["MqttConfig", "WebhookConfig", "WebhooksConfig"]


def _is_a_topic(value: str) -> str:
    if not re.fullmatch(r"[^+#$\x00-\x1f]+", value) or "" in value.split("/"):
        raise ValueError("an MQTT topic: levels between slashes, without +, # and $")
    return value


Topic = Annotated[str, Field(max_length=200), AfterValidator(_is_a_topic)]


class MqttConfig(Section):
    """The broker that hears of counts, occupancy and events."""

    host: str = Field(min_length=1, max_length=255, pattern=r"^[^\s/@]+$")
    port: int | None = Field(default=None, ge=1, le=65535)
    tls: bool = False
    ca_file: Path | None = None
    username: str = Field(default="", max_length=200)
    password: SecretStr = SecretStr("")
    client_id: str = Field(default="", max_length=200)
    base_topic: Topic = "streamer"
    discovery: Topic | None = "homeassistant"
    timezone: str | None = None
    queue_size: int = Field(default=1000, ge=10, le=100_000)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (KeyError, OSError, ValueError):  # one of them for each way of being wrong
                raise ValueError("no such time zone; use a name such as Europe/Berlin") from None
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.password.get_secret_value() and not self.username:
            raise ValueError("a password needs a username beside it")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file is only used with tls: true")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or (8883 if self.tls else 1883)


class WebhookConfig(Section):
    """A program that is sent events over HTTP. The URL may be a secret in itself, and is never shown."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    url: SecretStr
    secret: SecretStr | None = None
    events: Annotated[tuple[EventKind, ...], Field(min_length=1)] = tuple(EventKind)
    timeout: Seconds = 10.0
    queue_size: int = Field(default=10_000, ge=10, le=1_000_000)

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("the address of a web server: https://host/path")
        return value

    @field_validator("secret")
    @classmethod
    def _fit_to_sign(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        text = value.get_secret_value()
        if len(text) < 16:
            raise ValueError("a secret has at least 16 characters")
        if text.startswith("whsec_"):
            try:
                base64.b64decode(text.removeprefix("whsec_"), validate=True)
            except ValueError:
                raise ValueError("what follows whsec_ is not base64") from None
        return value


class WebhooksConfig(Section):
    """Programs that are sent events over HTTP, and the file in which events wait for them."""

    queue_file: Path = Path("webhooks.sqlite")
    targets: Annotated[tuple[WebhookConfig, ...], Field(max_length=32)] = ()

    @field_validator("targets")
    @classmethod
    def _names_differ(cls, targets: tuple[WebhookConfig, ...]) -> tuple[WebhookConfig, ...]:
        names = [target.name for target in targets]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names must differ: {', '.join(twice)} stands more than once")
        return targets
