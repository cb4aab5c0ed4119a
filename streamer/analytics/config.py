"""The schema of lines and zones in config.yaml, and of those drawn on the page."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from streamer.analytics.geometry import is_simple
from streamer.analytics.rules import Line, Rules, Zone
from streamer.config_section import Fraction, Section

__all__ = ["LineConfig", "RulesConfig", "ZoneConfig"]

FractionPoint = tuple[Fraction, Fraction]
# Not on the page alone: also in Home Assistant and on the command line, where control characters may do harm
RuleLabel = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
RuleName = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f-\x9f/]+$")]


class LineConfig(Section):
    """A directed line across a camera's picture: who crosses it from its left to its right, seen along it, goes in."""

    name: RuleName
    start: FractionPoint
    end: FractionPoint
    in_label: RuleLabel = "in"
    out_label: RuleLabel = "out"

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if math.dist(self.start, self.end) < 0.01:
            raise ValueError("start and end are the same point")
        return self


class ZoneConfig(Section):
    """A part of a camera's picture, as a polygon."""

    name: RuleName
    points: Annotated[tuple[FractionPoint, ...], Field(min_length=3, max_length=64)]

    @field_validator("points")
    @classmethod
    def _simple(cls, points: tuple[FractionPoint, ...]) -> tuple[FractionPoint, ...]:
        if not is_simple(points):
            raise ValueError("its edges cross each other or it has no area: list the corners one after the other")
        return points


class RulesConfig(Section):
    """What is counted in one camera's picture."""

    lines: Annotated[tuple[LineConfig, ...], Field(max_length=32)] = ()
    zones: Annotated[tuple[ZoneConfig, ...], Field(max_length=32)] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = self.names
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names of lines and zones must differ: {', '.join(twice)} stands more than once")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Of all lines, then of all zones."""
        return (*(line.name for line in self.lines), *(zone.name for zone in self.zones))

    @property
    def rules(self) -> Rules:
        """The lines and zones, as they are counted by."""
        return Rules(
            tuple(Line(line.name, line.start, line.end, line.in_label, line.out_label) for line in self.lines),
            tuple(Zone(zone.name, zone.points) for zone in self.zones),
        )
