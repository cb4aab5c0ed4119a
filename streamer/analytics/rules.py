"""What is counted in a camera's picture: directed lines and polygon zones, in fractions of the picture."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Line", "Point", "Rules", "Zone"]

Point = tuple[float, float]
"""x, y as fractions of the picture's width and height, 0-1, origin top left."""


@dataclass(frozen=True, slots=True)
class Line:
    """A directed segment. Crossing it from its left to its right, looking from `start` to `end`, is 'in'.

    Left and right as seen on the picture: on a line drawn from bottom to top, 'in' is the way from left to right.
    in_label, out_label: the user's words for the two directions.
    """

    name: str
    start: Point
    end: Point
    in_label: str = "in"
    out_label: str = "out"


@dataclass(frozen=True, slots=True)
class Zone:
    """A simple polygon of at least three points, closed by itself."""

    name: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """All that is counted in one camera's picture; names are unique among lines and zones together."""

    lines: tuple[Line, ...] = field(default=())
    zones: tuple[Zone, ...] = field(default=())
