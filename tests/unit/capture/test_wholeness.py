"""When a stream's packets give whole pictures again."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from streamer.capture.wholeness import FrameGaps, KeyFrameGate


def _open_gate() -> KeyFrameGate:
    gate = KeyFrameGate(0.0)
    assert gate.admits(key=True, now=0.0)
    return gate


def test_nothing_is_admitted_before_the_first_key_frame() -> None:
    gate = KeyFrameGate(0.0)
    assert not gate.admits(key=False, now=0.1)
    assert gate.admits(key=True, now=0.2)
    assert gate.admits(key=False, now=0.3)


def test_damage_shuts_until_the_next_key_frame() -> None:
    gate = _open_gate()
    gate.damaged(1.0)
    assert not gate.admits(key=False, now=1.1)
    assert gate.admits(key=True, now=1.5)
    assert gate.admits(key=False, now=1.6)


def test_damage_upon_damage_does_not_wait_longer() -> None:
    gate = _open_gate()
    for now in range(int(KeyFrameGate.PATIENCE)):
        gate.damaged(float(now))
    assert gate.admits(key=False, now=KeyFrameGate.PATIENCE)


def test_a_stream_without_key_frames_is_shut_no_more() -> None:
    gate = KeyFrameGate(0.0)
    assert gate.admits(key=False, now=KeyFrameGate.PATIENCE)
    gate.damaged(6.0)
    assert gate.admits(key=False, now=6.1)


def test_key_frames_that_come_late_are_waited_for_again_after_the_first() -> None:
    gate = KeyFrameGate(0.0, at_first=1.0, later=2.0)
    assert gate.admits(key=False, now=1.0)
    assert gate.admits(key=True, now=3.0)
    gate.damaged(4.0)
    assert not gate.admits(key=False, now=5.9)
    assert gate.admits(key=False, now=6.0)


def _missing(times: list[float]) -> list[float]:
    gaps = FrameGaps()
    return [at for at in times if gaps.missing(at)]


def test_a_frame_that_is_missing_of_a_steady_stream_is_told() -> None:
    assert _missing([n / 25 for n in range(100) if n not in {50, 70, 71}]) == [51 / 25, 72 / 25]


def test_frames_are_told_missing_while_one_in_ten_is() -> None:
    dice = random.Random(1)
    kept = [n for n in range(400) if dice.random() > 0.1]
    lost_before = [after / 25 for before, after in pairwise(kept) if after > before + 1]
    told = _missing([n / 25 for n in kept])
    assert told == [at for at in lost_before if at >= told[0]]
    assert len(told) > 20


@pytest.mark.parametrize(
    "times",
    [
        [n / 25 for n in range(100)],
        [n / 25 + random.Random(n).uniform(0, 0.004) for n in range(100)],
        [n // 2 * 0.2 + n % 2 * 0.05 for n in range(100)],  # two and two, as a camera that doubles pictures
        [n / 25 % 2 for n in range(100)],  # its clock is set back
        [],
    ],
)
def test_nothing_is_missing_where_the_steps_are_the_camera_s_own(times: list[float]) -> None:
    assert _missing(times) == []


def test_a_slower_rate_is_taken_for_the_usual_one_within_half_the_steps() -> None:
    slower = [4 + n / 10 for n in range(1, 60)]
    told = _missing([n / 25 for n in range(101)] + slower)
    assert told == slower[: len(told)]
    assert len(told) <= 13
