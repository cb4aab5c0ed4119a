"""The governor against a machine made of arithmetic, and alone: when it lowers, when it raises, and whom first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.inference.governor import Governed, Governor, Load
from tests.unit.inference.machine_model import Machine, Step
from tests.unit.inference.recorded_load import RECORDED

CALM = Load(use=0.3, lost=0.0, waited=0.002, lag=0.0)
FULL_BUT_FINE = Load(use=0.98, lost=0.0, waited=0.01, lag=0.0)
OVERLOAD = Load(use=0.98, lost=0.05, waited=0.05, lag=0.0)


def _governor() -> Governor:
    return Governor(max_frame_age=0.5)


def _cameras(*priorities: int, steps: int = 6) -> list[Governed]:
    return [Governed(f"c{n}", priority, steps) for n, priority in enumerate(priorities)]


def _changes(steps: Sequence[Step]) -> list[tuple[float, int]]:
    """When a level changed, and by how much all of them together."""
    pairs = itertools.pairwise([Step(-1, CALM, {}), *steps])
    return [
        (after.at, sum(after.levels.values()) - sum(before.levels.values()))
        for before, after in pairs
        if after.levels != before.levels
    ]


def _lost(steps: Sequence[Step]) -> float:
    return sum(step.load.lost for step in steps) / len(steps)


@pytest.mark.parametrize(
    "load",
    [
        FULL_BUT_FINE,
        Load(use=0.2, lost=0.3, waited=0.0, lag=0.0),  # frames come in bursts: the network's doing
        Load(use=0.2, lost=0.0, waited=0.0, lag=8.0),  # late, but not for want of time: the camera's line
    ],
)
def test_what_is_not_for_want_of_time_is_left_alone(load: Load) -> None:
    governor = _governor()
    assert not any(governor.decide(at, load, _cameras(0, 0)) for at in range(600))
    assert not governor.levels


@pytest.mark.parametrize(
    "load",
    [
        Load(use=0.9, lost=0.05, waited=0.0, lag=0.0),
        Load(use=0.9, lost=0.0, waited=0.2, lag=0.0),
        Load(use=0.9, lost=0.0, waited=0.0, lag=0.8),
    ],
)
def test_lost_waiting_and_late_frames_each_are_an_overload(load: Load) -> None:
    governor = _governor()
    assert governor.decide(0, load, _cameras(0))
    assert governor.levels == {"c0": 1}


@pytest.mark.parametrize(("lost", "lowered"), [(0.05, 1), (0.1, 2), (0.3, 4), (0.9, 4)])
def test_the_more_is_lost_the_more_cameras_give_way_by_one_step(lost: float, lowered: int) -> None:
    governor = _governor()
    governor.decide(0, Load(use=1, lost=lost, waited=0.1, lag=0), _cameras(0, 0, 0, 0))
    assert governor.levels == {f"c{n}": 1 for n in range(lowered)}


@pytest.mark.parametrize(("use", "raised"), [(0.0, 4), (0.4, 4), (0.6, 2), (0.74, 1)])
def test_the_more_room_there_is_the_more_cameras_are_raised_by_one_step(use: float, raised: int) -> None:
    governor, cameras = _governor(), _cameras(0, 0, 0, 0)
    governor.decide(0, Load(use=1, lost=0.9, waited=0.1, lag=0), cameras)
    for at in range(1, 12):
        governor.decide(at, Load(use=use, lost=0, waited=0, lag=0), cameras)
    assert governor.levels == {f"c{n}": 1 for n in range(raised, 4)}


def test_the_next_step_waits_until_the_figures_show_the_last_one() -> None:
    governor = _governor()
    changed = [at for at in range(13) if governor.decide(at, OVERLOAD, _cameras(0, 0))]
    assert changed == [0, 4, 8, 12]


def test_cameras_of_one_priority_share_evenly() -> None:
    governor = _governor()
    for at in range(0, 4 * 9, 4):
        governor.decide(at, OVERLOAD, _cameras(0, 0, 0))
        assert max(governor.levels.values()) - min(governor.levels.get(f"c{n}", 0) for n in range(3)) <= 1
    assert governor.levels == {"c0": 3, "c1": 3, "c2": 3}


def test_a_low_priority_gives_way_first_and_comes_back_last() -> None:
    governor, cameras = _governor(), _cameras(5, 0, steps=2)
    seen = []
    for at in range(0, 20, 4):
        governor.decide(at, OVERLOAD, cameras)
        seen.append(dict(governor.levels))
    assert seen == [{"c1": 1}, {"c1": 2}, {"c1": 2, "c0": 1}, {"c1": 2, "c0": 2}, {"c1": 2, "c0": 2}]
    seen = []
    for at in range(20, 300):
        if governor.decide(at, CALM, cameras):
            seen.append(dict(governor.levels))
    assert seen == [{"c1": 2, "c0": 1}, {"c1": 2}, {"c1": 1}, {}]


def test_a_camera_with_fewer_steps_than_before_is_within_them() -> None:
    governor = _governor()
    for at in range(0, 24, 4):
        governor.decide(at, OVERLOAD, _cameras(0))
    governor.decide(25, FULL_BUT_FINE, _cameras(0, steps=2))
    assert governor.levels == {"c0": 2}


def test_without_a_live_camera_nothing_changes() -> None:
    assert not _governor().decide(0, OVERLOAD, [])


# Load curves: frames a second that the machine can carry; 16 cameras ask for 160.


def _step(at: float) -> float:
    return 200.0 if at < 60 else 80.0


def _ramp(at: float) -> float:
    return max(60.0, 220.0 - at / 5)


def _burst(at: float) -> float:
    return 60.0 if 100 <= at < 110 else 250.0


def _alternating(at: float) -> float:
    return 80.0 if at % 120 < 60 else 240.0


CURVES: dict[str, Callable[[float], float]] = {
    "step": _step, "ramp": _ramp, "burst": _burst, "alternating": _alternating,
}  # fmt: skip


def test_after_a_step_to_half_the_capacity_hardly_a_frame_is_lost_within_half_a_minute() -> None:
    steps = Machine([0] * 16, _step).run(_governor(), 400)
    assert steps[62].load.lost > 0.1
    assert _lost(steps[90:]) < Governor.TOO_MANY_LOST


def test_on_a_ramp_it_keeps_up() -> None:
    steps = Machine([0] * 16, _ramp).run(_governor(), 900)
    assert _lost(steps) < Governor.TOO_MANY_LOST


def test_a_burst_is_forgotten() -> None:
    steps = Machine([0] * 16, _burst).run(_governor(), 400)
    assert steps[112].levels
    assert not steps[-1].levels
    assert all(not step.levels for step in steps[250:])


def test_a_load_that_stays_is_probed_ever_more_rarely() -> None:
    # carried at level 2, not at level 1, and at level 2 it looks as if there were room
    governor, capacity = _governor(), lambda _at: 8.9
    steps = Machine([0], capacity).run(governor, 3600)
    changes = [at for at, _ in _changes(steps)]
    assert len([at for at in changes if at > 1800]) <= 2 * math.ceil(1800 / Governor.MOST_PATIENCE)


def test_on_a_recorded_start_of_too_many_cameras_it_lowers_while_frames_are_lost_and_rests_when_they_are_not() -> None:
    governor, cameras = _governor(), _cameras(*[0] * 16, steps=7)
    totals = []
    for at, load in enumerate(RECORDED):
        governor.decide(at, load, cameras)
        totals.append(sum(governor.levels.values()))
    first = next(at for at, load in enumerate(RECORDED) if load.lost > Governor.TOO_MANY_LOST and load.use > 0.5)
    assert totals[first - 1] == 0
    assert totals[first] > 0
    assert totals == sorted(totals), "nothing is raised in a minute that was never calm for long"
    calm = [at for at, load in enumerate(RECORDED) if at > first and load.lost <= Governor.TOO_MANY_LOST]
    assert all(totals[at] == totals[at - 1] for at in calm)


@pytest.mark.parametrize("curve", CURVES)
def test_with_priorities_the_important_cameras_keep_more(curve: str) -> None:
    machine = Machine([10] * 4 + [0] * 12, CURVES[curve])
    for step in machine.run(_governor(), 600):
        reduced = [camera.priority for camera in machine.cameras if step.levels.get(camera.id)]
        spared = [camera.priority for camera in machine.cameras if step.levels.get(camera.id, 0) < camera.steps]
        assert not reduced or not spared or max(reduced) <= min(spared) or max(reduced) == min(reduced) == min(spared)


_capacities = st.lists(st.floats(5, 400), min_size=1, max_size=12)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-2, 2), min_size=1, max_size=8), _capacities, st.integers(5, 120))
def test_on_any_curve_its_promises_hold(priorities: list[int], capacities: list[float], every: int) -> None:
    governor = _governor()
    machine = Machine(priorities, lambda at: capacities[int(at // every) % len(capacities)])
    steps = machine.run(governor, 900)
    before: dict[str, int] = {}
    for step in steps:
        changed = {c.id: step.levels.get(c.id, 0) - before.get(c.id, 0) for c in machine.cameras}
        assert all(abs(by) <= 1 for by in changed.values()), "one step at a time"
        assert not (governor.overloaded(step.load) and min(changed.values()) < 0), "never raises while overloaded"
        for camera, other in itertools.permutations(machine.cameras, 2):
            if camera.priority > other.priority and step.levels.get(camera.id):
                assert step.levels.get(other.id) == other.steps, "a lower priority gives way first"
        before = dict(step.levels)
    raised_at = [at for at, by in _changes(steps) if by < 0]
    assert all(b - a >= Governor.PATIENCE for a, b in itertools.pairwise(raised_at)), "at most six raises a minute"
    changed_at = [at for at, _ in _changes(steps)]
    assert all(b - a >= Governor.SETTLING for a, b in itertools.pairwise(changed_at)), "at most 15 changes a minute"


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 1), min_size=1, max_size=8), st.floats(5, 400))
def test_under_a_steady_load_it_settles(priorities: list[int], capacity: float) -> None:
    machine = Machine(priorities, lambda _at: capacity)
    steps = machine.run(_governor(), 3000)
    late = [change for change in _changes(steps) if change[0] > 2000]
    assert len(late) <= 2 * math.ceil(1000 / Governor.MOST_PATIENCE)
    least = machine.load(0, {camera.id: camera.steps for camera in machine.cameras})
    if least.lost == 0:
        assert _lost(steps[2000:]) < Governor.TOO_MANY_LOST
