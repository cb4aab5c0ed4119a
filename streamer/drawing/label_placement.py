"""Finds a place for each label: inside the picture, near its box, overlapping no other label. Pure geometry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["Rect", "place_labels"]


class Rect(NamedTuple):
    """Pixels; x1 and y1 lie just outside."""

    x0: int
    y0: int
    x1: int
    y1: int

    def overlap(self, other: Rect) -> int:
        """Pixels that both hold."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return width * height if width > 0 and height > 0 else 0


def place_labels(
    boxes: Sequence[Rect], sizes: Sequence[tuple[int, int]], picture: tuple[int, int], gap: int = 1
) -> list[Rect | None]:
    """A place for each label, the first ones choosing first; None for one that finds no free place anywhere.

    sizes: width, height of each label. picture: width, height. gap: pixels between a box and its label.
    """
    placed: list[Rect] = []
    places: list[Rect | None] = []
    for i, (box, size) in enumerate(zip(boxes, sizes, strict=True)):
        others = [other for k, other in enumerate(boxes) if k != i]
        place = _beside(box, size, picture, gap, placed=placed, others=others) or _anywhere(box, size, picture, placed)
        places.append(place)
        if place is not None:
            placed.append(place)
    return places


def _beside(
    box: Rect, size: tuple[int, int], picture: tuple[int, int], gap: int, *, placed: list[Rect], others: list[Rect]
) -> Rect | None:
    """The free place beside the box that hides least of other faces; of equals the usual one, above."""
    best: Rect | None = None
    least = float("inf")
    for place in _candidates(box, size, picture, gap):
        if any(place.overlap(other) for other in placed):
            continue
        hidden = sum(place.overlap(other) for other in others)
        if hidden < least:
            best, least = place, hidden
            if hidden == 0:
                break
    return best


def _candidates(box: Rect, size: tuple[int, int], picture: tuple[int, int], gap: int) -> Iterator[Rect]:
    """Places around the box, pushed sideways into the picture where need be, best first."""
    (width, height), (picture_width, picture_height) = size, picture
    above, below = box.y0 - gap - height, box.y1 + gap
    left, right = box.x0 - gap - width, box.x1 + gap
    for x, y in (
        (box.x0 - gap, above),
        (box.x1 + gap - width, above),
        (box.x0 - gap, below),
        (box.x1 + gap - width, below),
        (right, box.y0),
        (left, box.y0),
        (right, box.y1 - height),
        (left, box.y1 - height),
        (box.x0 + gap, box.y0 + gap),
        (box.x0 + gap, box.y1 - gap - height),
    ):
        # Along the box's edge a label may slide; across it, it would cover the face
        slides = y in (above, below)
        x_in = min(max(x, 0), picture_width - width) if slides else x
        if 0 <= x_in <= picture_width - width and 0 <= y <= picture_height - height:
            yield Rect(x_in, y, x_in + width, y + height)


def _anywhere(box: Rect, size: tuple[int, int], picture: tuple[int, int], placed: list[Rect]) -> Rect | None:
    """The free place nearest to above the box.

    If there is any free place, then there is one that touches the picture's edge or a placed label to its left and
    above: so looking at these finds one. The others tried are nearer to the box.
    """
    (width, height), (picture_width, picture_height) = size, picture
    if width > picture_width or height > picture_height:
        return None
    want_x = min(max(box.x0, 0), picture_width - width)
    want_y = min(max(box.y0 - height, 0), picture_height - height)
    xs = {0, picture_width - width, want_x} | {x for r in placed for x in (r.x1, r.x0 - width)}
    ys = {0, picture_height - height, want_y} | {y for r in placed for y in (r.y1, r.y0 - height)}
    x, y = np.meshgrid(
        [x for x in sorted(xs) if 0 <= x <= picture_width - width],
        [y for y in sorted(ys) if 0 <= y <= picture_height - height],
    )
    free = np.ones(x.shape, bool)
    for r in placed:
        free &= (x >= r.x1) | (x + width <= r.x0) | (y >= r.y1) | (y + height <= r.y0)
    if not free.any():
        return None
    distance = np.where(free, np.hypot(x - want_x, y - want_y), np.inf)
    at = np.unravel_index(np.argmin(distance), distance.shape)
    return Rect(int(x[at]), int(y[at]), int(x[at]) + width, int(y[at]) + height)
