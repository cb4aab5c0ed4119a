"""Files instead of cameras: every frame of a clip, every picture of a folder, as fast as the machine can, in order."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamer.analytics.rules import Rules
from streamer.config import Config
from streamer.errors import SourceError, StreamerError
from streamer.inference.attributes import open_attribute_model
from streamer.inference.camera_lane import CameraLane
from streamer.inference.detectors import open_detector
from streamer.inference.model_store import ModelStore
from streamer.inference.pipeline import CameraPipeline
from streamer.inference.pool import InferencePool
from streamer.inference.runtime import cores
from streamer.inference.still import StillAnalyzer
from streamer.monitoring.metrics import Metrics
from streamer.pictures.image_files import read_picture
from streamer.pictures.picture import Picture
from streamer.types import Event, Frame, Result

__all__ = ["AnalyzedFrame", "OfflineAnalysis", "find_pictures", "is_picture"]

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})

_AHEAD = 4
"""Frames for each worker that are decoded, under way, or done at a time. The faces of one frame take as long to be read
as several frames to be looked at; more than this gain nothing."""


class AnalyzedFrame(NamedTuple):
    """faces: (N, 4) float32, x0 y0 x1 y1 in pixels, every face found in the frame, also those not confirmed."""

    frame: Frame
    result: Result
    faces: NDArray[np.float32]


def is_picture(path: Path) -> bool:
    """Whether a file's name says that it is a still picture."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def find_pictures(folder: Path) -> list[Path]:
    """The pictures in a folder and in those below it, by name."""
    return sorted(path for path in folder.rglob("*") if is_picture(path) and path.is_file())


class OfflineAnalysis:
    """The nets of a configuration, applied to files. Raises ModelError when they can't be had."""

    def __init__(self, config: Config, store: ModelStore) -> None:
        self._config = config
        self._detector = open_detector(config.models, config.inference, store)
        self._attributes = open_attribute_model(config.models, store)
        self._stills = StillAnalyzer(self._detector, self._attributes, config.tracking)
        self.failures = 0  # frames of the last clip that could not be analysed
        self.closing: tuple[Event, ...] = ()  # what ended with the last clip
        self.attribute_model = self._attributes.name if self._attributes else ""
        wanted = config.inference.workers
        self._workers = cores() if wanted == "auto" else wanted

    def clip(
        self, frames: Iterable[Frame], *, name: str, every: int = 1, rules: Rules | None = None
    ) -> Iterator[AnalyzedFrame]:
        """Each `every`-th frame of a clip with its result, in order, none dropped; counted by these rules.

        `name` stands as the results' camera. Raises SourceError when the file breaks.
        """
        ahead = _AHEAD * self._workers
        results: queue.Queue[AnalyzedFrame | None] = queue.Queue(maxsize=ahead)
        failure: list[StreamerError] = []

        def deliver(frame: Frame, result: Result, faces: NDArray[np.float32]) -> None:
            results.put(AnalyzedFrame(frame, result, faces))

        metrics = Metrics()
        pool = InferencePool(workers=self._workers, metrics=metrics)
        pipeline = CameraPipeline(
            name,
            detector=self._detector,
            attributes=self._attributes,
            tracking=self._config.tracking,
            look_interval=self._config.inference.seconds_between_looks,
            metrics=metrics,
            deliver=deliver,
            rules=rules,
        )
        lane = CameraLane(
            pipeline, queue_size=ahead, max_frame_age=None, most_under_way=ahead, metrics=metrics, wake=pool.wake
        )
        pool.add(name, lane)

        def feed() -> None:
            try:
                for frame in islice(frames, 0, None, every):
                    if lane.queue.put(frame) is not None:
                        return
            except StreamerError as error:
                failure.append(error)
            finally:
                lane.close()
                pool.wait_until(lambda: lane.drained)
                self.closing = pipeline.close().events
                results.put(None)

        feeder = threading.Thread(target=feed, name="feed", daemon=True)
        pool.start()
        feeder.start()
        try:
            while (item := results.get()) is not None:
                yield item
        finally:
            lane.close()
            _let_go(results, feeder)
            pool.stop()
            self.failures = lane.failures
        if failure:
            raise failure[0]

    def pictures(self, paths: Sequence[Path]) -> Iterator[tuple[Path, Picture | None, Result | SourceError]]:
        """Each picture with its result, or with what is wrong with it, in the order given."""
        with ThreadPoolExecutor(self._workers, thread_name_prefix="stills") as executor:
            left = iter(paths)
            waiting = [executor.submit(self._picture, path) for path in islice(left, 2 * self._workers)]
            while waiting:
                done: Future[tuple[Path, Picture | None, Result | SourceError]] = waiting.pop(0)
                yield done.result()
                waiting += [executor.submit(self._picture, path) for path in islice(left, 1)]

    def _picture(self, path: Path) -> tuple[Path, Picture | None, Result | SourceError]:
        try:
            picture = read_picture(path)
        except SourceError as error:
            return path, None, error
        result = self._stills.analyze(path.name, picture.pixels())
        return path, picture, result


def _let_go(results: queue.Queue[AnalyzedFrame | None], feeder: threading.Thread) -> None:
    """Take what is still delivered until the feeder has ended, so that nobody waits for room in the queue."""
    while feeder.is_alive():
        with contextlib.suppress(queue.Empty):
            results.get(timeout=0.05)
    feeder.join()
