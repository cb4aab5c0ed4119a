"""The schema of `store` in config.yaml."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from streamer.config_section import Section

__all__ = ["RetentionConfig", "StoreConfig"]

Days = Annotated[int, Field(ge=1, le=36_500)]


class RetentionConfig(Section):
    """For how many days each kind of figure is kept; null: for ever."""

    visits: Days | None = 400
    crossings: Days | None = 400
    stays: Days | None = 400
    occupancy: Days | None = 400
    uptime: Days | None = 400
    heat: Days | None = 400
    events: Days | None = 30


class StoreConfig(Section):
    """Where figures are kept. `url` may hold a password, and is never shown."""

    url: SecretStr | None = SecretStr("sqlite:///streamer.sqlite3")
    queue_size: int = Field(default=50_000, ge=10, le=5_000_000)
    retention: RetentionConfig = RetentionConfig()

    @field_validator("url", mode="before")
    @classmethod
    def _none_is_none(cls, value: object) -> object:
        return None if value == "none" else value

    @field_validator("url")
    @classmethod
    def _database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"(sqlite:///|postgresql(\+psycopg)?://)\S", value.get_secret_value()):
            raise ValueError("a database's address: sqlite:///FILE, postgresql://user:password@host/name, or none")
        return value
