"""The shapes of the store's answers, for the OpenAPI document. The answers themselves are made in `streamer.store`."""

from __future__ import annotations

from pydantic import BaseModel, Field

from streamer.store.calendar import Bucket
from streamer.types import EventKind

__all__ = [
    "DwellModel",
    "EventRow",
    "EventsModel",
    "FootfallModel",
    "FootfallRow",
    "OccupancyModel",
    "OccupancyRow",
    "RulesModel",
    "VisitRow",
    "VisitsModel",
]


class _Stretch(BaseModel):
    start: float = Field(description="UTC seconds")
    end: float = Field(description="UTC seconds")
    time: str = Field(description="the start by the clocks of `tz`, ISO 8601")


class FootfallRow(_Stretch):
    """One stretch of time, and one group where groups are asked for; a quiet stretch has one row."""

    camera: str | None = None
    line: str | None = None
    zone: str | None = None
    direction: str | None = None
    gender: str | None = None
    age_group: str | None = None
    count: int | None = Field(description="null: the cameras were down the whole time, which is not zero")
    dwell: float | None = Field(description="mean seconds of those that have ended")
    up: float | None = Field(description="share of the time in which the cameras were live, 0-1; null: still to come")


class FootfallModel(BaseModel):
    """Counts."""

    count: str = Field(description="what is counted: visits, crossings or stays")
    bucket: Bucket
    tz: str
    rows: list[FootfallRow]


class OccupancyRow(_Stretch):
    """One stretch of time."""

    mean: float | None = Field(description="people in sight; null: nothing was observed")
    peak: int | None
    observed: float = Field(description="camera-seconds that the mean rests on")


class OccupancyModel(BaseModel):
    """People in sight at the same time."""

    bucket: Bucket
    tz: str
    now: int | None = Field(description="at this moment; null: no camera delivers")
    rows: list[OccupancyRow]


class DwellSpan(BaseModel):
    """Those that lasted from `from` up to `to`."""

    from_: float = Field(alias="from", description="seconds")
    to: float | None = Field(description="seconds; null: no limit")
    count: int


class DwellModel(BaseModel):
    """How long visits or stays lasted."""

    median: float | None = Field(description="seconds; null: none has ended")
    spans: list[DwellSpan]


class VisitRow(BaseModel):
    """One visit: a face that was in sight, once."""

    key: str
    camera: str
    started_at: float = Field(description="UTC seconds")
    ended_at: float | None = Field(description="UTC seconds; null: under way")
    gender: str
    gender_confidence: float
    age_group: str
    age: float | None
    age_low: float | None
    age_high: float | None
    samples: int = Field(description="looks that age and gender rest on")
    interrupted: bool = Field(description="the program was killed meanwhile: ended_at is when it was last alive")


class VisitsModel(BaseModel):
    """A page of visits."""

    next: str | None = Field(description="cursor of the next page; null: this is the last")
    rows: list[VisitRow]


class EventRow(BaseModel):
    """Something that happened once."""

    key: str = Field(description="the same for ever: what comes twice is the same event")
    kind: EventKind
    camera: str
    at: float = Field(description="UTC seconds")
    rule: str | None = Field(description="the line's or zone's name")
    direction: str | None
    visit: str | None = Field(description="key of the visit")


class EventsModel(BaseModel):
    """A page of events."""

    next: str | None = Field(description="cursor to go on from, also after the last; null: there has been none")
    rows: list[EventRow]


class LineModel(BaseModel):
    """A directed line; fractions of the picture."""

    name: str
    start: tuple[float, float]
    end: tuple[float, float]
    in_label: str
    out_label: str
    source: str = Field(description="config (can't be changed here) or page")


class ZoneModel(BaseModel):
    """A polygon; fractions of the picture."""

    name: str
    points: list[tuple[float, float]]
    source: str = Field(description="config (can't be changed here) or page")


class RulesModel(BaseModel):
    """All that is counted in one camera's picture."""

    lines: list[LineModel]
    zones: list[ZoneModel]
