"""Each variant of a frame is encoded once, one at a time, the newest first; and faces are hidden in every one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import cv2
import numpy as np
import pytest

from streamer.monitoring.metrics import Metrics
from streamer.pictures.picture import ArrayPicture, Pixels
from streamer.server.pictures import PictureEncoder, Variant, render
from streamer.types import Track
from tests.unit.server.gated_pictures import NO_FACES, GatedPicture, update

CLEAN = Variant("clean", None, 80)


class BrokenPicture(ArrayPicture):
    """Can't be converted."""

    def __init__(self) -> None:
        super().__init__(np.zeros((8, 8, 3), np.uint8))

    def pixels(self, *_: Any, **__: Any) -> Pixels:
        raise ValueError("on purpose")


def encoded(metrics: Metrics) -> float:
    return metrics.registry.get_sample_value("streamer_pictures_encoded_total", {"camera": "a"}) or 0.0


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, 20))


def test_many_viewers_of_a_variant_share_one_encoding() -> None:
    async def scenario() -> None:
        metrics, gate = Metrics(), threading.Event()
        encoder = PictureEncoder(metrics, blur=False)
        frame = update(1, GatedPicture(gate))
        futures = [encoder.request(frame, CLEAN) for _ in range(20)]
        gate.set()
        pictures = await asyncio.gather(*futures)
        later = await encoder.request(frame, CLEAN)  # from what was kept
        assert all(picture is later for picture in pictures)
        assert encoded(metrics) == 1
        await encoder.request(frame, Variant("annotated", None, 80))
        assert encoded(metrics) == 2
        await encoder.close()

    run(scenario())


def test_while_one_is_encoded_newer_ones_replace_each_other() -> None:
    async def scenario() -> None:
        metrics, gate = Metrics(), threading.Event()
        encoder = PictureEncoder(metrics, blur=False)
        pictures = [GatedPicture(gate) for _ in range(10)]
        futures = [encoder.request(update(seq, picture), CLEAN) for seq, picture in enumerate(pictures)]
        gate.set()
        shown = [(await future).result.seq for future in futures]
        assert shown == [0] + [9] * 9
        assert [picture.converted for picture in pictures] == [1] + [0] * 8 + [1]
        assert encoded(metrics) == 2
        # an older frame, asked for late, gets the newer picture
        assert (await encoder.request(update(3, pictures[3]), CLEAN)).result.seq == 9
        await encoder.close()

    run(scenario())


def test_a_frame_that_can_not_be_encoded_fails_alone() -> None:
    async def scenario() -> None:
        encoder = PictureEncoder(Metrics(), blur=False)
        with pytest.raises(ValueError, match="on purpose"):
            await encoder.request(update(1, BrokenPicture()), CLEAN)
        encoder.request(update(2, BrokenPicture()), CLEAN)  # nobody waits for this one: no complaint either
        good = ArrayPicture(np.zeros((8, 8, 3), np.uint8))
        assert (await encoder.request(update(3, good), CLEAN)).result.seq == 3
        await encoder.close()

    run(scenario())


def test_what_nobody_asks_for_is_forgotten() -> None:
    async def scenario() -> None:
        metrics, now = Metrics(), 100.0
        encoder = PictureEncoder(metrics, blur=False, clock=lambda: now)
        frame = update(1, ArrayPicture(np.zeros((8, 8, 3), np.uint8)))
        await encoder.request(frame, CLEAN)
        encoder.forget_unused()
        await encoder.request(frame, CLEAN)
        assert encoded(metrics) == 1
        now += 6
        encoder.forget_unused()
        await encoder.request(frame, CLEAN)
        assert encoded(metrics) == 2
        await encoder.close()

    run(scenario())


def test_closing_ends_those_who_wait_and_the_threads() -> None:
    async def scenario() -> None:
        gate = threading.Event()
        encoder = PictureEncoder(Metrics(), blur=False)
        first = encoder.request(update(1, GatedPicture(gate)), CLEAN)
        second = encoder.request(update(2, GatedPicture(gate)), CLEAN)
        closing = asyncio.create_task(encoder.close())
        await asyncio.sleep(0)
        gate.set()
        await closing
        assert first.done()
        assert second.cancelled()

    run(scenario())


def decode(jpeg: bytes) -> Pixels:
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return pixels  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (None, (640, 360)),
        (320, (320, 180)),
        # never enlarged
        (1280, (640, 360)),
    ],
)
def test_a_picture_is_scaled_but_never_enlarged(width: int | None, expected: tuple[int, int]) -> None:
    picture = update(1, ArrayPicture(np.zeros((360, 640, 3), np.uint8)))
    pixels = decode(render(picture, Variant("clean", width, 80), False, Metrics()))
    assert (pixels.shape[1], pixels.shape[0]) == expected


def test_boxes_are_drawn_on_annotated_pictures_only_and_at_the_scaled_place() -> None:
    track = Track(1, (160.0, 90.0, 480.0, 270.0), np.zeros((5, 2), np.float32), 0.9, 0.0, 1.0)
    frame = update(1, ArrayPicture(np.zeros((360, 640, 3), np.uint8)), NO_FACES, track)
    annotated = decode(render(frame, Variant("annotated", 320, 90), False, Metrics()))
    assert annotated[90, 80].max() > 150  # on the left edge, halved
    assert annotated[90, 160].max() < 30  # inside
    assert decode(render(frame, Variant("clean", 320, 90), False, Metrics())).max() < 10


@pytest.mark.parametrize("kind", ["clean", "annotated"])
def test_with_blur_a_face_is_unrecognisable_also_before_it_is_a_track(kind: Any) -> None:
    stripes = np.zeros((240, 320, 3), np.uint8)
    stripes[:, ::8] = 255  # fine detail everywhere
    faces = np.array([[100, 60, 180, 160]], np.float32)
    frame = update(1, ArrayPicture(stripes), faces)
    pixels = decode(render(frame, Variant(kind, None, 95), True, Metrics()))
    assert pixels[70:150, 110:170].std() < 15
    assert pixels[10:40, 10:60].std() > 50
