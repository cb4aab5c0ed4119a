"""The sections `inference` and `models` of config.yaml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from streamer.config_section import Fraction, Seconds, Section

__all__ = ["InferenceConfig", "ModelsConfig"]


class InferenceConfig(Section):
    """How frames are analysed."""

    workers: int | Literal["auto"] = "auto"
    detect_width: int = Field(default=640, ge=160, le=4096)
    detect_threshold: Fraction | None = None
    tiles: str = Field(default="none", pattern=r"^(none|auto|[1-9]x[1-9])$")
    look_interval: Annotated[float, Field(ge=0, le=1)] | Literal["auto"] = "auto"
    queue_size: int = Field(default=2, ge=1, le=64)
    max_frame_age: Seconds = 0.5
    hang_after: float = Field(default=10.0, ge=1, le=600)
    adapt: bool = True

    @field_validator("workers", mode="before")
    @classmethod
    def _some_workers(cls, value: object) -> object:
        if value != "auto" and not (type(value) is int and 1 <= value <= 64):
            raise ValueError("a whole number from 1 to 64, or auto")
        return value

    @property
    def seconds_between_looks(self) -> float | None:
        """0: every frame is looked at; None: by what is to be seen."""
        return None if self.look_interval == "auto" else self.look_interval

    @property
    def tile_grid(self) -> tuple[int, int] | None:
        """Columns and rows; None: as many as it takes, or none at all."""
        columns, found, rows = self.tiles.partition("x")
        return (int(columns), int(rows)) if found else None


class ModelsConfig(Section):
    """Which nets run, on what, and where their weights are looked for."""

    detector: Literal["auto", "yunet", "centerface", "ssd-res10"] = "auto"
    attributes: Literal["auto", "pair", "dlib", "faceres", "levi-hassner", "none"] = "auto"
    runtime: Literal["auto", "onnxruntime", "openvino", "opencv"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    search_path: tuple[Path, ...] = ()
    offline: bool = False
