"""What faces look like tells who is who where their places don't."""

from __future__ import annotations

import pytest

from streamer.config import TrackingConfig
from streamer.tracking import Tracker
from streamer.tracking.association import overlap
from tests.unit.tracking.scenes import A, Face, found, ids, update

FPS = 10
ANNA, BEN, CLEO = 1, 2, 3


class Scene:
    """A tracker, looked at ten times a second."""

    def __init__(self) -> None:
        self.tracker, self.frames = Tracker(TrackingConfig()), 0
        self.started: list[int] = []
        self.ended: list[tuple[int, float]] = []  # and when they were last seen
        self.shown: list[int] = []

    @property
    def at(self) -> float:
        return self.frames / FPS

    def see(self, *faces: Face, seconds: float = 1 / FPS) -> list[int]:
        """Returns the ids shown in the end."""
        for _ in range(round(seconds * FPS)):
            result = update(self.tracker, self.at, *faces)
            self.frames += 1
            self.started += result.started
            self.ended += [(face.id, face.last_seen) for face in result.ended]
        return ids(result)

    def step_before(self, *pairs: tuple[Face, Face]) -> None:
        """The first of each pair stands for two seconds; in the second one the other comes from the right before it."""
        for k in range(2 * FPS):
            away = 30 * min(FPS, 2 * FPS - 1 - k)
            faces = list[Face]()
            for behind, before in pairs:
                coming = before._replace(x=before.x + away)
                faces += [coming] if overlap(behind.box, coming.box) > 0.35 else [behind, coming]
            self.see(*faces)


BEHIND, BEFORE = Face(300, size=50, who=ANNA), Face(330, 210, 75, who=BEN)
LAST = 1.8  # s, when the one behind is seen last


def hidden_for(seconds: float, who: int | None, again: int | None, *, moved: float = 120) -> Scene:
    """Somebody is hidden by Ben, who stands before them; then somebody comes out, so many pixels to the left."""
    scene, before = Scene(), BEFORE._replace(who=None if who is None else BEN)
    scene.step_before((BEHIND._replace(who=who), before))
    scene.see(before, seconds=seconds - 0.1)
    scene.see(before, Face(BEHIND.x - moved, size=50, who=again), seconds=1.5)
    return scene


@pytest.mark.parametrize("seconds", [1.0, 2.5, 3.5])
def test_who_was_hidden_is_found_again_where_nobody_expects_them(seconds: float) -> None:
    scene = hidden_for(seconds, ANNA, ANNA)
    assert (scene.started, scene.ended) == ([1, 2], [])


def test_who_comes_out_and_looks_different_is_somebody_else() -> None:
    scene = hidden_for(2.5, ANNA, CLEO)
    assert scene.started == [1, 2, 3]


def test_without_looks_who_was_hidden_for_long_is_another_visit() -> None:
    scene = hidden_for(2.5, None, None)
    assert scene.started == [1, 2, 3]
    assert scene.ended == [(1, LAST)]


def test_who_was_hidden_for_longer_than_one_can_tell_is_another_visit() -> None:
    assert hidden_for(4.5, ANNA, ANNA).started == [1, 2, 3]


def test_who_comes_out_farther_away_than_one_walks_is_somebody_else() -> None:
    assert hidden_for(1.0, ANNA, ANNA, moved=-500).started == [1, 2, 3]


def test_found_again_it_goes_on_as_it_was() -> None:
    scene = hidden_for(2.5, ANNA, ANNA)
    first = next(face for face in update(scene.tracker, scene.at, Face(180, size=50, who=ANNA)).faces if face.id == 1)
    assert first.first_seen == 0
    assert first.first_box == BEHIND.box


def test_of_two_lost_who_look_the_same_neither_is_found_again() -> None:
    scene = Scene()
    other = BEHIND._replace(y=320), BEFORE._replace(y=330, who=CLEO)
    scene.step_before((BEHIND, BEFORE), other)
    scene.see(BEFORE, other[1], seconds=2)
    scene.see(BEFORE, other[1], Face(200, 260, 50, who=ANNA), seconds=1)
    assert scene.started == [1, 2, 3, 4, 5]


def test_who_is_lost_in_the_open_is_given_up_as_ever() -> None:
    scene = Scene()
    scene.see(A._replace(who=ANNA), seconds=1)
    scene.see(Face(600, who=BEN), seconds=1.8)
    assert scene.ended == [(1, 0.9)]


def test_somebody_who_looks_different_does_not_carry_on_a_lost_track() -> None:
    scene = Scene()
    scene.see(A._replace(who=ANNA), seconds=1)
    scene.see(seconds=0.8)
    assert scene.see(A._replace(who=BEN), seconds=1) == [2]


def test_the_light_may_change_while_nobody_else_is_there() -> None:
    scene = Scene()
    scene.see(A._replace(who=ANNA), seconds=1)
    assert scene.see(A._replace(who=BEN), seconds=1) == [1]
    assert scene.started == [1]


@pytest.mark.parametrize("fps", [5, 10, 25])
@pytest.mark.parametrize(("looks", "kept"), [((ANNA, BEN), True), ((None, None), False)])
def test_two_who_meet_and_turn_back_keep_their_tracks(
    looks: tuple[int | None, int | None], *, kept: bool, fps: int
) -> None:
    """Each of them goes back the way they came: by their places alone they have passed one another."""
    tracker, owners = Tracker(TrackingConfig()), dict[int, set[str]]()
    for k in range(4 * fps):
        way = 120 * (2 - abs(k / fps - 2))  # pixels, there and back
        left, right = Face(60 + way, who=looks[0]), Face(560 - way, 205, who=looks[1])
        both = abs(k / fps - 2) > 0.3  # as they meet, none of them is found
        for face in update(tracker, k / fps, *([left, right] if both else [])).faces:
            if face.detection is not None:
                owners.setdefault(face.id, set()).add("left" if face.detection == 0 else "right")
    assert (sorted(owners), all(len(names) == 1 for names in owners.values())) == ([1, 2], kept)


def test_who_comes_out_half_hidden_is_a_visit_only_when_one_can_see_who_it_is() -> None:
    scene, half = Scene(), Face(200, size=50)  # what it looks like isn't known
    scene.step_before((BEHIND, BEFORE))
    scene.see(BEFORE, seconds=2)
    scene.see(BEFORE, half, seconds=0.8)
    assert scene.started == [1, 2]
    assert scene.see(BEFORE, half._replace(who=ANNA)) == [1, 2]
    assert scene.started == [1, 2]


def test_who_stays_half_hidden_is_a_visit_after_a_second() -> None:
    scene = Scene()
    scene.step_before((BEHIND, BEFORE))
    scene.see(BEFORE, seconds=2)
    scene.see(BEFORE, Face(200, size=50), seconds=1.2)
    assert scene.started == [1, 2, 3]


def test_at_the_end_everybody_is_given_up_who_was_hidden_too() -> None:
    scene = Scene()
    scene.step_before((BEHIND, BEFORE))
    scene.see(BEFORE, seconds=2)
    assert scene.ended == []
    assert [(face.id, face.last_seen) for face in scene.tracker.close()] == [(1, LAST), (2, pytest.approx(3.9))]
    assert len(scene.tracker) == 0


def test_who_went_out_of_the_picture_is_not_found_again() -> None:
    tracker, started = Tracker(TrackingConfig()), list[int]()
    leaving = [Face(700.0 + 20 * k, who=ANNA) for k in range(28)]  # to the right, at 10 looks a second
    coming = [Face(1240.0 - 20 * k, who=ANNA) for k in range(28)]
    for k, faces in enumerate([[face] for face in leaving] + [[] for _ in range(8)] + [[face] for face in coming]):
        started += tracker.update(found(faces), k / 10, (1280, 720)).started
    assert started == [1, 2]
