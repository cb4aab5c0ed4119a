"""Whose turn it is in the pool: what was begun first, and else who has had least."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

import pytest

from streamer.inference.pool import InferencePool
from streamer.monitoring.metrics import Metrics


class Piece:
    """Takes some time, and notes that it was done."""

    def __init__(self, name: str, seconds: float, done: list[str]) -> None:
        self._name, self._seconds, self._done = name, seconds, done

    def run(self) -> None:
        until = time.perf_counter() + self._seconds
        while time.perf_counter() < until:
            pass
        self._done.append(self._name)

    def give_up(self, _thread: threading.Thread) -> Callable[[], None] | None:
        return None


class Pieces:
    """A lane of given pieces; those of a second half go on with something."""

    def __init__(self, name: str, done: list[str], *, first: float, then: float = 0.0, number: int = 1) -> None:
        self._first = deque(Piece(f"{name}{n}", first, done) for n in range(number))
        self._then = deque(Piece(f"{name}{n} goes on", then, done) for n in range(number) if then)
        self._ready = 0  # second halves whose first one was taken

    @property
    def waiting(self) -> bool:
        return self.begun or bool(self._first)

    @property
    def begun(self) -> bool:
        return self._ready > 0

    def take(self) -> Piece | None:
        if self.begun:
            self._ready -= 1
            return self._then.popleft()
        self._ready += bool(self._then)
        return self._first.popleft()

    def give_up(self) -> None:
        pass

    def close(self) -> None:
        self._first.clear()
        self._then.clear()
        self._ready = 0


@pytest.fixture
def pool() -> Iterator[InferencePool]:
    made = InferencePool(workers=1, metrics=Metrics())
    yield made
    assert made.stop(5)


def test_what_was_begun_is_finished_before_anything_new(pool: InferencePool) -> None:
    done: list[str] = []
    pool.add("a", Pieces("a", done, first=0.02, then=0.02, number=2))
    pool.add("b", Pieces("b", done, first=0.001, number=3))
    pool.start()
    assert pool.wait_until(lambda: len(done) == 7, 10)
    for n in range(2):
        assert done.index(f"a{n} goes on") == done.index(f"a{n}") + 1


def test_what_was_finished_out_of_turn_is_charged_all_the_same(pool: InferencePool) -> None:
    done: list[str] = []
    pool.add("a", Pieces("a", done, first=0.005, then=0.035, number=4))
    pool.add("b", Pieces("b", done, first=0.01, number=12))
    pool.start()
    assert pool.wait_until(lambda: len(done) == 20, 10)
    # 40 ms of `a` for four pieces of `b`: by the time of its second, two or more of `b` have had their turn
    assert done.index("a3") > done.index("b5")
