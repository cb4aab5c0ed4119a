"""The clocks of the overhead benchmark."""

from __future__ import annotations

import threading
import time

import pytest

from tests.benchmarks.ledger import Ledger


def spin(seconds: float) -> None:
    """Use the processor for so long."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


class Work:
    """Two functions, one within the other, and one that only waits."""

    def outer(self) -> None:
        spin(0.02)
        self.inner()
        spin(0.01)

    def inner(self) -> None:
        spin(0.04)

    def wait(self, done: threading.Event) -> None:
        done.wait(0.2)


def test_what_is_done_within_another_stage_is_booked_once_and_waiting_not_at_all() -> None:
    ledger, work = Ledger(), Work()
    with ledger.watching({"outer": [(Work, "outer")], "inner": [(Work, "inner")], "wait": [(Work, "wait")]}):
        for _ in range(2):
            work.outer()
        work.wait(threading.Event())
    assert ledger.seconds["outer"] == pytest.approx(0.06, abs=0.01)
    assert ledger.seconds["inner"] == pytest.approx(0.08, abs=0.01)
    assert ledger.seconds["wait"] < 0.02
    assert dict(ledger.calls) == {"outer": 2, "inner": 2, "wait": 1}


def test_threads_that_ended_meanwhile_count_and_the_functions_are_themselves_again_afterwards() -> None:
    ledger, inner, run = Ledger(), Work.inner, threading.Thread.run
    with ledger.watching({"inner": [(Work, "inner")]}):
        threads = [threading.Thread(target=Work().outer) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert ledger.seconds["inner"] == pytest.approx(0.08, abs=0.01)
    assert ledger.python_seconds == pytest.approx(0.14, abs=0.03)
    assert (Work.inner, threading.Thread.run) == (inner, run)
