"""How a soak is judged; the soak itself is one of the faults' table."""

from __future__ import annotations

import pytest

from tests.system.faults.figures import Process
from tests.system.faults.soak import Samples, judged

MINUTES = 10
AT_REST = Process(memory=300.0, threads=30, descriptors=60)


def seen(minutes: float = MINUTES, *, memory: float = 0.0, threads: float = 0.0, leak: float = 0.0) -> Samples:
    """Once a second; what grows by so much a minute. Every half minute a fault holds a thread and ten descriptors."""
    samples = Samples()
    for second in range(round(minutes * 60)):
        is_ill = second % 30 < 5
        samples.at.append(float(second))
        samples.held.append(
            Process(
                AT_REST.memory + memory * second / 60 + 3 * is_ill,
                AT_REST.threads + int(threads * second / 60) + is_ill,
                AT_REST.descriptors + int(leak * second / 60) + 10 * is_ill,
            )
        )
        samples.age_at.append(float(second))
        samples.age.append(400.0 if is_ill else 20.0)
    return samples


def missed(samples: Samples) -> list[str]:
    return [figure.what for figure in judged(samples, AT_REST, AT_REST, ["a fault"], 0) if not figure.holds]


def test_what_a_fault_holds_while_it_lasts_is_no_growth() -> None:
    assert missed(seen()) == []


@pytest.mark.parametrize(
    ("grown", "what"),
    [
        ({"memory": 2.0}, "memory, rise over the run"),
        ({"threads": 0.5}, "threads, rise over the run"),
        ({"leak": 0.3}, "descriptors, rise over the run"),
    ],
)
def test_what_grows_all_the_while_is_told(grown: dict[str, float], what: str) -> None:
    assert missed(seen(**grown)) == [what]


def test_the_limit_is_one_for_the_whole_run_however_long() -> None:
    assert missed(seen(memory=0.5)) == []
    assert missed(seen(minutes=60, memory=0.5)) == ["memory, rise over the run"]


def test_half_a_minute_tells_nothing_of_growth() -> None:
    samples = seen(minutes=1, memory=100.0)
    assert missed(samples) == []
