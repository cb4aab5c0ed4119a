"""The images' way through the pool: a bounded queue, worked through in batches, every answer made once."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import cv2
import numpy as np
from pydantic_core import to_json

from streamer.config import ImagesConfig
from streamer.drawing.annotate import annotate, blur_faces
from streamer.errors import ImageError, PrivacyError
from streamer.inference.pool import Work
from streamer.inference.still import FoundFaces, StillAnalyzer, work_scale
from streamer.monitoring.metrics import Metrics
from streamer.pictures.image_files import ImageHeader, decode_image
from streamer.pictures.picture import Pixels
from streamer.types import Result

__all__ = ["ImageJob", "ImageLane", "ImageOptions", "Outcome"]

log = logging.getLogger(__name__)

# Pixels of the images that one worker takes at a time: they are in memory together, 3 bytes each.
_MOST_PIXELS = 16_000_000
# A worker's turn, about. Where cameras are served as well, a frame waits for as long before a worker is free
_TURN_SECONDS = 0.2
_SHARED_TURN_SECONDS = 0.05
_LOG_SECONDS = 60.0

Outcome = bytes | Exception
"""The finished answer, or why there is none: ImageError, or an error of ours."""


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """What is asked about an image. width: of the picture sent back, pixels, never more than its own."""

    answer: Literal["jpeg", "json"]
    width: int | None = None
    quality: int = 85

    def needed(self, header: ImageHeader) -> float:
        """The least share of the image's full size that it has to be decoded at."""
        least = work_scale(header.width, header.height)
        if self.answer == "json":
            return least
        if self.width is None:
            return 1.0
        # whether it will be turned on its side isn't known yet
        return min(1.0, max(least, self.width / min(header.width, header.height)))


@dataclass(slots=True, eq=False)
class ImageJob:
    """One image on its way. `done` is called once, from any thread; `wanted` says that somebody still waits for it."""

    data: bytes
    header: ImageHeader
    options: ImageOptions
    done: Callable[[Outcome], None]
    wanted: Callable[[], bool] = lambda: True
    queued_at: float = field(default_factory=time.monotonic)
    _settled: threading.Lock = field(default_factory=threading.Lock, init=False)  # never released

    def settle(self, outcome: Outcome) -> bool:
        """Call `done`, unless that was done before; whether it wasn't. Any thread."""
        if not self._settled.acquire(blocking=False):
            return False
        self.done(outcome)
        return True


class ImageLane:
    """A `Lane` of the pool. Jobs are handed in on the loop, and worked through on the pool's threads.

    A worker takes its share of what waits, up to `batch_size` and to what is done in about 200 ms, or 50 ms beside
    cameras; the faces of all of them are read in one call. While more images are being received, a batch that isn't
    full is held for up to `batch_wait` seconds.
    """

    def __init__(
        self,
        analyzer: StillAnalyzer,
        config: ImagesConfig,
        *,
        blur: bool,
        withhold: bool = False,
        workers: int,
        is_alone: Callable[[], bool],
        encode_result: Callable[[Result], dict[str, object]],
        metrics: Metrics,
        wake: Callable[[], None],
    ) -> None:
        """withhold: no picture is made for anybody. is_alone: whether no camera has had work lately.

        encode_result: makes the JSON value of a result.
        """
        self.batch_wait = config.batch_wait
        self.arriving = 0  # requests that are being received; kept by the loop
        self._analyzer = analyzer
        self._config = config
        self._blur = blur
        self._withhold = withhold
        self._workers = workers
        self._is_alone = is_alone
        self._encode_result = encode_result
        self.wake = wake
        self._jobs: deque[ImageJob] = deque()
        self._lock = threading.Lock()
        self._closed = False
        self._images = metrics.images
        self._batch_size = metrics.image_batch_size
        self._stages = {
            stage: metrics.image_stage_seconds.labels(stage)
            for stage in ("wait", "decode", "detect", "attributes", "annotate", "encode")
        }
        self._logged_at = -_LOG_SECONDS
        self._cost = 0.02  # seconds for an image, in the mean of the last ones
        metrics.image_queue_depth.set_function(lambda: len(self._jobs))

    def submit(self, jobs: Sequence[ImageJob]) -> bool:
        """Have these images analysed, all of them or, if there is no room, none. Never blocks."""
        with self._lock:
            if self._closed or len(self._jobs) + len(jobs) > self._config.queue_size:
                return False
            self._jobs.extend(jobs)
        for _ in range(min(len(jobs), self._workers)):
            self.wake()
        return True

    @property
    def held(self) -> bool:
        """Whether what waits is held for more to arrive; then `wake` is to be called after `batch_wait`."""
        jobs = self._jobs
        try:
            first = jobs[0]
        except IndexError:
            return False
        if not (self.arriving and self.batch_wait) or len(jobs) >= self._config.batch_size:
            return False
        return time.monotonic() - first.queued_at < self.batch_wait

    @property
    def waiting(self) -> bool:
        """See `Lane`."""
        return len(self._jobs) > 0 and not self.held

    @property
    def begun(self) -> bool:
        """See `Lane`."""
        return False

    def take(self) -> Work | None:
        """See `Lane`."""
        batch: list[ImageJob] = []
        with self._lock:
            # A share, so that no other worker idles while this one has several before it
            share = math.ceil(len(self._jobs) / self._workers)
            turn = _TURN_SECONDS if self._is_alone() else _SHARED_TURN_SECONDS
            most = max(1, min(self._config.batch_size, share, round(turn / self._cost)))
            pixels = 0
            while self._jobs and len(batch) < most:
                if not self._jobs[0].wanted():
                    self._jobs.popleft()
                    self._images.labels("skipped").inc()
                    continue
                pixels += self._jobs[0].header.pixels
                if batch and pixels > _MOST_PIXELS:
                    break
                batch.append(self._jobs.popleft())
        return _Batch(self, batch) if batch else None

    def give_up(self) -> None:
        """See `Lane`. What waits is told so, rather than kept waiting for a minute."""
        with self._lock:
            left = list(self._jobs)
            self._jobs.clear()
        for job in left:
            self.fail(job, RuntimeError("the analysis of images hangs"))

    def close(self) -> None:
        """See `Lane`."""
        with self._lock:
            self._closed = True
            left = list(self._jobs)
            self._jobs.clear()
        for job in left:
            job.settle(RuntimeError("the program stops"))

    # What `_Batch` does, on a thread of the pool.

    def analyze(self, batch: Sequence[ImageJob]) -> None:
        """Answer them all."""
        begin = time.monotonic()
        self._work(batch)
        self._cost += 0.1 * ((time.monotonic() - begin) / len(batch) - self._cost)

    def _work(self, batch: Sequence[ImageJob]) -> None:
        now = time.monotonic()
        self._batch_size.observe(len(batch))
        ready: list[tuple[ImageJob, Pixels, FoundFaces]] = []
        for job in batch:
            self._stages["wait"].observe(now - job.queued_at)
            try:
                ready.append((job, *self._find(job)))
            except Exception as error:  # noqa: BLE001 - one image's failure must not cost the others, or the pool its thread
                self.fail(job, error)
        if not ready:
            return
        with self._stages["attributes"].time():
            try:
                readings = self._analyzer.read([found for _, _, found in ready])
            except Exception as error:  # noqa: BLE001 - as above
                for job, _, _ in ready:
                    self.fail(job, error)
                return
        for (job, pixels, found), looks in zip(ready, readings, strict=True):
            try:
                result = self._analyzer.result("image", found, looks, wall_time=time.time())
                answer = self._answer(job.options, pixels, result)
            except Exception as error:  # noqa: BLE001 - as above
                self.fail(job, error)
            else:
                if job.settle(answer):
                    self._images.labels("analyzed").inc()

    def _find(self, job: ImageJob) -> tuple[Pixels, FoundFaces]:
        """The image as decoded, and the faces in it."""
        begin = time.perf_counter()
        header, reduction = job.header, job.header.reduction(job.options.needed(job.header))
        pixels = decode_image(job.data, header, reduction=reduction)
        decoded = time.perf_counter()
        height, width = pixels.shape[:2]
        if reduction > 1:
            upright = (width > height) == (header.width > header.height)
            size = (header.width, header.height) if upright else (header.height, header.width)
        else:
            size = (width, height)
        found = self._analyzer.find(pixels, size)
        found.timings["decode"] = round((decoded - begin) * 1000, 2)
        self._stages["decode"].observe(decoded - begin)
        self._stages["detect"].observe(time.perf_counter() - decoded)
        return pixels, found

    def _answer(self, options: ImageOptions, pixels: Pixels, result: Result) -> bytes:
        if options.answer == "json":
            return to_json(self._encode_result(result), inf_nan_mode="null")
        if self._withhold:
            raise PrivacyError("ask for results")
        begin = time.perf_counter()
        picture = _at_width(pixels, result.size, options.width)
        scale = picture.shape[1] / result.size[0]
        if self._blur:
            blur_faces(picture, np.array([t.box for t in result.tracks], np.float32), scale=scale)
        annotate(picture, result.tracks, at=result.captured_at, scale=scale)
        drawn = time.perf_counter()
        ok, jpeg = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, options.quality))
        if not ok:
            raise RuntimeError(f"OpenCV could not encode a picture of {picture.shape}")
        self._stages["annotate"].observe(drawn - begin)
        self._stages["encode"].observe(time.perf_counter() - drawn)
        return jpeg.tobytes()

    def fail(self, job: ImageJob, error: Exception) -> None:
        """There is no answer for it."""
        if not job.settle(error):
            return
        if isinstance(error, ImageError):
            self._images.labels("refused").inc()
            return
        self._images.labels("failed").inc()
        now = time.monotonic()
        if now - self._logged_at >= _LOG_SECONDS:
            log.error("the analysis of an image failed", exc_info=error)
            self._logged_at = now


class _Batch:
    """The `Work` on some images."""

    def __init__(self, lane: ImageLane, jobs: Sequence[ImageJob]) -> None:
        self._lane = lane
        self._jobs = jobs

    def run(self) -> None:
        """See `Work`."""
        self._lane.analyze(self._jobs)

    def give_up(self, thread: threading.Thread) -> Callable[[], None]:  # noqa: ARG002 - a batch is in one thread only
        """See `Work`. Answers that come round after all are too late."""
        return self._fail

    def _fail(self) -> None:
        for job in self._jobs:
            self._lane.fail(job, RuntimeError("the analysis of the image hung"))


def _at_width(pixels: Pixels, size: tuple[int, int], wanted: int | None) -> Pixels:
    """The picture as it is sent back: of `size`, or shrunk to a width. Drawing on it may change `pixels`."""
    width = min(wanted or size[0], size[0])
    height = max(1, round(size[1] * width / size[0]))
    if pixels.shape[:2] == (height, width):
        return pixels
    shrinks = width < pixels.shape[1]
    return cv2.resize(  # type: ignore[return-value]
        pixels, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
