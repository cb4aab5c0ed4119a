"""What holds of tracks whatever is detected, and whenever."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.config import TrackingConfig
from streamer.tracking import Tracker
from streamer.tracking.reunion import HELD
from tests.unit.tracking.scenes import Face, ids, update

faces = st.builds(
    Face,
    x=st.sampled_from([50.0, 70.0, 100.0, 160.0, 300.0, 420.0, 500.0]),
    y=st.sampled_from([100.0, 130.0, 200.0]),
    size=st.sampled_from([20.0, 40.0, 60.0]),
    score=st.sampled_from([0.62, 0.75, 0.9, 0.95]),
    who=st.none() | st.integers(1, 5),
)
# steps in 64ths of a second, so that shifting the clock loses nothing in rounding; sometimes back, sometimes far ahead
steps = st.one_of(st.integers(1, 16), st.integers(1, 16), st.sampled_from([0, -3, 40, 200]))
films = st.lists(st.tuples(steps, st.lists(faces, max_size=4, unique=True)), min_size=1, max_size=40)
Film = list[tuple[int, list[Face]]]


@given(film=films)
@settings(max_examples=50, deadline=None)
def test_ids_count_up_and_are_never_reused(film: Film) -> None:
    tracker, at, started, ended = Tracker(TrackingConfig()), 0.0, list[int](), set[int]()
    for step, present in film:
        at += step / 64
        result = update(tracker, at, *present)
        started += result.started
        ended |= {face.id for face in result.ended}
        assert ended.isdisjoint(ids(result))
        assert set(ids(result)) <= set(started)
        assert set(result.started) <= set(ids(result))
    assert started == list(range(1, len(started) + 1))


@given(film=films)
@settings(max_examples=50, deadline=None)
def test_what_is_remembered_is_bounded_by_the_faces_seen_lately(film: Film) -> None:
    tracker, at, lately = Tracker(TrackingConfig(lost_after=1.0)), 0.0, list[tuple[float, int]]()
    longest = 1.0 + HELD
    for step, present in film:
        at += step / 64
        if step < 0:
            lately = [(then + step / 64, n) for then, n in lately]
        lately = [(then, n) for then, n in lately if at - then <= longest] + [(at, len(present))]
        update(tracker, at, *present)
        assert len(tracker) <= sum(n for _, n in lately)
    update(tracker, at + longest + 0.1)
    assert len(tracker) == 0


@given(film=films, seed=st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_the_order_of_detections_has_no_influence(film: Film, seed: int) -> None:
    one, other, at, chance = Tracker(TrackingConfig()), Tracker(TrackingConfig()), 0.0, np.random.default_rng(seed)
    for step, present in film:
        at += step / 64
        order = chance.permutation(len(present))
        result, shuffled = update(one, at, *present), update(other, at, *[present[i] for i in order])
        assert [(f.id, f.box, f.last_seen) for f in result.faces] == [
            (f.id, f.box, f.last_seen) for f in shuffled.faces
        ]
        back = [None if f.detection is None else int(order[f.detection]) for f in shuffled.faces]
        assert back == [f.detection for f in result.faces]
        assert result.started == shuffled.started


@given(film=films, shift=st.integers(-1_000_000, 1_000_000))
@settings(max_examples=50, deadline=None)
def test_only_differences_of_time_matter(film: Film, shift: int) -> None:
    one, other, at = Tracker(TrackingConfig()), Tracker(TrackingConfig()), 0.0
    for step, present in film:
        at += step / 64
        result, later = update(one, at, *present), update(other, at + shift, *present)
        assert [(f.id, f.box, f.last_seen + shift) for f in result.faces] == [
            (f.id, f.box, f.last_seen) for f in later.faces
        ]
        assert result.started == later.started
        assert [f.id for f in result.ended] == [f.id for f in later.ended]


@given(
    fps=st.sampled_from([5, 10, 25]),
    velocity=st.tuples(st.floats(-150, 150), st.floats(-60, 60)),
    growth=st.floats(-0.15, 0.15),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=50, deadline=None)
def test_steady_walkers_keep_their_ids_through_missed_detections(
    fps: int, velocity: tuple[float, float], growth: float, seed: int
) -> None:
    chance, tracker, started, unseen = np.random.default_rng(seed), Tracker(TrackingConfig()), list[int](), 0
    for k in range(8 * fps):
        at = k / fps
        jitter = chance.normal(0, 1, 3)
        face = Face(
            velocity[0] * at + jitter[0],
            velocity[1] * at + jitter[1],
            60 * np.exp(growth * at) * (1 + 0.02 * jitter[2]),
        )
        # 30 % missed, but never for as long as ends a visit
        missed = chance.random() < 0.3 and (unseen + 1) / fps < 1.2
        unseen = unseen + 1 if missed else 0
        started += update(tracker, at, *([] if missed else [face])).started
    assert started == [1]
