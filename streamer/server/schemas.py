"""The shapes of the HTTP API's answers, for its OpenAPI document. The answers themselves are made elsewhere."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from streamer.types import CameraState

__all__ = ["CameraModel", "ImageResult", "Problem", "Readiness", "StatusModel"]


class Resolution(BaseModel):
    """Pixels."""

    width: int
    height: int


class ReductionModel(BaseModel):
    """How a camera is analysed while the machine is too busy for all of it; what is null is as configured."""

    level: int = Field(description="steps below what is configured")
    look_interval: float | None = Field(description="seconds between looks for faces, which are carried on meanwhile")
    deblock: bool | None = Field(description="false: the edges of blocks aren't smoothed when frames are decoded")
    max_fps: float | None = Field(description="frames analysed a second at most")
    detect_width: int | None = Field(description="pixels across in which faces are looked for")
    readings: int | None = Field(description="faces whose age and gender are read in one frame, at most")


class CameraModel(BaseModel):
    """A camera: where its reader stands, and what became of its frames since the start."""

    id: str
    name: str
    source: str = Field(description="as in the config, without user and password")
    state: CameraState
    since: float = Field(description="when this state began, UTC seconds")
    reason: str
    next_attempt_at: float | None = Field(description="of a reconnect, UTC seconds")
    codec: str
    resolution: Resolution | None
    fps: float = Field(description="frames delivered a second")
    lag_ms: int = Field(description="by how much frames are late before they are captured, going by the camera's clock")
    frames: int
    corrupt: int
    reconnects: int
    fps_analyzed: float
    analyzed: int
    dropped: dict[str, int] = Field(description="frames not analysed, by reason")
    reduced: ReductionModel | None = Field(description="null: analysed as configured")
    queue: int = Field(description="frames that wait for a worker")
    age_ms: float | None = Field(description="age of the newest analysed frame, now")
    latency_ms: float | None = Field(description="age of that frame when its analysis was done")
    faces: int = Field(description="confirmed faces in that frame")


class StatusModel(BaseModel):
    """The program."""

    version: str
    started_at: float = Field(description="UTC seconds")
    uptime: float = Field(description="seconds")
    models: dict[str, Any] = Field(description="by role: name, runtime, precision, origin")
    workers: int | str
    privacy: str
    age_groups: list[str] = Field(description="of the footfall figures, youngest first")
    degraded: dict[str, str] = Field(description="parts that can't do their work, and why")
    viewers: dict[str, int] = Field(description="by transport")
    cameras: list[CameraModel]


class Readiness(BaseModel):
    """At least one camera is live, and its frames are analysed."""

    ready: bool
    live: list[str] = Field(description="the ids of those")
    cameras: int
    degraded: dict[str, str] = Field(description="parts that can't do their work, and why")


class ImageResult(BaseModel):
    """What was found in an image, in the shape of the websocket's `result`."""

    type: str = Field(description="result")
    camera: str = Field(description="image")
    seq: int
    pts: float
    timestamp: float = Field(description="of the analysis, UTC seconds")
    resolution: Resolution = Field(description="of the image, upright")
    timings: dict[str, float] = Field(description="ms by stage: decode, detect, attributes (of the whole batch)")
    occupancy: dict[str, int] = Field(description="of cameras only: people in sight, by zone")
    objects: list[dict[str, Any]] = Field(description="one for each face, from left to right")


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
