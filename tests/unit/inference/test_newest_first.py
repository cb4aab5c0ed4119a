"""What waits long makes way for what is newer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scripted import ScriptedDetector
from tests.unit.inference.pool_bench import Bench, frame


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench(1, 60.0)
    yield made
    assert made.pool.stop(5)


def test_a_frame_that_has_waited_long_makes_way_for_a_newer_one(bench: Bench) -> None:
    queue = bench.camera("a", ScriptedDetector(), long_wait=0.15)
    for seq, age in enumerate((0.6, 0.4, 0.2)):
        queue.put(frame("a", seq, age=age))
    bench.pool.start()
    assert [result.seq for result in bench.collected.wait_for(1)] == [2]
    assert bench.dropped("a", "evicted") == 2
    assert bench.lanes["a"].counts.evicted == 2
    assert bench.lanes["a"].counts.taken == 1


def test_the_only_frame_is_analysed_however_long_it_has_waited(bench: Bench) -> None:
    queue = bench.camera("a", ScriptedDetector(), long_wait=0.15)
    queue.put(frame("a", 0, age=5.0))
    bench.pool.start()
    assert [result.seq for result in bench.collected.wait_for(1)] == [0]
    assert bench.dropped("a", "evicted") == 0


def test_two_that_came_in_a_burst_are_both_analysed(bench: Bench) -> None:
    queue = bench.camera("a", ScriptedDetector(), long_wait=0.15)
    queue.put(frame("a", 0, age=-60.0))  # so that no machine is too slow for it
    queue.put(frame("a", 1, age=-60.0))
    bench.pool.start()
    assert [result.seq for result in bench.collected.wait_for(2)] == [0, 1]
