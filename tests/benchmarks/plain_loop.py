"""The peer to beat: the same nets in a plain threaded loop, as well tuned as such a loop can be.

    python -m tests.benchmarks.plain_loop CLIP [--frames 150]

One thread decodes, ahead by a few frames; one worker for each core takes the next frame, makes it BGR, finds the faces
with YuNet at 640, draws, and encodes the JPEG. Ages and genders are read every 12th frame and shown until the next. One
intra-op thread for each net, as more are slower. No identities, no schedule, no smoothing.
"""

from __future__ import annotations

import argparse
import json
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import cv2
import numpy as np

from streamer.config import InferenceConfig
from streamer.inference.attributes import AttributeModel, open_attribute_model
from streamer.inference.detector import Detector
from streamer.inference.detectors import open_detector
from streamer.pictures.picture import DecodedPicture, Pixels
from streamer.types import Detections, FaceReading
from tests.benchmarks.excerpts import excerpt
from tests.benchmarks.machine import model_store
from tests.benchmarks.speed import QUALITY, speed_models

__all__ = ["main"]

_READ_EVERY = 12
_AHEAD = 8  # frames decoded before they are taken


class PlainLoop:
    """The nets, and the last reading of each place."""

    def __init__(self, detector: Detector, attributes: AttributeModel | None, workers: int) -> None:
        self._detector = detector
        self._attributes = attributes
        self._workers = workers
        self._read: list[tuple[float, float, FaceReading]] = []  # x and y of the face's middle
        self.faces = 0
        self._counting = threading.Lock()

    def run(self, clip: Path, frames: int) -> float:
        """Seconds from opening the clip to the last JPEG."""
        waiting: queue.Queue[tuple[int, av.VideoFrame] | None] = queue.Queue(_AHEAD)
        self.faces = 0
        begin = time.perf_counter()
        with ThreadPoolExecutor(self._workers) as pool:
            work = [pool.submit(self._work, waiting) for _ in range(self._workers)]
            for numbered in enumerate(excerpt(clip, frames, threads=2)):
                waiting.put(numbered)
            for _ in work:
                waiting.put(None)
            for each in work:
                each.result()
        return time.perf_counter() - begin

    def _work(self, waiting: queue.Queue[tuple[int, av.VideoFrame] | None]) -> None:
        while (taken := waiting.get()) is not None:
            number, frame = taken
            picture = DecodedPicture(frame)
            found = self._detector.detect(picture)
            pixels = picture.pixels()
            if number % _READ_EVERY == 0 and self._attributes is not None:
                middles = (found.boxes[:, :2] + found.boxes[:, 2:]).tolist()
                readings = self._attributes.read(pixels, found)
                self._read = [(x / 2, y / 2, reading) for (x, y), reading in zip(middles, readings, strict=True)]
            self._draw(pixels, found)
            cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, QUALITY))
            with self._counting:
                self.faces += len(found)

    def _draw(self, pixels: Pixels, found: Detections) -> None:
        known = self._read
        for x0, y0, x1, y1 in found.boxes.astype(np.intp).tolist():
            cv2.rectangle(pixels, (x0, y0), (x1, y1), (0, 255, 0), 2)
            if known:
                _, _, nearest = min(known, key=lambda face: abs(2 * face[0] - x0 - x1) + abs(2 * face[1] - y0 - y1))
                label = f"{'female' if nearest.p_female >= 0.5 else 'male'} {nearest.age:.0f}"
                cv2.putText(pixels, label, (x0, y0 - 10), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 255, 0), 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints frames a second."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.plain_loop", description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    models, store = speed_models(), model_store()
    loop = PlainLoop(
        open_detector(models, InferenceConfig(), store), open_attribute_model(models, store), options.workers
    )
    loop.run(options.clip, options.frames)  # what the runtimes set up in their first calls of every size
    seconds = loop.run(options.clip, options.frames)
    print(json.dumps({"fps": round(options.frames / seconds, 1), "faces_per_frame": loop.faces / options.frames}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
