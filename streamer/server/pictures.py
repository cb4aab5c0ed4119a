"""Encodes pictures for viewers, off the loop: each variant of a frame once, only on request, the newest first."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Literal

from streamer.drawing.rendering import draw_frame
from streamer.errors import PrivacyError
from streamer.monitoring.metrics import Metrics
from streamer.pacing import Throttle
from streamer.server.hub import Update
from streamer.server.protocol import picture_rest
from streamer.types import Result

__all__ = ["EncodedPicture", "PictureEncoder", "Variant", "render"]

log = logging.getLogger(__name__)

# Widths and qualities are rounded to these steps, so that viewers who ask for nearly the same share the work.
_WIDTH_STEP = 16
_QUALITY_STEP = 5
# A variant that nobody has asked for in this time, in seconds, is forgotten, its last picture with it.
_KEPT = 5.0


@dataclass(frozen=True, slots=True)
class Variant:
    """How a picture is wanted. width: pixels, None for the camera's own."""

    kind: Literal["annotated", "clean"]
    width: int | None
    quality: int

    @classmethod
    def of(cls, kind: Literal["annotated", "clean"], width: int | None, quality: int) -> Variant:
        """The nearest one that is made."""
        step = _QUALITY_STEP
        return cls(
            kind,
            None if width is None else max(_WIDTH_STEP, round(width / _WIDTH_STEP) * _WIDTH_STEP),
            min(95, max(step, round(quality / step) * step)),
        )

    def within(self, width: int) -> Variant:
        """The same of a picture that is so wide: none is made wider than it is."""
        return self if self.width is None or self.width < width else replace(self, width=None)


@dataclass(slots=True, eq=False)
class EncodedPicture:
    """A JPEG, and the result that it shows. Not its frame, which is far larger and of no use any more."""

    result: Result
    jpeg: bytes
    _message_rest: bytes | None = field(default=None, init=False)

    def message_rest(self, body: bytes) -> bytes:
        """`picture_rest` of its message, made for the first viewer and kept for the others. body: of its result."""
        if self._message_rest is None:
            self._message_rest = picture_rest(body, self.jpeg)
        return self._message_rest


@dataclass(slots=True, eq=False)
class _Job:
    update: Update
    done: asyncio.Future[EncodedPicture]


class _Channel:
    """One variant of one camera: at most one frame being encoded, one waiting for its turn, and the last one made."""

    __slots__ = ("asked_at", "last", "running", "waiting")

    def __init__(self) -> None:
        self.last: EncodedPicture | None = None
        self.running: _Job | None = None
        self.waiting: _Job | None = None
        self.asked_at = 0.0


class PictureEncoder:
    """Lives on the loop; only `render` runs in its threads."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        blur: bool,
        withhold: bool = False,
        threads: int = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """withhold: no picture is made for anybody, whoever asks."""
        self._metrics = metrics
        self._blur = blur
        self._withhold = withhold
        self._clock = clock
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="encode")
        self._channels: dict[tuple[str, Variant], _Channel] = {}
        self._closed = False
        self._failures = Throttle()

    def request(self, update: Update, variant: Variant) -> asyncio.Future[EncodedPicture]:
        """A future for the picture of this update, or of a newer one of the same camera that was asked for meanwhile.

        Several callers may get the same future: don't cancel it, wait with `asyncio.shield` or a callback. Raises
        PrivacyError where pictures are withheld.
        """
        self._check_shown()
        variant = variant.within(update.frame.picture.width)
        channel = self._channels.setdefault((update.frame.camera, variant), _Channel())
        channel.asked_at = self._clock()
        if channel.last is not None and not _newer(update, channel.last.result):
            done = asyncio.get_running_loop().create_future()
            done.set_result(channel.last)
            return done
        if channel.running is not None and not _newer(update, channel.running.update.result):
            return channel.running.done
        if channel.waiting is not None:
            if _newer(update, channel.waiting.update.result):
                channel.waiting.update = update
            return channel.waiting.done
        job = _Job(update, asyncio.get_running_loop().create_future())
        if channel.running is None:
            self._start(channel, job, variant)
        else:
            channel.waiting = job
        return job.done

    def made(self, update: Update, variant: Variant) -> EncodedPicture | None:
        """The picture of this update, or of a newer one, where viewers have got it already."""
        channel = self._channels.get((update.frame.camera, variant.within(update.frame.picture.width)))
        if channel is None or channel.last is None or _newer(update, channel.last.result):
            return None
        return channel.last

    async def single(self, update: Update, variant: Variant) -> EncodedPicture:
        """A picture beside those of the viewers, of which nothing is kept. Raises PrivacyError, and as `render`."""
        self._check_shown()
        try:
            jpeg = await self._rendered(update, variant)
        except Exception as error:
            self._count_failure(update, error)
            raise
        return self._counted(update, jpeg)

    def forget_unused(self) -> None:
        """Let go the pictures of variants that nobody asks for any more. To be called now and then."""
        before = self._clock() - _KEPT
        for key, channel in list(self._channels.items()):
            if channel.running is None and channel.asked_at < before:
                del self._channels[key]

    async def close(self) -> None:
        """Finish the frames that are being encoded, and end the threads."""
        self._closed = True
        running = [channel.running.done for channel in self._channels.values() if channel.running is not None]
        await asyncio.gather(*running, return_exceptions=True)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._channels.clear()

    def _start(self, channel: _Channel, job: _Job, variant: Variant) -> None:
        channel.running = job
        work = self._rendered(job.update, variant)
        work.add_done_callback(lambda finished: self._finish(channel, job, variant, finished))

    def _finish(self, channel: _Channel, job: _Job, variant: Variant, finished: asyncio.Future[bytes]) -> None:
        channel.running = None
        waiting, channel.waiting = channel.waiting, None
        if waiting is not None:
            if self._closed:
                waiting.done.cancel()
            else:
                self._start(channel, waiting, variant)
        if finished.cancelled():
            job.done.cancel()
        elif (error := finished.exception()) is not None:
            self._count_failure(job.update, error)
            job.done.set_exception(error)
            job.done.exception()  # seen: a viewer that left meanwhile is no reason for a complaint of the loop
        else:
            channel.last = self._counted(job.update, finished.result())
            job.done.set_result(channel.last)

    def _rendered(self, update: Update, variant: Variant) -> asyncio.Future[bytes]:
        return asyncio.get_running_loop().run_in_executor(
            self._pool, render, update, variant, self._blur, self._metrics
        )

    def _counted(self, update: Update, jpeg: bytes) -> EncodedPicture:
        self._metrics.pictures_encoded.labels(update.frame.camera).inc()
        return EncodedPicture(update.result, jpeg)

    def _count_failure(self, update: Update, error: BaseException) -> None:
        self._metrics.encode_failures.labels(update.frame.camera).inc()
        if count := self._failures.count(self._clock()):
            log.error("%d picture(s) could not be encoded; the last error", count, exc_info=error)

    def _check_shown(self) -> None:
        if self._withhold:
            raise PrivacyError("ask for results")


def _newer(update: Update, than: Result) -> bool:
    return update.result.captured_at > than.captured_at


def render(update: Update, variant: Variant, blur: bool, metrics: Metrics) -> bytes:
    """The JPEG of an update."""
    started = time.perf_counter()
    tracks = update.result.tracks if variant.kind == "annotated" else ()
    canvas = draw_frame(update.frame, tracks, hidden=update.faces if blur else None, width=variant.width)
    drawn = time.perf_counter()
    jpeg = canvas.jpeg(variant.quality)
    metrics.stage_seconds.labels("annotate").observe(drawn - started)
    metrics.stage_seconds.labels("encode").observe(time.perf_counter() - drawn)
    return jpeg
