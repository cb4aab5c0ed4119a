from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from streamer.inference.hangs import Hangs
from streamer.inference.turn import Dismissed, Turn
from streamer.pictures.picture import Pixels
from streamer.types import Detections, EventKind, FaceReading
from tests.scripted import ScriptedAttributes, ScriptedDetector
from tests.unit.inference.pool_bench import Bench, frame

HANG_AFTER = 0.3


class Hanging:
    """Something that doesn't return in the calls of these numbers, until the test ends."""

    def __init__(self, *calls: int) -> None:
        self.let_go = threading.Event()
        self.returned = threading.Semaphore(0)
        self._calls = calls
        self._count = 0

    def __call__(self, _: object = None) -> None:
        number, self._count = self._count, self._count + 1
        if number in self._calls:
            assert self.let_go.wait(20)
            self.returned.release()


class HangingAttributes(ScriptedAttributes):
    """Reads nothing new while it hangs."""

    def __init__(self, hanging: Hanging) -> None:
        super().__init__(FaceReading(30.0, 5.0, 0.9, 0.9))
        self._hanging = hanging

    def read(self, pixels: Pixels, faces: Detections) -> list[FaceReading]:
        self._hanging()
        return super().read(pixels, faces)


@pytest.fixture
def hang() -> Iterator[Callable[..., Hanging]]:
    made: list[Hanging] = []

    def make(*calls: int) -> Hanging:
        made.append(Hanging(*calls))
        return made[-1]

    yield make
    for each in made:
        each.let_go.set()


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(workers: int) -> Bench:
        made.append(Bench(workers, 60.0, HANG_AFTER))
        return made[-1]

    yield make
    for each in made:
        each.pool.stop(0)


def replaced(b: Bench) -> float:
    return b.metrics.registry.get_sample_value("streamer_workers_replaced_total") or 0.0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_whose_net_hangs_is_replaced_and_its_frame_counted_and_skipped(
    bench: Callable[..., Bench], hang: Callable[..., Hanging], workers: int
) -> None:
    b = bench(workers)
    ill, well = b.camera("ill", ScriptedDetector(hang(1))), b.camera("well", ScriptedDetector())
    b.pool.start()
    for seq in range(4):
        ill.put(frame("ill", seq))
        well.put(frame("well", seq))
    results = b.collected.wait_for(7)
    assert [r.seq for r in results if r.camera == "ill"] == [0, 2, 3]
    assert [r.seq for r in results if r.camera == "well"] == [0, 1, 2, 3]
    assert b.dropped("ill", "hung") == 1
    assert replaced(b) == 1
    assert b.pool.workers == workers


def test_what_a_net_says_after_it_was_given_up_changes_nothing(
    bench: Callable[..., Bench], hang: Callable[..., Hanging]
) -> None:
    b = bench(1)
    hanging = hang(0)
    queue = b.camera("a", ScriptedDetector(hanging))
    b.pool.start()
    for seq in range(3):
        queue.put(frame("a", seq))
    b.collected.wait_for(2)
    hanging.let_go.set()
    assert hanging.returned.acquire(timeout=5)
    queue.put(frame("a", 3))
    assert [r.seq for r in b.collected.wait_for(3)] == [1, 2, 3]
    assert b.pool.stop(5)  # the thread that came round has ended too


def test_a_hang_while_faces_are_read_costs_neither_frame_nor_visit(
    bench: Callable[..., Bench], hang: Callable[..., Hanging]
) -> None:
    b = bench(2)
    hanging = hang(0)
    detector = ScriptedDetector()
    detector.boxes = [(10.0, 5.0, 40.0, 35.0)]
    queue = b.camera("a", detector, attributes=HangingAttributes(hanging))
    b.pool.start()
    for seq in range(6):
        queue.put(frame("a", seq, age=10 - 0.4 * seq))
    results = b.collected.wait_for(6)
    assert [r.seq for r in results] == list(range(6))
    failures = b.metrics.registry.get_sample_value("streamer_face_reading_failures_total", {"camera": "a"})
    assert (failures, replaced(b)) == (1, 1)
    read = [bool(track.samples) for r in results for track in r.tracks]
    hanging.let_go.set()
    assert hanging.returned.acquire(timeout=5)
    started = [event for r in results for event in r.events if event.kind is EventKind.VISIT_STARTED]
    assert len(started) == 1
    assert (read[0], read[-1]) == (False, True)  # what was read too late is not taken in
    assert b.pool.wait_until(lambda: not b.lanes["a"]._under_way, 5)
    assert not b.lanes["a"].waiting


def test_a_camera_whose_analysis_hangs_five_times_a_minute_is_given_up_and_the_rest_goes_on(
    bench: Callable[..., Bench], hang: Callable[..., Hanging]
) -> None:
    b = bench(2)
    ill, well = b.camera("ill", ScriptedDetector(hang(*range(100)))), b.camera("well", ScriptedDetector())
    b.pool.start()
    for seq in range(20):
        ill.put(frame("ill", seq))
    assert b.gave_up.wait(20)
    assert b.given_up == ["ill"]
    assert replaced(b) == 5
    late = frame("ill", 99)
    assert ill.put(late) is late
    well.put(frame("well", 0))
    assert b.collected.wait_for(1)[0].camera == "well"


def test_after_a_hang_a_lane_holds_one_worker_at_a_time_for_a_minute() -> None:
    hangs = Hangs()
    assert hangs.workers_allowed(0) is None
    assert not hangs.add(0)
    assert hangs.workers_allowed(59) == 1
    assert hangs.workers_allowed(60) is None


def test_five_hangs_within_a_minute_are_too_many() -> None:
    hangs = Hangs()
    assert [hangs.add(at) for at in (0, 30, 59, 61, 62)] == [False] * 5
    assert hangs.add(63)
    assert hangs.workers_allowed(65) == 0
    assert hangs.workers_allowed(91) == 1


def lose_it_in_a_net(turn: Turn) -> None:
    with turn.in_net():
        assert turn.take_away(threading.current_thread())
        with turn.taken(timeout=0) as had:  # by whoever goes on
            assert had


def test_a_turn_can_be_taken_away_in_a_net_only() -> None:
    turn = Turn()
    me = threading.current_thread()
    with turn.taken() as had:
        assert had
        assert not turn.take_away(me)
        with pytest.raises(Dismissed):
            lose_it_in_a_net(turn)
    with turn.taken(timeout=0) as again:
        assert again


def test_a_turn_can_be_taken_away_in_a_net_that_another_thread_uses_too() -> None:
    turn = Turn()

    def look_ahead() -> None:
        with turn.in_net():
            pass

    def hang() -> None:
        with turn.in_net():
            ahead = threading.Thread(target=look_ahead)
            ahead.start()
            ahead.join()
            assert turn.take_away(threading.current_thread())

    with turn.taken(), pytest.raises(Dismissed):
        hang()


def test_a_turn_that_is_had_is_waited_for_no_longer_than_asked() -> None:
    turn = Turn()
    begin = time.monotonic()
    with turn.taken(), turn.taken(timeout=0.05) as had:
        assert not had
    assert time.monotonic() - begin < 1


def test_a_net_used_out_of_turn_is_nobodys_business() -> None:
    turn = Turn()
    with turn.in_net():
        assert not turn.take_away(threading.current_thread())
