"""Draws boxes and labels on pictures, and hides faces. Pure: works on the canvas it is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.drawing.canvas import Canvas, Colour, Plate
from streamer.drawing.label_placement import Rect, place_labels
from streamer.pictures.picture import Pixels
from streamer.types import Track

__all__ = ["annotate", "blur_faces", "draw_tracks", "hide_faces", "label_text"]

_Stroke = tuple[tuple[int, int], tuple[int, int]]  # from there to there

# Okabe and Ito's palette: told apart by people with any of the usual colour deficiencies, and light enough for dark
# text on them.
COLOURS: dict[str, Colour] = {"female": (0, 159, 230), "male": (233, 180, 86), "unknown": (225, 225, 225)}
_INK: Colour = (24, 20, 18)
_FONT = cv2.FONT_HERSHEY_DUPLEX
_FONT_HEIGHT = 22  # pixels of a capital letter at font scale 1
_SUPERSAMPLING = 4
_JUST_SEEN = 1e-6  # seconds

_BLUR_MARGIN = 1.5  # how far beyond a face's box it is hidden


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
    """As `draw_tracks`, on an array of (H, W, 3) uint8."""
    draw_tracks(Canvas.of_bgr(bgr), tracks, at=at, scale=scale)


def blur_faces(bgr: Pixels, boxes: NDArray[np.float32], *, scale: float = 1.0) -> None:
    """As `hide_faces`, on an array of (H, W, 3) uint8."""
    hide_faces(Canvas.of_bgr(bgr), boxes, scale=scale)


def draw_tracks(canvas: Canvas, tracks: Sequence[Track], *, at: float, scale: float = 1.0) -> None:
    """Draw the box and the label of each track on the picture.

    at: the frame's `captured_at`; a track last seen before coasts, and is drawn thin and dashed; so is a static picture
    of a face, in grey, and says so. scale: width of the canvas / width of the frame that the tracks' boxes belong to.
    """
    style = _Style.of(canvas.width, canvas.height)
    boxes = [_scaled(track, scale) for track in tracks]
    for track, box in zip(tracks, boxes, strict=True):
        coasting = track.last_seen < at - _JUST_SEEN
        _draw_box(canvas, box, _colour(track), style, dashed=coasting or track.static)
    # The eldest first: a label keeps its place when another face arrives
    order = sorted(range(len(tracks)), key=lambda i: tracks[i].id)
    plates = [_plate(label_text(tracks[i]), _colour(tracks[i]), style.cap, style.pad) for i in order]
    places = place_labels(
        [boxes[i] for i in order], [plate.size for plate in plates], (canvas.width, canvas.height), style.line
    )
    for plate, place in zip(plates, places, strict=True):
        if place is not None:
            canvas.paste(plate, place.x0, place.y0)


def hide_faces(canvas: Canvas, boxes: NDArray[np.float32], *, scale: float = 1.0) -> None:
    """Hide what lies in the boxes, beyond recovery: an ellipse around each; see `Canvas.hide`.

    boxes: (N, 4) x0 y0 x1 y1 in pixels / scale; what lies outside is ignored.
    """
    for x0, y0, x1, y1 in np.asarray(boxes, np.float64).reshape(-1, 4) * scale:
        # An ellipse that takes in the corners of the box would be √2 as wide; heads fill no corners
        reach = (x1 - x0) / 2 * _BLUR_MARGIN, (y1 - y0) / 2 * _BLUR_MARGIN
        canvas.hide(((x0 + x1) / 2, (y0 + y1) / 2), reach)


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


def _scaled(track: Track, scale: float) -> Rect:
    x0, y0, x1, y1 = (round(float(value) * scale) for value in track.box)
    return Rect(x0, y0, x1, y1)


def _draw_box(canvas: Canvas, box: Rect, colour: Colour, style: _Style, *, dashed: bool) -> None:
    """A line with a dark edge, so that it shows on any background."""
    line = max(2, style.line - 1) if dashed else style.line
    strokes = _dashes(box, 5 * style.line) if dashed else _sides(box)
    for ink, thickness in ((_INK, line + 2), (colour, line)):
        before, after = thickness // 2, thickness - thickness // 2
        canvas.fill([Rect(x0 - before, y0 - before, x1 + after, y1 + after) for (x0, y0), (x1, y1) in strokes], ink)


def _sides(box: Rect) -> list[_Stroke]:
    """Each from left to right, or downwards."""
    return [
        ((box.x0, box.y0), (box.x1, box.y0)),
        ((box.x0, box.y1), (box.x1, box.y1)),
        ((box.x0, box.y0), (box.x0, box.y1)),
        ((box.x1, box.y0), (box.x1, box.y1)),
    ]


def _dashes(box: Rect, length: int) -> list[_Stroke]:
    """The dashes of the box's outline, each `length` pixels long with gaps of the same; every corner is drawn."""
    dashes = []
    for (x0, y0), (x1, y1) in _sides(box):
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


@lru_cache(maxsize=128)  # some 3 MB at 720p, for every face in sight: ids never come back, so old labels are of no use
def _plate(text: str, colour: Colour, cap: int, pad: int) -> Plate:
    """A filled label. Drawn large and shrunk, which smooths the font; letter by letter, as words come and go."""
    around = pad * _SUPERSAMPLING
    letters = np.hstack([_letter(letter, cap, around) for letter in text])
    rows, columns = letters.shape
    width, height = (2 * math.ceil(side / _SUPERSAMPLING / 2) for side in (columns + 2 * around, rows + around))
    large = np.zeros((height * _SUPERSAMPLING, width * _SUPERSAMPLING), np.uint8)
    large[around : around + rows, around : around + columns] = letters
    inked = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)
    return Plate.of(cv2.LUT(cv2.merge([inked] * 3), _shades(colour)))  # type: ignore[arg-type]


@lru_cache(maxsize=1024)
def _letter(letter: str, cap: int, below: int) -> NDArray[np.uint8]:
    """How far ink covers each place, 0-255, of a letter drawn large, to be set beside others. below: rows for tails."""
    scale = cap * _SUPERSAMPLING / _FONT_HEIGHT
    thickness = max(1, round(scale * 2.2))
    (two, height), _ = cv2.getTextSize(letter * 2, _FONT, scale, thickness)
    (one, _), _ = cv2.getTextSize(letter, _FONT, scale, thickness)
    drawn = np.zeros((height + below, two - one), np.uint8)
    cv2.putText(drawn, letter, (0, height), _FONT, scale, (255,), thickness, cv2.LINE_AA)
    return drawn


@lru_cache(maxsize=16)
def _shades(colour: Colour) -> NDArray[np.uint8]:
    """(256, 1, 3): what ink looks like on a colour that it covers so far."""
    share = np.linspace(0, 1, 256)[:, None, None]
    mixed: NDArray[np.uint8] = np.rint((1 - share) * np.array(colour) + share * np.array(_INK)).astype(np.uint8)
    return mixed
