"""Printed faces in real video, told from people: python -m tests.benchmarks.posters [KIND…] [--json].

Labelled photographs are put on a street (the clip without faces), 60-260 pixels high, and encoded with x264: still, at
low quality, in light that flickers, with the whole picture shaking, with noise and all of these at once, or carried
through the picture, turned and brought nearer. What the detector finds in 20 s is played to a tracker again and again.
Says for each face how large it is where it is looked at, after how many seconds it is static, if at all; and the same
of the people on the clips, who must never be.
"""

from __future__ import annotations

import argparse
import io
import json
import math
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.config import InferenceConfig, TrackingConfig
from streamer.inference.detector import Detector
from streamer.inference.detectors import open_detector
from streamer.pictures.picture import DecodedPicture, Pixels
from streamer.tracking import Tracker
from streamer.types import Detections
from tests.benchmarks.machine import SHARED, model_store, models_config, read_picture
from tests.benchmarks.tracks import TRUTHS, read_frames

SIZE = (1280, 720)
HEIGHTS = (60, 80, 110, 150, 200, 260)  # of the photographs, pixels; half of that are faces
FPS, SECONDS = 15, 20
QUALITY = {"still": 20, "low": 36, "flicker": 32, "shake": 30, "all": 36, "carried": 28}  # crf
WIDTH = 640  # looked at

Seen = list[tuple[float, Detections]]


def street() -> Iterator[Pixels]:
    """The beginning of the clip without faces, over and over."""
    clip = read_frames(SHARED / "clips" / "plaza_overhead_nofaces_720p.mp4")
    frames = [frame.picture.pixels() for frame in islice(clip, 60)]
    yield from cycle(frames)


def photographs(seed: int = 0) -> list[Pixels]:
    """One for each height."""
    paths = sorted((SHARED / "faces").glob("*.jpg"))
    return [read_picture(paths[i]) for i in np.random.default_rng(seed).permutation(len(paths))[: len(HEIGHTS)]]


def hang(canvas: Pixels, pictures: Sequence[Pixels], at: float, *, carried: bool) -> None:
    """Put the photographs on the canvas as they hang, or as they are carried about, at a time in seconds."""
    x = 20.0
    for i, (picture, height) in enumerate(zip(pictures, HEIGHTS, strict=True)):
        scale, turn = height / picture.shape[0], 0.0
        middle = np.array([x + height / 2, 60 + i % 2 * 330 + height / 2])
        if carried:
            scale *= 1 + 0.25 * math.sin(0.5 * at + i)
            turn = 8.6 * math.sin(0.7 * at + i)
            middle += (60 * math.sin(0.6 * at + i), 20 * math.cos(at))
        move = cv2.getRotationMatrix2D((picture.shape[1] / 2, picture.shape[0] / 2), turn, scale)
        move[:, 2] += middle - (picture.shape[1] / 2, picture.shape[0] / 2)
        put = cv2.warpAffine(picture, move, SIZE, flags=cv2.INTER_AREA)
        mask = cv2.warpAffine(np.full(picture.shape[:2], 255, np.uint8), move, SIZE)
        canvas[mask > 127] = put[mask > 127]
        x += height + 20


def scene(kind: str, seed: int = 0) -> bytes:
    """A clip of this kind."""
    chance, out = np.random.default_rng(seed), io.BytesIO()
    noise = chance.normal(0, 6, (SIZE[1], SIZE[0], 3)).astype(np.int16)
    pictures, frames, shake, speed = photographs(seed), street(), np.zeros(3), np.zeros(3)
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": str(QUALITY[kind]), "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for k in range(FPS * SECONDS):
            canvas: NDArray[Any] = next(frames).copy()
            hang(canvas, pictures, k / FPS, carried=kind == "carried")
            if kind in ("shake", "all"):
                speed = 0.9 * speed + chance.normal(0, [1.2, 1.2, 0.07])
                shake = 0.93 * shake + speed
                move = cv2.getRotationMatrix2D((SIZE[0] / 2, SIZE[1] / 2), float(shake[2]), 1.0)
                move = move + np.pad(shake[:2, None], ((0, 0), (2, 0)))
                canvas = cv2.warpAffine(canvas, move, SIZE, borderMode=cv2.BORDER_REFLECT)
            if kind in ("flicker", "all"):
                light = 1 + 0.12 * math.sin(2.6 * math.pi * k / FPS) + 0.06 * chance.normal()
                canvas = np.clip(canvas * light, 0, 255).astype(np.uint8)
            if kind == "all":
                grain = np.roll(noise, int(chance.integers(720)), 0)
                canvas = np.clip(canvas.astype(np.int16) + grain, 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(canvas, format="bgr24")))
        container.mux(stream.encode(None))
    return out.getvalue()


def watch(seen: Seen, *, times: int, shrunk: float, score: float) -> list[dict[str, Any]]:
    """What a tracker makes of these detections, played so many times one after the other."""
    tracker, span = Tracker(TrackingConfig(), confirm_score=score), seen[-1][0] - seen[0][0] + 0.06
    faces: dict[int, dict[str, Any]] = {}
    for turn in range(times):
        for at, found in seen:
            for face in tracker.update(found, at + turn * span).faces:
                x0, y0, x1, y1 = face.box
                row = faces.setdefault(face.id, {"size": 0.0, "static_after": None, "seconds": 0.0})
                row["size"] = round(math.sqrt((x1 - x0) * (y1 - y0)) / shrunk)
                row["seconds"] = round(face.last_seen - face.first_seen, 1)
                if face.static and row["static_after"] is None:
                    row["static_after"] = row["seconds"]
    return list(faces.values())


def posters(kind: str, detector: Detector) -> list[dict[str, Any]]:
    """The photographs of one kind of clip."""
    with av.open(io.BytesIO(scene(kind)), "r") as container:
        decoded = list(container.decode(video=0))
    seen = [(float(frame.time or 0.0), detector.detect(DecodedPicture(frame))) for frame in decoded]
    return watch(seen, times=15, shrunk=SIZE[0] / WIDTH, score=detector.confirm_score)


def people(clip: str, detector: Detector) -> list[dict[str, Any]]:
    """The people on a clip."""
    seen, width = [], 0
    for frame in read_frames(SHARED / "clips" / f"{clip}.mp4"):
        seen.append((frame.captured_at, detector.detect(frame.picture)))
        width = frame.width
    return watch(seen, times=1, shrunk=max(1.0, width / WIDTH), score=detector.confirm_score)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", help=f"of {', '.join(QUALITY)}, or a clip's name; default: all")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    detector = open_detector(models_config(), InferenceConfig(detect_width=WIDTH, workers=1), model_store())
    outcomes: dict[str, Any] = {}
    clips = [clip for clip, truth in TRUTHS.items() if truth.visits]
    for name in options.kinds or [*QUALITY, *clips]:
        outcomes[name] = people(name, detector) if name in clips else posters(name, detector)
        if not options.json:
            told = [f"{face['size']} px {face['static_after'] or 'never'}" for face in outcomes[name]]
            print(f"{name:>28}: static after s: {', '.join(told)}", flush=True)
    if options.json:
        print(json.dumps(outcomes, indent=2))


if __name__ == "__main__":
    main()
