"""Detection where boxes.csv says nothing: small faces in large pictures, and what becomes of false alarms on clips."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.config import InferenceConfig, TrackingConfig
from streamer.inference.detectors import open_detector
from streamer.pictures.picture import ArrayPicture, Pixels
from streamer.tracking import Tracker
from streamer.types import Detections
from tests.benchmarks.machine import (
    SHARED,
    DetectorName,
    box_overlap,
    milliseconds,
    model_store,
    models_config,
    read_picture,
)
from tests.benchmarks.tracks import TRUTHS, read_frames

__all__ = ["small_faces", "visits_on_clips"]

_SIZES = (12, 16, 20, 24, 32)  # height of the face, pixels
_SAME = 0.4  # overlap: a box a pixel off at 12 pixels has 0.7 at best
_SHOWN = 0.8  # of a face's size is shown around it
_NATIVE = 4096
_WIDTHS = (320, 640, 960, _NATIVE)  # at which clips are looked at
_SECONDS = 20  # of each clip
_NO_RULE = TrackingConfig(confirm_hits=1, confirm_after=1e-6, confirm_score=0.0)


def _faces() -> Iterator[tuple[Pixels, NDArray[np.float64]]]:
    """Clear faces cut out with what is around them, and the box of the face in the cutting: x y w h."""
    with (SHARED / "detection" / "boxes.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "face" and float(row["h"]) >= 64]
    for row in rows[:: max(1, len(rows) // 24)]:
        picture = read_picture(SHARED / "detection" / row["file"])
        x, y, w, h = (float(row[key]) for key in "xywh")
        left, top = max(0, round(x - _SHOWN * w)), max(0, round(y - _SHOWN * h))
        right, bottom = round(x + (1 + _SHOWN) * w), round(y + (1 + _SHOWN) * h)
        yield picture[top:bottom, left:right], np.array([x - left, y - top, w, h])


class _Scene(NamedTuple):
    """Many faces of one size on a street whose own are out of focus and seen from above.

    (N, 4) boxes of the faces, and of what is shown around them.
    """

    picture: ArrayPicture
    boxes: NDArray[np.float32]
    shown: NDArray[np.float32]


def _scene(height: int, size: int) -> _Scene:
    """height: lines of the picture. size: height of the faces, pixels."""
    street = read_picture(SHARED / "detection" / "plaza_overhead_nofaces_720p_00000.jpg")
    canvas = cv2.resize(street, (height * 16 // 9, height), interpolation=cv2.INTER_CUBIC)
    chance, boxes, shown = np.random.default_rng(size), [], []
    cells = [(column, row) for row in range(4) for column in range(6)]
    for (column, row), (cut, box) in zip(cells, _faces(), strict=False):
        scale = size / box[3]
        small = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        rows, columns = small.shape[:2]
        x = int((column + chance.uniform(0.2, 0.6)) * canvas.shape[1] / 6)
        y = int((row + chance.uniform(0.2, 0.6)) * canvas.shape[0] / 4)
        canvas[y : y + rows, x : x + columns] = small
        corner = np.array([x, y]) + box[:2] * scale
        boxes.append([*corner, *(corner + box[2:] * scale)])
        shown.append([x, y, x + columns, y + rows])
    return _Scene(
        ArrayPicture(canvas.astype(np.uint8, copy=False)), np.array(boxes, np.float32), np.array(shown, np.float32)
    )


def _elsewhere(found: NDArray[np.float32], scene: _Scene) -> int:
    """Boxes on the street itself, mostly heads of passers-by: beside a face that was cut out stands many another."""
    middles = (found[:, None, :2] + found[:, None, 2:]) / 2
    inside = np.all((middles >= scene.shown[None, :, :2]) & (middles <= scene.shown[None, :, 2:]), axis=2)
    return int((~np.any(inside, axis=1)).sum())


def _recall(found: NDArray[np.float32], scene: _Scene) -> float:
    return round(float((box_overlap(scene.boxes, found).max(axis=1, initial=0) >= _SAME).mean()), 2)


def small_faces(*, as_json: bool) -> None:
    """Recall by face size and way to look, what else is found, and what a picture costs.

    In brackets: of those boxes alone whose score suffices for a visit.
    """
    ways = ((640, "none"), (1280, "none"), (1280, "auto"), (640, "auto"), (640, "3x2"), (_NATIVE, "none"))
    outcomes: dict[str, Any] = {}
    for lines in (1080, 2160):
        scenes = {size: _scene(lines, size) for size in _SIZES}
        for width, tiles in ways:
            inference = InferenceConfig(detect_width=width, tiles=tiles, workers=1)
            detector = open_detector(models_config(detector="yunet"), inference, model_store())
            judged = {}  # by the least score: recall by size of the faces, boxes elsewhere
            found = {size: detector.detect(scene.picture) for size, scene in scenes.items()}
            for least in (0.0, detector.confirm_score):
                kept = {size: faces.boxes[faces.scores >= least] for size, faces in found.items()}
                other = sum(_elsewhere(boxes, scenes[size]) for size, boxes in kept.items())
                judged[least] = {size: _recall(boxes, scenes[size]) for size, boxes in kept.items()}, other
            cost = milliseconds(lambda look=detector, picture=scenes[24].picture: look.detect(picture), runs=5)  # type: ignore[misc]
            title = f"{lines} lines, {'native' if width == _NATIVE else width}, tiles {tiles}"
            (recall, other), (sure, sure_other) = judged.values()
            outcomes[title] = {"recall": recall, "sure": sure, "elsewhere": [other, sure_other], "ms": cost}
            if not as_json:
                shares = ", ".join(f"{size} px {recall[size]:.0%} ({sure[size]:.0%})" for size in _SIZES)
                print(f"{title:>36}: {shares}; {other} ({sure_other}) elsewhere, {cost} ms", flush=True)
    if as_json:
        print(json.dumps(outcomes, indent=2))


def visits_on_clips(detector_name: DetectorName, *, as_json: bool) -> None:
    """Visits on each clip at several widths: with the rule, and if every face that is found once were one."""
    outcomes: dict[str, Any] = {}
    for clip, truth in TRUTHS.items():
        for width in _WIDTHS:
            inference = InferenceConfig(detect_width=width, workers=1)
            detector = open_detector(models_config(detector=detector_name), inference, model_store())
            found = list(_detections(SHARED / "clips" / f"{clip}.mp4", detector))
            with_rule = _visits(found, Tracker(TrackingConfig(), confirm_score=detector.confirm_score))
            without = _visits(found, Tracker(_NO_RULE))
            title = f"{clip} {'native' if width == _NATIVE else width}"
            outcomes[title] = {"true": truth.visits, "rule": with_rule, "no_rule": without}
            if not as_json:
                print(f"{title:>38}: true {truth.visits}, with the rule {with_rule}, without {without}", flush=True)
    if as_json:
        print(json.dumps(outcomes, indent=2))


def _detections(clip: Path, detector: Any) -> Iterator[tuple[float, Detections]]:
    """Of every second frame of the clip's beginning."""
    for frame in islice(read_frames(clip), 0, None, 2):
        if frame.captured_at > _SECONDS:
            return
        yield frame.captured_at, detector.detect(frame.picture)


def _visits(found: list[tuple[float, Detections]], tracker: Tracker) -> int:
    return sum(len(tracker.update(faces, at).started) for at, faces in found)
