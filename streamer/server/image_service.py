"""From an image to its answer: found in the cache, being made already, or made now."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from streamer.cache import AnswerCache
from streamer.config import ImagesConfig
from streamer.errors import ImageError
from streamer.inference.image_lane import ImageJob, ImageLane, ImageOptions, Outcome
from streamer.monitoring.metrics import Metrics
from streamer.pictures.image_files import read_header
from streamer.server.uploads import Upload, UploadMemory

__all__ = ["BusyError", "ImageService"]


class BusyError(Exception):
    """There is no room in the queue."""


class _Pending:
    """An answer that is being made, and how many wait for it."""

    __slots__ = ("future", "waiters")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future: asyncio.Future[Outcome] = loop.create_future()
        self.waiters = 0


class ImageService:
    """Lives on the loop; the work is done by the lane on the pool's threads."""

    def __init__(
        self,
        lane: ImageLane,
        cache: AnswerCache,
        config: ImagesConfig,
        *,
        fingerprint: Any,
        metrics: Metrics,
    ) -> None:
        """fingerprint: everything but image and options that an answer depends on, as a JSON value."""
        self.lane = lane
        self.config = config
        self.memory = UploadMemory(config.max_upload_memory)
        self._cache = cache
        self._max_pixels = config.max_pixels
        self._images = metrics.images
        self._hits = metrics.images.labels("hit")
        self._pending: dict[bytes, _Pending] = {}
        made_with = json.dumps(fingerprint, sort_keys=True, default=str)

        @lru_cache(maxsize=256)
        def tag(options: ImageOptions) -> bytes:
            return hashlib.sha256(f"{options}{made_with}".encode()).digest()[:16]

        self._tag = tag

    def recall(self, uploads: Sequence[Upload], options: ImageOptions) -> list[tuple[Outcome, bool]] | None:
        """What `answer` would say without waiting: if it is one image, and its answer is in memory."""
        if len(uploads) != 1 or uploads[0].too_large:
            return None
        answer = self._cache.recall(uploads[0].digest + self._tag(options))
        if answer is None:
            return None
        self._hits.inc()
        return [(answer, True)]

    async def answer(self, uploads: Sequence[Upload], options: ImageOptions) -> list[tuple[Outcome, bool]]:
        """For each image its answer or its error, and whether it came from the cache.

        Raises BusyError when there is no room for all that have to be analysed. A caller that is cancelled lets go of
        its images: what nobody else waits for is not analysed any more.
        """
        keys = [upload.digest + self._tag(options) for upload in uploads]
        known = [await self._known(key, upload) for key, upload in zip(keys, uploads, strict=True)]
        # From here to the queue nothing is awaited: what is pending is also queued
        jobs: dict[bytes, ImageJob] = {}
        waiting: dict[int, _Pending] = {}
        outcomes: dict[int, tuple[Outcome, bool]] = {}
        for i, (key, upload, found) in enumerate(zip(keys, uploads, known, strict=True)):
            if found is not None:
                outcomes[i] = found, isinstance(found, bytes)
            elif (pending := self._pending.get(key)) is not None:
                waiting[i] = pending
                self._images.labels("joined").inc()
            else:
                try:
                    jobs[key] = self._job(key, upload, options)
                except ImageError as error:
                    outcomes[i] = error, False
                    self._images.labels("refused").inc()
                else:
                    waiting[i] = self._pending[key]
        for i, made in zip(waiting, await self._made(list(jobs.values()), keys, waiting), strict=True):
            outcomes[i] = made, False
            if keys[i] in jobs and isinstance(made, bytes):
                await self._cache.keep(keys[i], made)
        return [outcomes[i] for i in range(len(uploads))]

    async def _made(
        self, jobs: Sequence[ImageJob], keys: Sequence[bytes], waiting: Mapping[int, _Pending]
    ) -> list[Outcome]:
        """What becomes of images, some of which are to be queued now. Lets go of all of them when it is cancelled."""
        for pending in waiting.values():
            pending.waiters += 1
        try:
            if jobs and not self.lane.submit(jobs):
                raise BusyError
            if self.lane.held:
                asyncio.get_running_loop().call_later(self.lane.batch_wait, self.lane.wake)
            return [await asyncio.shield(pending.future) for pending in waiting.values()]
        finally:
            for i, pending in waiting.items():
                pending.waiters -= 1
                if not pending.waiters and self._pending.get(keys[i]) is pending:
                    del self._pending[keys[i]]

    async def close(self) -> None:
        """Let go of the cache's connections."""
        await self._cache.close()

    async def _known(self, key: bytes, upload: Upload) -> Outcome | None:
        """What is known without any work; None if nothing is."""
        if upload.too_large:
            self._images.labels("refused").inc()
            return ImageError("too_large", "the image has too many bytes")
        answer = self._cache.recall(key)
        if answer is None and key not in self._pending:
            answer = await self._cache.fetch(key)
        if answer is not None:
            self._hits.inc()
        return answer

    def _job(self, key: bytes, upload: Upload, options: ImageOptions) -> ImageJob:
        """Raises ImageError, before anything is decoded."""
        header = read_header(upload.data)
        if header.pixels > self._max_pixels:
            raise ImageError(
                "too_large",
                f"the image has {header.width}x{header.height} pixels; {self._max_pixels / 1e6:g} million are allowed",
            )
        loop = asyncio.get_running_loop()
        pending = self._pending[key] = _Pending(loop)

        def settle(outcome: Outcome) -> None:
            if not pending.future.done():
                pending.future.set_result(outcome)

        def done(outcome: Outcome) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                loop.call_soon_threadsafe(settle, outcome)

        return ImageJob(upload.data, header, options, done, lambda: pending.waiters > 0)
