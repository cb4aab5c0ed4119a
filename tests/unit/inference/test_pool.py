from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from streamer.capture.frame_queue import FrameQueue
from streamer.pictures.picture import Picture, Pixels
from streamer.types import Detections, FaceReading, Frame, Result
from tests.scripted import ScriptedAttributes, ScriptedDetector
from tests.unit.inference.pool_bench import Bench, Collector, frame


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(workers: int = 2, max_frame_age: float | None = 60.0) -> Bench:
        made.append(Bench(workers, max_frame_age))
        return made[-1]

    yield make
    for each in made:
        assert each.pool.stop(5)


def test_results_of_a_camera_leave_in_order_though_a_later_frame_is_ready_first(bench: Callable[..., Bench]) -> None:
    first_may_end = threading.Event()
    calls = iter(range(1000))

    def act(_: Picture) -> None:
        if next(calls) == 0:
            assert first_may_end.wait(5)

    b = bench(workers=3)
    queue = b.camera("a", ScriptedDetector(act))
    b.pool.start()
    for seq in range(20):
        queue.put(frame("a", seq))
        if seq == 10:
            first_may_end.set()
    assert [r.seq for r in b.collected.wait_for(20)] == list(range(20))


def test_a_camera_that_floods_the_pool_does_not_starve_another(bench: Callable[..., Bench]) -> None:
    b = bench(workers=1)
    busy, quiet = b.camera("busy", ScriptedDetector()), b.camera("quiet", ScriptedDetector())
    for seq in range(50):
        busy.put(frame("busy", seq))
    for seq in range(3):
        quiet.put(frame("quiet", seq))
    b.pool.start()
    order = [r.camera for r in b.collected.wait_for(53)]
    # turn by turn, while both have frames; more of the one if a frame of the other took long on a busy machine
    assert order[:20].count("quiet") == 3


def test_a_lane_is_alone_while_no_other_has_work(bench: Callable[..., Bench]) -> None:
    b = bench()
    b.camera("idle", ScriptedDetector())
    busy = b.camera("busy", ScriptedDetector())
    b.pool.start()
    assert b.pool.is_alone("idle")
    busy.put(frame("busy", 0))
    b.collected.wait_for(1)
    assert not b.pool.is_alone("idle")
    assert b.pool.is_alone("busy")


def test_a_stale_frame_is_dropped_before_work_is_spent_on_it(bench: Callable[..., Bench]) -> None:
    analysed: list[Picture] = []
    b = bench(max_frame_age=0.5)
    queue = b.camera("a", ScriptedDetector(analysed.append))
    queue.put(frame("a", 0, age=2.0))
    queue.put(frame("a", 1))
    b.pool.start()
    assert [r.seq for r in b.collected.wait_for(1)] == [1]
    assert len(analysed) == 1
    assert b.dropped("a", "stale") == 1


def test_a_frame_that_fails_is_counted_and_skipped_and_the_pool_lives_on(
    bench: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    calls = iter(range(1000))

    def act(_: Picture) -> None:
        if next(calls) in {1, 2, 3}:
            raise RuntimeError("the net is ill")

    b = bench(workers=1)
    queue = b.camera("a", ScriptedDetector(act))
    b.pool.start()
    for seq in range(6):
        queue.put(frame("a", seq))
    assert [r.seq for r in b.collected.wait_for(3)] == [0, 4, 5]
    assert b.dropped("a", "failed") == 3
    assert len([r for r in caplog.records if "the net is ill" in (r.exc_text or str(r.exc_info))]) == 1  # once a minute


def test_a_lane_tells_why_its_frames_fail_until_one_does_not(bench: Callable[..., Bench]) -> None:
    errors = iter([RuntimeError("the net is ill\nin many lines"), None])

    def act(_: Picture) -> None:
        if error := next(errors):
            raise error

    b = bench(workers=1)
    queue = b.camera("a", ScriptedDetector(act))
    lane = b.lanes["a"]
    b.pool.start()
    queue.put(frame("a", 0))
    assert b.pool.wait_until(lambda: lane.failures == 1, 5)
    assert (lane.failure, lane.analyzed) == ("the net is ill", 0)
    queue.put(frame("a", 1))
    assert b.pool.wait_until(lambda: lane.analyzed == 1, 5)
    assert lane.failure == ""


def test_a_file_loses_no_frame(bench: Callable[..., Bench]) -> None:
    b = bench(workers=2, max_frame_age=None)
    queue = b.camera("file", ScriptedDetector(), size=2)
    b.pool.start()
    for seq in range(200):
        assert queue.put(frame("file", seq, age=1000)) is None
    queue.close()
    assert b.pool.wait_until(lambda: b.lanes["file"].drained, 5)
    assert [r.seq for r in b.collected.results] == list(range(200))


def test_a_slow_receiver_holds_up_the_taking_of_frames_rather_than_let_them_pile_up(
    bench: Callable[..., Bench],
) -> None:
    b = bench(workers=2, max_frame_age=None)
    entered, go_on = threading.Event(), threading.Event()

    def receive(frame: Frame, result: Result, faces: NDArray[np.float32]) -> None:
        entered.set()
        assert go_on.wait(5)
        Collector.__call__(b.collected, frame, result, faces)

    queue = b.camera("file", ScriptedDetector(), size=50, deliver=receive)
    for seq in range(50):
        queue.put(frame("file", seq))
    queue.close()
    b.pool.start()
    assert entered.wait(5)
    # one is being delivered, and the other worker may run ahead by no more than two
    assert not b.pool.wait_until(lambda: len(queue) < 50 - 3, 0.3)
    assert not b.lanes["file"].drained
    go_on.set()
    assert b.pool.wait_until(lambda: b.lanes["file"].drained, 5)
    assert [r.seq for r in b.collected.results] == list(range(50))


def test_a_frame_is_not_drained_before_it_is_delivered(bench: Callable[..., Bench]) -> None:
    b = bench(workers=1, max_frame_age=None)
    drained_meanwhile: list[bool] = []
    queue = b.camera("file", ScriptedDetector(), deliver=lambda *_: drained_meanwhile.append(b.lanes["file"].drained))
    queue.put(frame("file", 0))
    queue.close()
    b.pool.start()
    assert b.pool.wait_until(lambda: b.lanes["file"].drained, 5)
    assert drained_meanwhile == [False]


def test_a_frame_that_became_stale_behind_a_slow_one_is_dropped(bench: Callable[..., Bench]) -> None:
    b = bench(workers=1, max_frame_age=0.2)
    never = threading.Event()

    def take_long(_: Picture) -> None:
        never.wait(0.4)

    queue = b.camera("a", ScriptedDetector(take_long))
    queue.put(frame("a", 0))
    b.pool.start()
    assert b.pool.wait_until(lambda: b.dropped("a", "stale") == 1, 5)
    assert b.collected.results == []


class WaitingAttributes(ScriptedAttributes):
    """Reads when it may."""

    def __init__(self) -> None:
        super().__init__(FaceReading(30.0, 5.0, 0.9, 0.9))
        self.reading = threading.Event()
        self.may_read = threading.Event()

    def read(self, pixels: Pixels, faces: Detections) -> list[FaceReading]:
        self.reading.set()
        assert self.may_read.wait(5)
        return super().read(pixels, faces)


def test_later_frames_are_followed_while_faces_of_an_earlier_one_are_read(bench: Callable[..., Bench]) -> None:
    b = bench(workers=2)
    detector, attributes = ScriptedDetector(), WaitingAttributes()
    detector.boxes = [(10.0, 5.0, 40.0, 35.0)]
    queue = b.camera("a", detector, attributes=attributes)
    b.pool.start()
    for seq in range(20):
        queue.put(frame("a", seq, age=10 - 0.1 * seq))
    assert attributes.reading.wait(5)
    assert b.pool.wait_until(lambda: b.lanes["a"]._reporting.outstanding == 3, 5)  # as many as may be under way
    attributes.may_read.set()
    assert [r.seq for r in b.collected.wait_for(20)] == list(range(20))


def test_a_frame_whose_faces_wait_for_a_reading_is_reported_without_when_the_pool_stops(
    bench: Callable[..., Bench],
) -> None:
    b = bench(workers=1)
    detector, attributes = ScriptedDetector(), WaitingAttributes()
    detector.boxes = [(10.0, 5.0, 40.0, 35.0)]
    waiting, reading = b.camera("a", detector, attributes=attributes), b.camera("b", detector, attributes=attributes)
    for seq in range(20):
        waiting.put(frame("a", seq, age=10 - 0.1 * seq))
        reading.put(frame("b", seq, age=10 - 0.1 * seq))
    b.pool.start()
    assert attributes.reading.wait(5)
    stopping = threading.Thread(target=b.pool.stop)
    stopping.start()
    assert eventually_closed(waiting)
    attributes.may_read.set()
    stopping.join(5)
    assert not any(lane._under_way for lane in b.lanes.values())


def eventually_closed(queue: FrameQueue) -> bool:
    """Whether it is, within 5 s."""
    deadline = time.monotonic() + 5
    while queue.put(late := frame("a", 99)) is not late:
        if time.monotonic() > deadline:
            return False
    return True


def test_a_removed_camera_takes_no_more_frames(bench: Callable[..., Bench]) -> None:
    b = bench()
    queue = b.camera("a", ScriptedDetector())
    b.pool.start()
    b.pool.remove("a")
    late = frame("a", 0)
    assert queue.put(late) is late


def test_stopping_is_bounded_while_a_net_hangs() -> None:
    let_go = threading.Event()
    b = Bench(workers=1, max_frame_age=60)
    entered = threading.Event()

    def hang(_: Picture) -> None:
        entered.set()
        let_go.wait(10)

    queue = b.camera("a", ScriptedDetector(hang))
    b.pool.start()
    queue.put(frame("a", 0))
    assert entered.wait(5)
    begin = time.monotonic()
    assert not b.pool.stop(0.2)
    assert time.monotonic() - begin < 2
    let_go.set()
    assert b.pool.stop(5)
