"""The parameters of what asks the store: checked one by one, so that an answer of 422 names the one that is wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from streamer.store.calendar import WIDTHS, Bucket
from streamer.store.footfall import GROUPS, Group
from streamer.store.lasting import EXACT
from streamer.store.rollup import DAY

__all__ = ["DwellParameters", "FootfallParameters", "ListParameters", "OccupancyParameters", "RangeParameters"]

_MOST_BUCKETS = 10_000
_LONGEST = 10 * 366 * 86_400_000  # ms
_MAY_GROUP: dict[str, set[Group]] = {
    "visits": {"camera", "gender", "age_group"},
    "crossings": {"camera", "gender", "age_group", "line", "direction"},
    "stays": {"camera", "gender", "age_group", "zone"},
}

Format = Annotated[
    Literal["json", "csv"] | None, Field(description="left out: as the header Accept asks for, else json")
]


class RangeParameters(BaseModel):
    """Where and when."""

    model_config = ConfigDict(extra="forbid", validate_default=True)

    camera: str = Field("", max_length=63, description="its id; left out: all cameras that the token is for")
    tz: str = Field("UTC", max_length=60, description="IANA time zone, such as Europe/Berlin: whose days are meant")
    from_: str = Field("", alias="from", max_length=40, description="UTC seconds, or ISO 8601; left out: today's 0:00")
    to: str = Field("", max_length=40, description="UTC seconds, or ISO 8601; left out: the end of today")

    @field_validator("tz")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise _wrong("no such time zone; an IANA name such as Europe/Berlin") from None
        return value

    @field_validator("from_", "to")
    @classmethod
    def _a_time(cls, value: str) -> str:
        if value:
            _milliseconds(value, UTC)
        return value

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.end <= self.begin:
            raise _wrong("to: lies before from, or at the same time")
        if self.end - self.begin > _LONGEST:
            raise _wrong("from: more than ten years before to")
        return self

    @property
    def zone(self) -> tzinfo:
        """Of `tz`."""
        return ZoneInfo(self.tz)

    @property
    def begin(self) -> int:
        """ms."""
        return _milliseconds(self.from_, self.zone) if self.from_ else _midnight(self.zone, 0)

    @property
    def end(self) -> int:
        """ms."""
        return _milliseconds(self.to, self.zone) if self.to else _midnight(self.zone, 1)

    def check_buckets(self, bucket: Bucket) -> None:
        """Raises PydanticCustomError: there would be too many."""
        if bucket != "total" and (self.end - self.begin) // WIDTHS[bucket] > _MOST_BUCKETS:
            raise _wrong(f"bucket: more than {_MOST_BUCKETS} of a {bucket} each; ask for longer ones")


class FootfallParameters(RangeParameters):
    """Of /api/v1/footfall."""

    count: Literal["visits", "crossings", "stays"] | None = Field(
        None,
        description="left out: crossings where a line or direction is asked for, stays for a zone, else visits",
    )
    line: str = Field("", max_length=60, description="its name; left out: all")
    zone_name: str = Field("", alias="zone", max_length=60, description="its name; left out: all")
    bucket: Bucket = Field("hour", description="how long each row's stretch of time is")
    group_by: str = Field(
        "", max_length=100, description="comma between them: direction, gender, age_group, camera, line, zone"
    )
    format: Format = None

    @field_validator("group_by")
    @classmethod
    def _groups(cls, value: str) -> str:
        known = set[str]().union(*_MAY_GROUP.values())
        names = [name.strip() for name in value.split(",") if name.strip()]
        if unknown := [name for name in names if name not in known]:
            raise _wrong(f"{unknown[0]} is none of {', '.join(sorted(known))}")
        return ",".join(dict.fromkeys(names))

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self.check_buckets(self.bucket)
        if self.line and self.counted != "crossings":
            raise _wrong(f"line: {self.counted} are not counted at lines")
        if self.zone_name and self.counted != "stays":
            raise _wrong(f"zone: {self.counted} are not counted in zones")
        if wrong := [name for name in self.groups if name not in _MAY_GROUP[self.counted]]:
            raise _wrong(f"group_by: {self.counted} have no {wrong[0]}")
        return self

    @property
    def groups(self) -> tuple[Group, ...]:
        """In the order in which they stand in a row."""
        wanted = self.group_by.split(",")
        return tuple(name for name in GROUPS if name in wanted)

    @property
    def counted(self) -> str:
        """Visits, crossings or stays."""
        if self.count is not None:
            return self.count
        if self.line or {"line", "direction"}.intersection(self.groups):
            return "crossings"
        return "stays" if self.zone_name or "zone" in self.groups else "visits"


class OccupancyParameters(RangeParameters):
    """Of /api/v1/occupancy."""

    zone_name: str = Field("", alias="zone", max_length=60, description="its name; left out: the whole picture")
    bucket: Bucket | None = Field(None, description="left out: one that makes at most some hundred rows")
    format: Format = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.bucket is not None:
            self.check_buckets(self.bucket)
        return self


class DwellParameters(RangeParameters):
    """Of /api/v1/dwell."""

    line: str = Field("", max_length=60, description="of visits that crossed it only; with a zone, of at most 8 days")
    zone_name: str = Field("", alias="zone", max_length=60, description="of stays in this zone, instead of visits")

    @model_validator(mode="after")
    def _answerable(self) -> Self:
        if self.line and self.zone_name and self.end - self.begin > EXACT:
            raise _wrong(f"line: with a zone at most {EXACT // DAY} days; leave one of both out")
        return self


class ListParameters(RangeParameters):
    """Of /api/v1/visits and /api/v1/events."""

    cursor: str = Field("", max_length=100, description="`next` of the page before")
    limit: int = Field(100, ge=1, le=1000, description="rows in a page")
    format: Format = None


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("value", "{message}", {"message": message})


def _milliseconds(text: str, zone: tzinfo) -> int:
    """Of UTC seconds, a date, or a date with a time, which is local unless it says otherwise."""
    try:
        if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text):
            return round(float(text) * 1000)
        found = datetime.fromisoformat(text)
        return round((found if found.tzinfo else found.replace(tzinfo=zone)).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        raise _wrong("neither UTC seconds nor ISO 8601, such as 2026-11-24 or 2026-11-24T09:30+01:00") from None


def _midnight(zone: tzinfo, days: int) -> int:
    day = datetime.now(zone).date() + timedelta(days=days)
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
