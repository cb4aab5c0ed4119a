"""Single pictures for who asks: one is made at a time and few wait, so that the live ones go on however many ask."""

from __future__ import annotations

import asyncio

from streamer.server.hub import Update
from streamer.server.pictures import EncodedPicture, PictureEncoder, Variant

__all__ = ["MOST_SNAPSHOTS", "Snapshots", "TooManySnapshots"]

MOST_SNAPSHOTS = 8
"""Being made or waiting; who wants one that is among them waits along."""


class TooManySnapshots(Exception):  # noqa: N818 - no error of this program: turned into a 503 at once
    """No more may wait."""


class _Wanted:
    """A picture that is to be made, or is being made, and how many wait for it."""

    __slots__ = ("begun", "task", "update", "waiters")

    task: asyncio.Task[EncodedPicture]

    def __init__(self, update: Update) -> None:
        self.update = update
        self.waiters = 0
        self.begun = False


class Snapshots:
    """Lives on the loop. The pictures are made by the threads of the live ones, of which it takes one."""

    def __init__(self, encoder: PictureEncoder) -> None:
        self._encoder = encoder
        self._wanted: dict[tuple[str, Variant], _Wanted] = {}
        self._turn = asyncio.Lock()

    async def take(self, update: Update, variant: Variant) -> EncodedPicture:
        """The picture of this update, of a newer one, or of the last before that is being made already.

        A caller that is cancelled lets go of it.

        Raises TooManySnapshots; PrivacyError where pictures are withheld; what the making of it raised.
        """
        variant = variant.within(update.frame.picture.width)
        if live := self._encoder.made(update, variant):
            return live
        key = (update.frame.camera, variant)
        wanted = self._wanted.get(key)
        if wanted is None:
            if len(self._wanted) >= MOST_SNAPSHOTS:
                raise TooManySnapshots
            wanted = self._wanted[key] = _Wanted(update)
            wanted.task = asyncio.create_task(self._make(key, wanted), name="snapshot")
        elif not wanted.begun:
            wanted.update = update
        wanted.waiters += 1
        try:
            return await asyncio.shield(wanted.task)
        finally:
            wanted.waiters -= 1
            # One that is begun keeps its turn to its end: a thread can't be stopped
            if not wanted.waiters and not wanted.begun:
                wanted.task.cancel()
                self._forget(key, wanted)

    async def close(self) -> None:
        """Give up those that wait, and finish the one that is being made."""
        all_wanted = tuple(self._wanted.values())
        for wanted in all_wanted:
            if not wanted.begun:
                wanted.task.cancel()
        await asyncio.gather(*(wanted.task for wanted in all_wanted), return_exceptions=True)

    async def _make(self, key: tuple[str, Variant], wanted: _Wanted) -> EncodedPicture:
        try:
            async with self._turn:
                wanted.begun = True
                return await self._encoder.single(wanted.update, key[1])
        finally:
            self._forget(key, wanted)

    def _forget(self, key: tuple[str, Variant], wanted: _Wanted) -> None:
        if self._wanted.get(key) is wanted:
            del self._wanted[key]
