"""The schema of config.yaml, in which every key is described. `streamer.config_file` reads the file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from streamer.analytics.age_groups import DEFAULT_YOUNGEST, AgeGroups
from streamer.analytics.config import LineConfig, RulesConfig, ZoneConfig
from streamer.config_section import Fraction, Seconds, Section
from streamer.inference.config import InferenceConfig, ModelsConfig
from streamer.integrations.config import MqttConfig, WebhooksConfig
from streamer.server.config import Network, Origin, PathPrefix, TlsConfig
from streamer.source_urls import URL_SCHEMES, user_part_is_unclear
from streamer.store.config import RetentionConfig, StoreConfig

__all__ = [
    "AuthConfig",
    "CacheConfig",
    "CameraConfig",
    "Config",
    "FootfallConfig",
    "ImagesConfig",
    "InferenceConfig",
    "LineConfig",
    "LogConfig",
    "ModelsConfig",
    "RetentionConfig",
    "RulesConfig",
    "ServerConfig",
    "StoreConfig",
    "TrackingConfig",
    "ZoneConfig",
]


LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")


class CameraConfig(RulesConfig):
    """One camera. `source` is a URL, a webcam, a video file, or `demo`."""

    id: str
    name: str = Field(default="", max_length=100)
    source: str = Field(min_length=1, max_length=2000)
    username: str = Field(default="", max_length=200)
    password: SecretStr = SecretStr("")
    transport: Literal["tcp", "udp"] = "tcp"
    loop: bool = True
    max_fps: float | None = Field(default=None, gt=0, le=240)
    priority: int = Field(default=0, ge=-100, le=100)
    deblock: bool = True
    webcam_size: str | None = Field(default=None, pattern=r"^\d{2,5}x\d{2,5}$")
    webcam_fps: float | None = Field(default=None, gt=0, le=240)
    allow_hls: bool = False
    open_timeout: Seconds = 8.0
    stall_timeout: Seconds = 4.0
    reconnect_min: Seconds = 1.0
    reconnect_max: Seconds = 30.0

    @field_validator("id")
    @classmethod
    def _fit_for_addresses(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", value):
            raise ValueError("lower-case letters, digits, _ and -, at most 63")
        return value

    @field_validator("source", mode="before")
    @classmethod
    def _index_is_a_webcam(cls, value: object) -> object:
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("source")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        scheme = re.match(r"^([a-zA-Z][a-zA-Z0-9+.-]*)://", value)
        if scheme and scheme[1].lower() not in URL_SCHEMES:
            raise ValueError(
                f"the scheme {scheme[1]}:// can't be read; use {', '.join(f'{s}://' for s in URL_SCHEMES)}, "
                "a file's path, a webcam (0 or /dev/video0) or demo"
            )
        known = re.match(rf"({'|'.join(URL_SCHEMES)})\b[:/]", value, re.IGNORECASE)
        if known and not scheme:  # else it would be a file's name, which is shown, and its password with it
            raise ValueError(f"a URL begins with {known[1].lower()}:// and two slashes")
        if scheme and not value.partition("://")[2].rpartition("@")[2].strip("/"):
            raise ValueError("the URL has no host")
        if scheme and user_part_is_unclear(value.partition("://")[2]):
            raise ValueError(
                "can't tell where its password ends; use the keys username and password, "
                "or write each @ of the password or path as %40"
            )
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.reconnect_max < self.reconnect_min:
            raise ValueError("reconnect_max is shorter than reconnect_min")
        if self.password.get_secret_value() and not self.username:
            raise ValueError("a password needs a username beside it")
        return self

    @property
    def title(self) -> str:
        """What people read: the name, else the id."""
        return self.name or self.id


class TrackingConfig(Section):
    """When a face becomes a visit, and when the visit ends."""

    confirm_after: Seconds = 0.3
    confirm_hits: int = Field(default=3, ge=1, le=100)
    lost_after: Seconds = 1.5
    high_confidence: Fraction = 0.7
    confirm_score: Fraction | None = None
    min_gender_confidence: Annotated[float, Field(ge=0.5, lt=1)] = 0.7
    count_static: bool = False


class FootfallConfig(Section):
    """How what is counted is told."""

    age_groups: Annotated[tuple[int, ...], Field(max_length=32)] = DEFAULT_YOUNGEST

    @field_validator("age_groups")
    @classmethod
    def _rising(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        AgeGroups(value)  # raises ValueError
        return value


class AuthConfig(Section):
    """Who is let in. token: one that may do all. file: of tokens with roles, which `streamer token` makes."""

    token: SecretStr | None = None
    file: Path | None = None

    @field_validator("token")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 16:
            raise ValueError(
                "a token has at least 16 characters; make one with: python -c "
                "'import secrets; print(secrets.token_urlsafe())'"
            )
        return value

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> Self:
        if self.token is None and self.file is None:
            raise ValueError("set file: tokens.json (then run `streamer token new`), a token, or auth: none")
        return self


class ServerConfig(Section):
    """Where the page and the API are served."""

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    auth: AuthConfig | Literal["none"] | None = None
    max_viewers: int = Field(default=500, ge=1, le=10_000)
    viewer_timeout: Seconds = 5.0
    allowed_origins: tuple[Origin, ...] = ()
    tls: TlsConfig | None = None
    trusted_proxies: tuple[Network, ...] = ()
    path_prefix: PathPrefix = ""

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.auth is None and self.host not in LOOPBACK_HOSTS:
            raise ValueError(
                f"host {self.host} can be reached from other machines: set auth.file or auth.token, "
                "or auth: none if the network itself keeps strangers out"
            )
        if self.auth is None and (self.trusted_proxies or self.path_prefix):
            raise ValueError(
                "through a proxy it can be reached from other machines: set auth.file or auth.token, "
                "or auth: none if the proxy itself keeps strangers out"
            )
        return self


class ImagesConfig(Section):
    """The image service: what it takes, and how much of it may wait."""

    max_bytes: int = Field(default=8 * 1024 * 1024, ge=1024, le=256 * 1024 * 1024)
    max_pixels: int = Field(default=40_000_000, ge=10_000, le=500_000_000)
    max_images: int = Field(default=16, ge=1, le=256)
    max_upload_memory: int = Field(default=256 * 1024 * 1024, ge=1024 * 1024)
    upload_timeout: Seconds = 30.0
    queue_size: int = Field(default=64, ge=1, le=4096)
    batch_size: int = Field(default=4, ge=1, le=64)
    batch_wait: Annotated[float, Field(ge=0, le=0.05)] = 0.002
    quality: int = Field(default=85, ge=10, le=95)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.queue_size < self.max_images:
            raise ValueError("queue_size is smaller than max_images: a full request would never find room")
        if self.max_upload_memory < self.max_bytes:
            raise ValueError("max_upload_memory is smaller than max_bytes: a large image would never find room")
        return self


class CacheConfig(Section):
    """Where the image service keeps its answers. `url` may hold a password, and is never shown."""

    size: int = Field(default=64 * 1024 * 1024, ge=0, le=64 * 1024**3)
    ttl: float = Field(default=3600.0, gt=0, le=30 * 24 * 3600)
    url: SecretStr | None = None

    @field_validator("url")
    @classmethod
    def _redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"(rediss?|unix)://[^/]*\S", value.get_secret_value()):
            raise ValueError("a Redis address: redis://[user:password@]host:6379/0, rediss:// or unix://")
        return value


class LogConfig(Section):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    libraries: bool = False


class Config(Section):
    """The whole file."""

    cameras: tuple[CameraConfig, ...]
    inference: InferenceConfig = InferenceConfig()
    models: ModelsConfig = ModelsConfig()
    tracking: TrackingConfig = TrackingConfig()
    footfall: FootfallConfig = FootfallConfig()
    server: ServerConfig = ServerConfig()
    images: ImagesConfig = ImagesConfig()
    cache: CacheConfig = CacheConfig()
    store: StoreConfig = StoreConfig()
    mqtt: MqttConfig | None = None
    webhooks: WebhooksConfig = WebhooksConfig()
    privacy: Literal["none", "blur", "metadata_only"] = "none"
    log: LogConfig = LogConfig()

    @property
    def shows_pictures(self) -> bool:
        """Whether pictures may leave the program at all."""
        return self.privacy != "metadata_only"

    @field_validator("cameras")
    @classmethod
    def _some_cameras(cls, cameras: tuple[CameraConfig, ...]) -> tuple[CameraConfig, ...]:
        if not 1 <= len(cameras) <= 256:
            raise ValueError("from 1 to 256 cameras")
        ids = [camera.id for camera in cameras]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"ids must differ: {', '.join(twice)} stands more than once")
        return cameras
