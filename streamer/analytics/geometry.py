"""Plane geometry of lines and zones. Any unit of length, the same across and down; y grows downward, as on pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from streamer.analytics.rules import Point

__all__ = ["distance_to_edge", "distance_to_segment", "inside", "is_simple", "passage"]


def passage(start: Point, end: Point, before: Point, after: Point) -> tuple[int, float] | None:
    """How a straight step passes the directed segment from `start` to `end`; None if it doesn't.

    +1: from its left to its right, -1: from right to left, as one looks along it on the picture. With it the part of
    the step, 0-1, after which the segment is reached. A point on the segment's line counts as right of it, so that a
    path of many steps passes exactly as often as its ends say.
    """
    x, y = end[0] - start[0], end[1] - start[1]
    old = x * (before[1] - start[1]) - y * (before[0] - start[0])  # > 0: right of it
    new = x * (after[1] - start[1]) - y * (after[0] - start[0])
    if (old >= 0) == (new >= 0):
        return None
    part = old / (old - new)
    meets = before[0] + part * (after[0] - before[0]), before[1] + part * (after[1] - before[1])
    along = (meets[0] - start[0]) * x + (meets[1] - start[1]) * y
    if not 0 <= along <= x * x + y * y:
        return None
    return (1 if new >= 0 else -1), part


def distance_to_segment(start: Point, end: Point, point: Point) -> float:
    """From a point to the nearest point of a segment."""
    x, y = end[0] - start[0], end[1] - start[1]
    length = x * x + y * y
    along = ((point[0] - start[0]) * x + (point[1] - start[1]) * y) / length if length else 0.0
    along = min(max(along, 0.0), 1.0)
    return math.hypot(point[0] - start[0] - along * x, point[1] - start[1] - along * y)


def inside(polygon: Sequence[Point], point: Point) -> bool:
    """Whether a point lies in a polygon that closes by itself: a ray to the right leaves it an odd number of times."""
    x, y = point
    odd = False
    for (x0, y0), (x1, y1) in _edges(polygon):
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            odd = not odd
    return odd


def distance_to_edge(polygon: Sequence[Point], point: Point) -> float:
    """From a point, inside or not, to the nearest point of a polygon's edge."""
    return min(distance_to_segment(start, end, point) for start, end in _edges(polygon))


def is_simple(polygon: Sequence[Point]) -> bool:
    """Whether no edge of a polygon passes another, and it has an area."""
    edges = list(_edges(polygon))
    for i, one in enumerate(edges):
        for other in edges[i + 2 : len(edges) - (i == 0)]:
            if passage(*one, *other) and passage(*other, *one):
                return False
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in edges)) > 1e-6


def _edges(polygon: Sequence[Point]) -> Iterator[tuple[Point, Point]]:
    return zip(polygon, (*polygon[1:], polygon[0]), strict=True)
