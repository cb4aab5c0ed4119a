"""What a viewer is sent: bounded, newest first in line, never twice, never older after newer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from streamer.monitoring.metrics import Metrics
from streamer.pictures.picture import ArrayPicture
from streamer.server.hub import Update
from streamer.server.outbox import EVENT_CAPACITY, Outbox, Slot
from streamer.server.pictures import EncodedPicture, Variant
from streamer.server.protocol import Subscribe
from streamer.types import Event, EventKind, Frame, Result

PICTURE = ArrayPicture(np.zeros((4, 4, 3), np.uint8))
NO_FACES = np.zeros((0, 4), np.float32)


def update(camera: str, seq: int) -> Update:
    frame = Frame(camera, seq, 0.0, float(seq), 0.0, PICTURE)
    return Update(frame, Result(camera, seq, 0.0, float(seq), 0.0, (4, 4)), NO_FACES, 0.0)


def outbox(*cameras: str, **subscription: Any) -> Outbox:
    box = Outbox(Metrics())
    box.subscribe(Subscribe(type="subscribe", **subscription), cameras or ("a",))
    return box


def replaced(box: Outbox) -> float:
    return box.metrics.registry.get_sample_value("streamer_viewer_pictures_replaced_total", {"camera": "a"}) or 0.0


def test_nothing_is_taken_up_before_a_subscription() -> None:
    box = Outbox(Metrics())
    assert not box.offer(update("a", 1), 0.0)
    assert not box.offer_event(Event(EventKind.CAMERA_UP, "a", 0.0))


def test_a_result_is_ready_without_the_encoder() -> None:
    box = outbox(frames="none")
    box.offer(update("a", 1), 0.0)
    assert box.to_encode() == []
    frame = box.next_frame()
    assert isinstance(frame, Result)
    assert box.next_frame() is None


def test_a_newer_frame_replaces_the_one_that_waits_and_is_counted() -> None:
    box = outbox(frames="annotated")
    for seq in range(5):
        box.offer(update("a", seq), 0.0)
    [(_, wanted)] = box.to_encode()
    assert (wanted.frame.seq, replaced(box), box.counts.replaced) == (4, 4, 4)


def test_one_frame_of_a_camera_is_encoded_at_a_time() -> None:
    box = outbox(frames="annotated")
    box.offer(update("a", 1), 0.0)
    [(slot, first)] = box.to_encode()
    box.offer(update("a", 2), 0.0)
    assert box.to_encode() == []
    box.encoded(slot, EncodedPicture(first.result, b"1"))
    assert [wanted.frame.seq for _, wanted in box.to_encode()] == [2]


def test_a_failed_encoding_frees_the_slot() -> None:
    box = outbox(frames="annotated")
    box.offer(update("a", 1), 0.0)
    [(slot, _)] = box.to_encode()
    box.encoded(slot, None)
    assert box.next_frame() is None
    box.offer(update("a", 2), 0.0)
    assert len(box.to_encode()) == 1


def test_what_the_encoder_skipped_ahead_to_is_not_sent_twice() -> None:
    box = outbox(frames="annotated")
    box.offer(update("a", 1), 0.0)
    [(slot, _)] = box.to_encode()
    newer = update("a", 2)
    box.offer(newer, 0.0)
    box.encoded(slot, EncodedPicture(newer.result, b"2"))  # another viewer had asked for the newer one
    assert box.to_encode() == []
    frame = box.next_frame()
    assert isinstance(frame, EncodedPicture)
    assert frame.result is newer.result
    assert box.next_frame() is None


def test_cameras_take_turns() -> None:
    box = outbox("a", "b", "c", frames="none")
    order = []
    for seq in range(3):
        for camera in "abc":
            box.offer(update(camera, seq), 0.0)
        box.to_encode()
        for _ in range(2):  # less than there is: the third camera must not be left out each time
            frame = box.next_frame()
            assert isinstance(frame, Result)
            order.append(frame.camera)
    assert order == ["a", "b", "c", "a", "b", "c"]


def test_a_subscription_ends_the_one_before() -> None:
    box = outbox("a", "b", frames="annotated", width=650, quality=82)
    assert box.variant == Variant("annotated", 656, 80)
    box.offer(update("a", 1), 0.0)
    [(slot, first)] = box.to_encode()
    box.offer_event(Event(EventKind.CAMERA_UP, "a", 0.0))
    box.subscribe(Subscribe(type="subscribe", cameras=("b",), frames="clean"), ("b",))
    box.encoded(slot, EncodedPicture(first.result, b"1"))  # comes too late
    assert box.next_frame() is None
    assert not box.offer(update("a", 2), 0.0)
    assert not box.events


@pytest.mark.parametrize(("events", "heard"), [(True, ["b"]), ("*", ["a", "b"]), (False, [])])
def test_events_of_these_cameras_or_of_all_outlive_another_subscription(events: Any, heard: list[str]) -> None:
    box = outbox("a", "b")
    for camera in "ab":
        box.offer_event(Event(EventKind.CAMERA_UP, camera, 0.0))
    box.subscribe(Subscribe(type="subscribe", cameras=("b",), events=events), ("b",))
    assert [event.camera for event in box.events] == heard
    box.events.clear()
    for camera in "ab":
        box.offer_event(Event(EventKind.CAMERA_UP, camera, 0.0))
    assert [event.camera for event in box.events] == heard


def test_max_fps_holds_for_each_camera() -> None:
    box = outbox("a", "b", frames="none", max_fps=5)
    taken = {"a": 0, "b": 0}
    for seq in range(100):  # 4 s at 25 a second
        for camera in "ab":
            taken[camera] += box.offer(update(camera, seq), seq / 25)
    assert 19 <= taken["a"] <= 21
    assert 19 <= taken["b"] <= 21


def test_a_full_event_queue_drops_the_oldest_and_counts() -> None:
    box = outbox()
    for number in range(EVENT_CAPACITY + 5):
        box.offer_event(Event(EventKind.CAMERA_UP, "a", float(number)))
    assert (len(box.events), box.events[0].at, box.counts.events_dropped) == (EVENT_CAPACITY, 5.0, 5)
    assert box.metrics.registry.get_sample_value("streamer_events_dropped_total", {"queue": "viewer"}) == 5


def test_after_a_jam_what_was_ready_gives_way_to_what_is_newer() -> None:
    box = outbox(frames="annotated")
    box.offer(update("a", 1), 0.0)
    [(slot, first)] = box.to_encode()
    box.encoded(slot, EncodedPicture(first.result, b"1"))
    box.drop_outdated()  # nothing newer: an old picture is better than none
    assert slot.ready is not None
    box.offer(update("a", 2), 0.0)
    box.drop_outdated()
    assert slot.ready is None
    assert replaced(box) == 1


class AnyOrder(RuleBasedStateMachine):
    """Frames, encodings and sends in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.box = outbox("a", "b", frames="annotated")
        self.seq = 0
        self.running: list[tuple[Slot, Update]] = []
        self.sent: dict[str, list[int]] = {"a": [], "b": []}

    @rule(camera=st.sampled_from("ab"), repeat=st.booleans())
    def offer(self, camera: str, repeat: bool) -> None:
        self.seq += not repeat
        self.box.offer(update(camera, self.seq), float(self.seq))

    @rule()
    def encode(self) -> None:
        self.running += self.box.to_encode()

    @rule(which=st.integers(0, 5), skip_ahead=st.booleans(), fails=st.booleans())
    def finish(self, which: int, skip_ahead: bool, fails: bool) -> None:
        if self.running:
            slot, asked = self.running.pop(which % len(self.running))
            made = update(asked.frame.camera, self.seq) if skip_ahead else asked
            self.box.encoded(slot, None if fails else EncodedPicture(made.result, b""))

    @rule()
    def send(self) -> None:
        frame = self.box.next_frame()
        if isinstance(frame, EncodedPicture):
            self.sent[frame.result.camera].append(frame.result.seq)

    @rule()
    def jam(self) -> None:
        self.box.drop_outdated()

    @invariant()
    def every_camera_advances(self) -> None:
        for numbers in self.sent.values():
            assert numbers == sorted(set(numbers))

    @invariant()
    def little_is_held(self) -> None:
        held = [slot for slot in self.box.slots.values() for each in (slot.wanted, slot.ready) if each is not None]
        assert len(held) <= 2 * len(self.box.slots)
        assert len(self.running) <= len(self.box.slots)


TestAnyOrder = AnyOrder.TestCase


@given(st.integers(64, 4096), st.integers(10, 95))
def test_variants_are_near_what_was_asked_and_few(width: int, quality: int) -> None:
    variant = Variant.of("clean", width, quality)
    assert variant.width is not None
    assert (abs(variant.width - width) <= 8, variant.width % 16) == (True, 0)
    assert (abs(variant.quality - quality) <= 2.5, variant.quality % 5) == (True, 0)
    assert Variant.of("clean", variant.width, variant.quality) == variant
