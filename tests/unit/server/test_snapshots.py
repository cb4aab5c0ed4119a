"""Snapshots are made one at a time beside the live pictures, few wait, and what nobody waits for is not made."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from streamer.errors import PrivacyError
from streamer.monitoring.metrics import Metrics
from streamer.pictures.picture import ArrayPicture
from streamer.server.pictures import EncodedPicture, PictureEncoder, Variant
from streamer.server.snapshots import MOST_SNAPSHOTS, Snapshots, TooManySnapshots
from tests.server_harness import until
from tests.unit.server.gated_pictures import GatedPicture, update

PLAIN = ArrayPicture(np.zeros((8, 8, 3), np.uint8))
QUALITIES = range(10, 95, 5)


class Desk:
    """Snapshots of a picture that is made only when the gate opens."""

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.encoder = PictureEncoder(self.metrics, blur=False)
        self.snapshots = Snapshots(self.encoder)
        self.gate = threading.Event()
        self.picture = GatedPicture(self.gate)

    def ask(self, quality: int, width: int | None = None) -> asyncio.Task[EncodedPicture]:
        """Of the first frame."""
        variant = Variant("clean", width, quality)
        return asyncio.create_task(self.snapshots.take(update(1, self.picture), variant))

    async def begun(self) -> None:
        """Return when a thread is at work."""
        await until(lambda: self.picture.converted > 0)

    @property
    def encoded(self) -> float:
        """Pictures made."""
        return self.metrics.registry.get_sample_value("streamer_pictures_encoded_total", {"camera": "a"}) or 0.0


def _with_a_desk(scenario: Callable[[Desk], Coroutine[Any, Any, None]]) -> None:
    async def framed() -> None:
        desk = Desk()
        try:
            await scenario(desk)
        finally:
            desk.gate.set()
            await desk.snapshots.close()
            await desk.encoder.close()

    asyncio.run(asyncio.wait_for(framed(), 20))


def test_live_pictures_go_on_however_many_snapshots_are_asked_for() -> None:
    async def scenario(desk: Desk) -> None:
        asked = [desk.ask(quality) for quality in QUALITIES]
        await desk.begun()
        for seq in range(2, 6):
            live = await desk.encoder.request(update(seq, PLAIN), Variant("clean", None, 80))
            assert live.result.seq == seq
        assert desk.picture.converted == 1, "one at a time"
        desk.gate.set()
        await asyncio.gather(*asked, return_exceptions=True)

    _with_a_desk(scenario)


def test_few_may_wait_and_who_wants_the_same_waits_along() -> None:
    async def scenario(desk: Desk) -> None:
        asked = [desk.ask(quality) for quality in QUALITIES[:MOST_SNAPSHOTS]]
        await desk.begun()
        with pytest.raises(TooManySnapshots):
            await desk.ask(QUALITIES[MOST_SNAPSHOTS])
        asked += [desk.ask(quality) for quality in QUALITIES[:MOST_SNAPSHOTS]]
        desk.gate.set()
        pictures = await asyncio.gather(*asked)
        assert [picture.result.seq for picture in pictures] == [1] * 2 * MOST_SNAPSHOTS
        assert desk.encoded == MOST_SNAPSHOTS
        await desk.ask(QUALITIES[MOST_SNAPSHOTS])  # there is room again

    _with_a_desk(scenario)


def test_what_nobody_waits_for_any_more_is_not_made() -> None:
    async def scenario(desk: Desk) -> None:
        first, both, one, other = (desk.ask(quality) for quality in (10, 20, 20, 30))
        await desk.begun()
        for gone in (first, both, other):
            gone.cancel()
        desk.gate.set()
        assert (await one).result.seq == 1, "somebody waits for this one still"
        assert (await desk.ask(40)).result.seq == 1
        assert desk.encoded == 3, "the first was begun, the last was left"

    _with_a_desk(scenario)


def test_widths_beyond_the_camera_s_own_are_one_picture() -> None:
    async def scenario(desk: Desk) -> None:
        desk.gate.set()
        await asyncio.gather(*(desk.ask(80, width) for width in (None, 8, 64, 1280, 4096)))
        assert desk.encoded == 1

    _with_a_desk(scenario)


def test_a_picture_that_viewers_have_got_is_taken_from_them_and_a_snapshot_is_not_kept() -> None:
    async def scenario(desk: Desk) -> None:
        desk.gate.set()
        live = await desk.encoder.request(update(1, PLAIN), Variant("clean", None, 80))
        assert await desk.ask(80) is live
        assert await desk.ask(20) is not await desk.ask(20)
        assert desk.encoded == 3

    _with_a_desk(scenario)


def test_where_pictures_are_withheld_none_is_made() -> None:
    async def scenario() -> None:
        encoder = PictureEncoder(Metrics(), blur=False, withhold=True)
        with pytest.raises(PrivacyError):
            await Snapshots(encoder).take(update(1, PLAIN), Variant("clean", None, 80))
        await encoder.close()

    asyncio.run(scenario())
