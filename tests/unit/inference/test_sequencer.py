from __future__ import annotations

import threading
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.inference.sequencer import Sequencer


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_whatever_the_order_of_completion_items_are_handled_in_the_order_of_tickets(order: tuple[int, ...]) -> None:
    handled: list[int] = []
    sequencer = Sequencer(handled.append)
    tickets = [sequencer.issue() for _ in order]
    for i in order:
        sequencer.complete(tickets[i], i)
    assert handled == [0, 1, 2, 3]
    assert sequencer.outstanding == 0


def test_an_item_waits_for_an_earlier_ticket() -> None:
    handled: list[str] = []
    sequencer = Sequencer(handled.append)
    first, second = sequencer.issue(), sequencer.issue()
    sequencer.complete(second, "b")
    assert handled == []
    assert sequencer.outstanding == 2
    sequencer.complete(first, "a")
    assert handled == ["a", "b"]


def test_a_ticket_completed_twice_counts_once() -> None:
    handled: list[str] = []
    sequencer = Sequencer(handled.append)
    first, second = sequencer.issue(), sequencer.issue()
    sequencer.complete(second, "b")
    sequencer.complete(second, "late")
    sequencer.complete(first, "a")
    sequencer.complete(first, "late")
    assert handled == ["a", "b"]


def test_a_worker_never_waits_for_the_one_that_handles() -> None:
    entered, go_on = threading.Event(), threading.Event()
    handled: list[int] = []

    def handle(item: int) -> None:
        if item == 0:
            entered.set()
            assert go_on.wait(5)
        handled.append(item)

    sequencer = Sequencer(handle)
    first, second = sequencer.issue(), sequencer.issue()
    slow = threading.Thread(target=sequencer.complete, args=(first, 0))
    slow.start()
    assert entered.wait(5)
    sequencer.complete(second, 1)  # returns at once, though item 0 is still being handled
    assert handled == []
    go_on.set()
    slow.join(5)
    assert handled == [0, 1]


@given(st.integers(1, 60), st.integers(2, 6))
def test_many_threads_keep_the_order_and_lose_nothing(count: int, workers: int) -> None:
    handled: list[int] = []
    inside = threading.Lock()

    def handle(item: int) -> None:
        assert inside.acquire(blocking=False), "two threads handle at once"
        handled.append(item)
        inside.release()

    sequencer = Sequencer(handle)
    taking = threading.Lock()
    left = iter(range(count))

    def work() -> None:
        while True:
            with taking:
                item = next(left, None)
                if item is None:
                    return
                ticket = sequencer.issue()
            sequencer.complete(ticket, item)

    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert handled == list(range(count))
