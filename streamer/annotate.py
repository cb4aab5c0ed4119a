"""Draws boxes and labels on pictures, and hides faces. Pure: works on the array it is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.label_placement import Rect, place_labels
from streamer.picture import Pixels
from streamer.types import Track

__all__ = ["annotate", "blur_faces", "label_text"]

Colour = tuple[int, int, int]  # blue, green, red

# Okabe and Ito's palette: told apart by people with any of the usual colour deficiencies, and light enough for dark
# text on them.
COLOURS: dict[str, Colour] = {"female": (0, 159, 230), "male": (233, 180, 86), "unknown": (225, 225, 225)}
_INK: Colour = (24, 20, 18)
_FONT = cv2.FONT_HERSHEY_DUPLEX
_FONT_HEIGHT = 22  # pixels of a capital letter at font scale 1
_SUPERSAMPLING = 4
_JUST_SEEN = 1e-6  # seconds

# How far beyond a face's box it is hidden, and how few cells are left of it: 5 across leave no feature to recover.
_BLUR_MARGIN = 1.5
_BLUR_CELLS = 5


@dataclass(frozen=True, slots=True)
class _Style:
    """Sizes in pixels for a picture of one size."""

    line: int
    cap: int  # height of a capital letter
    pad: int

    @classmethod
    def of(cls, width: int, height: int) -> _Style:
        unit = min(width, height)
        line = max(2, round(unit / 260))
        cap = max(8, round(unit / 54))
        return cls(line, cap, max(2, round(cap * 0.4)))


def annotate(bgr: Pixels, tracks: Sequence[Track], *, at: float, scale: float = 1.0) -> None:
    """Draw the box and the label of each track on the picture.

    bgr: (H, W, 3) uint8, drawn on. at: the frame's `captured_at`; a track last seen before coasts, and is drawn thin
    and dashed; so is a static picture of a face, in grey, and says so. scale: width of `bgr` / width of the frame that
    the tracks' boxes belong to.
    """
    height, width = bgr.shape[:2]
    style = _Style.of(width, height)
    boxes = [_scaled(track, scale) for track in tracks]
    for track, box in zip(tracks, boxes, strict=True):
        coasting = track.last_seen < at - _JUST_SEEN
        _draw_box(bgr, box, _colour(track), style, dashed=coasting or track.static)
    # The eldest first: a label keeps its place when another face arrives
    order = sorted(range(len(tracks)), key=lambda i: tracks[i].id)
    plates = [_plate(label_text(tracks[i]), _colour(tracks[i]), style.cap, style.pad) for i in order]
    places = place_labels(
        [boxes[i] for i in order], [(plate.shape[1], plate.shape[0]) for plate in plates], (width, height), style.line
    )
    for plate, place in zip(plates, places, strict=True):
        if place is not None:
            bgr[place.y0 : place.y1, place.x0 : place.x1] = plate


def label_text(track: Track) -> str:
    """Such as `#3 female 25-32`; `#3 ...` until something is known, `#3 static` for a picture of a face.

    ASCII, as the drawn font has nothing else.
    """
    words = [f"#{track.id}"]
    if track.static:
        return f"{words[0]} static"
    if track.gender != "unknown":
        words.append(track.gender_label)
    if track.age_label is not None:
        words.append(track.age_label)
    return " ".join(words) if len(words) > 1 else f"{words[0]} ..."


def _colour(track: Track) -> Colour:
    return COLOURS["unknown" if track.static else track.gender]


def blur_faces(bgr: Pixels, boxes: NDArray[np.float32], *, scale: float = 1.0) -> None:
    """Hide what lies in the boxes, beyond recovery: few coarse cells are left, smoothed, in an ellipse around each.

    bgr: (H, W, 3) uint8, changed. boxes: (N, 4) x0 y0 x1 y1 in pixels / scale; what lies outside is ignored.
    """
    height, width = bgr.shape[:2]
    for x0, y0, x1, y1 in np.asarray(boxes, np.float64).reshape(-1, 4) * scale:
        # An ellipse that takes in the corners of the box would be √2 as wide; heads fill no corners
        reach_x, reach_y = (x1 - x0) / 2 * _BLUR_MARGIN, (y1 - y0) / 2 * _BLUR_MARGIN
        centre_x, centre_y = (x0 + x1) / 2, (y0 + y1) / 2
        left, right = max(0, math.floor(centre_x - reach_x)), min(width, math.ceil(centre_x + reach_x))
        top, bottom = max(0, math.floor(centre_y - reach_y)), min(height, math.ceil(centre_y + reach_y))
        if right <= left or bottom <= top:
            continue
        region = bgr[top:bottom, left:right]
        cells = cv2.resize(region, (_BLUR_CELLS, _BLUR_CELLS), interpolation=cv2.INTER_AREA)
        hidden = cv2.resize(cells, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
        mask = np.zeros((bottom - top, right - left), np.uint8)
        centre = (round(centre_x) - left, round(centre_y) - top)
        cv2.ellipse(mask, centre, (math.ceil(reach_x), math.ceil(reach_y)), 0, 0, 360, 255, cv2.FILLED)
        cv2.copyTo(hidden, mask, region)  # into the picture: `region` is a view of it


def _scaled(track: Track, scale: float) -> Rect:
    x0, y0, x1, y1 = (round(float(value) * scale) for value in track.box)
    return Rect(x0, y0, x1, y1)


def _draw_box(bgr: Pixels, box: Rect, colour: Colour, style: _Style, *, dashed: bool) -> None:
    """A line with a dark edge, so that it shows on any background."""
    line = max(2, style.line - 1) if dashed else style.line
    for ink, thickness in ((_INK, line + 2), (colour, line)):
        if dashed:
            for start, end in _dashes(box, 5 * style.line):
                cv2.line(bgr, start, end, ink, thickness)
        else:
            cv2.rectangle(bgr, (box.x0, box.y0), (box.x1, box.y1), ink, thickness)


def _dashes(box: Rect, length: int) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The dashes of the box's outline, each `length` pixels long with gaps of the same; every corner is drawn."""
    dashes = []
    for (x0, y0), (x1, y1) in (
        ((box.x0, box.y0), (box.x1, box.y0)),
        ((box.x1, box.y0), (box.x1, box.y1)),
        ((box.x0, box.y1), (box.x1, box.y1)),
        ((box.x0, box.y0), (box.x0, box.y1)),
    ):
        side = max(abs(x1 - x0), abs(y1 - y0))
        # An odd number of equal parts, the odd ones drawn: a dash at either end. A box far larger than the picture
        # must not cost thousands of dashes.
        parts = min(201, max(1, side // length // 2 * 2 + 1))
        for i in range(0, parts, 2):
            begin, end = i / parts, (i + 1) / parts
            dashes.append(
                (
                    (round(x0 + (x1 - x0) * begin), round(y0 + (y1 - y0) * begin)),
                    (round(x0 + (x1 - x0) * end), round(y0 + (y1 - y0) * end)),
                )
            )
    return dashes


@lru_cache(maxsize=128)  # some 2 MB at 720p, for every face in sight: ids never come back, so old labels are of no use
def _plate(text: str, colour: Colour, cap: int, pad: int) -> Pixels:
    """A filled label, ready to be copied into a picture: (h, w, 3). Drawn large and shrunk, which smooths the font."""
    scale = cap * _SUPERSAMPLING / _FONT_HEIGHT
    thickness = max(1, round(scale * 2.2))
    (text_width, text_height), _ = cv2.getTextSize(text, _FONT, scale, thickness)
    pad_large = pad * _SUPERSAMPLING
    width = math.ceil((text_width + 2 * pad_large) / _SUPERSAMPLING)
    height = math.ceil((text_height + 2 * pad_large) / _SUPERSAMPLING)
    large = np.full((height * _SUPERSAMPLING, width * _SUPERSAMPLING, 3), colour, np.uint8)
    origin = (pad_large, pad_large + text_height)
    cv2.putText(large, text, origin, _FONT, scale, _INK, thickness, cv2.LINE_AA)
    plate = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)
    plate.setflags(write=False)  # shared by the cache
    return plate  # type: ignore[return-value]
