"""The edge of the picture: who goes out there, and who comes in."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest

from streamer.config import TrackingConfig
from streamer.tracking import Tracker
from streamer.tracking.association import overlap
from streamer.tracking.leaving import completed, cut, gone, turned_back
from streamer.tracking.motion import Box, BoxMotion, TimeStep, measure
from streamer.types import Detections
from tests.unit.tracking.scenes import Face, found

PICTURE = (1280, 720)


def walked(to: Face, velocity: tuple[float, float]) -> BoxMotion:
    """A track that has come to this place with this velocity, pixels a second, watched for a second."""
    motion = None
    for k in range(-25, 1):
        box = to._replace(x=to.x + velocity[0] * k / 25, y=to.y + velocity[1] * k / 25).box
        if motion is None:
            motion = BoxMotion(measure(box))
        motion.predict(TimeStep(1 / 25))
        motion.correct(measure(box))
    assert motion is not None
    return motion


def flipped(box: Box) -> Box:
    """The same place in the picture turned by half."""
    x0, y0, x1, y1 = box
    return PICTURE[0] - x1, PICTURE[1] - y1, PICTURE[0] - x0, PICTURE[1] - y0


@pytest.mark.parametrize(
    ("track", "velocity", "face", "other"),
    [
        (Face(10), (-200, 0), Face(32), True),  # a third out, and somebody comes in
        (Face(28), (-200, 0), Face(32), False),  # a face that moves about there, and back
        (Face(10), (-200, 0), Face(0), False),  # goes on out
        (Face(20), (200, 0), Face(32), False),  # comes in
        (Face(28), (-5, 0), Face(32), False),  # stands on the edge
        (Face(60), (-200, 0), Face(62), False),  # is on the way, but all in the picture yet
        (Face(600, 10), (0, -200), Face(600, 32), True),  # at the top
        (Face(600, 20), (200, 0), Face(602, 32), False),  # along the top
    ],
)
def test_who_goes_out_is_no_face_that_is_whole_in_the_picture(
    track: Face, velocity: tuple[float, float], face: Face, *, other: bool
) -> None:
    assert turned_back([walked(track, velocity)], [face.box], PICTURE).tolist() == [[other]]
    # at the opposite edge likewise
    opposite = track._replace(x=PICTURE[0] - track.x, y=PICTURE[1] - track.y)
    motion = walked(opposite, (-velocity[0], -velocity[1]))
    assert turned_back([motion], [flipped(face.box)], PICTURE).tolist() == [[other]]


@pytest.mark.parametrize(
    ("track", "right", "other"),
    [
        (-31, 28, True),  # should be out wholly
        (-20, 17, False),  # goes on out, a little later than expected
        (-20, 40, True),  # is further in than who goes out can be
        (40, 90, False),  # isn't at the edge yet
    ],
)
def test_of_a_face_that_the_edge_cuts_its_inner_side_tells_whether_it_is_who_goes_out(
    track: float, right: float, *, other: bool
) -> None:
    face = (-2.0, 170.0, right, 230.0)
    assert turned_back([walked(Face(track), (-200, 0))], [face], PICTURE).tolist() == [[other]]
    assert turned_back([walked(Face(PICTURE[0] - track), (200, 0))], [flipped(face)], PICTURE).tolist() == [[other]]
    turned = face[1], face[0], face[3], face[2]
    assert turned_back([walked(Face(200, track), (0, -200))], [turned], PICTURE).tolist() == [[other]]
    assert turned_back([walked(Face(track), (0, 0))], [face], PICTURE).tolist() == [[False]]  # it stands there


@pytest.mark.parametrize(
    ("seen", "whole"),
    [
        ((-2, 170, 28, 230), (-32, 170, 28, 230)),  # as detectors box it: the picture ends, and so does the box
        ((2, 170, 32, 230), (-28, 170, 32, 230)),
        ((1250, 170, 1279, 230), (1250, 170, 1310, 230)),
        ((0, 0, 40, 50), (-20, -10, 40, 50)),  # in the corner
        ((5, 170, 65, 230), (5, 170, 65, 230)),  # not cut
        ((-2, 170, 78, 230), (-2, 170, 78, 230)),  # wider than the track was: nothing is missing
        ((600, 170, 630, 230), (600, 170, 630, 230)),  # narrow, but not for the edge
    ],
)
def test_what_the_edge_cuts_off_is_added_by_the_size_of_the_track(seen: Box, whole: Box) -> None:
    track = walked(Face(32), (0, 0))
    assert completed(seen, track, PICTURE) == pytest.approx(whole, abs=0.1)
    assert cut(seen, PICTURE) or seen == whole
    assert completed(flipped(seen), track, PICTURE) == pytest.approx(flipped(whole), abs=0.1)


def test_a_face_that_fills_the_picture_lacks_nothing_that_could_be_known() -> None:
    across = (-3.0, 100.0, 1283.0, 600.0)
    assert not cut(across, PICTURE)
    assert completed(across, walked(Face(640, 360, 1400), (0, 0)), PICTURE) == across


def test_each_track_is_judged_with_each_face() -> None:
    tracks = [walked(Face(10), (-200, 0)), walked(Face(600), (-200, 0)), walked(Face(1270), (200, 0))]
    faces = [Face(40).box, Face(10).box]
    assert turned_back(tracks, faces, PICTURE).tolist() == [[True, False], [False, False], [True, True]]
    assert turned_back([], faces, PICTURE).shape == (0, 2)
    assert turned_back(tracks, [], PICTURE).shape == (3, 0)


@pytest.mark.parametrize(
    ("face", "left"),
    [(Face(-29), False), (Face(-31), True), (Face(1311), True), (Face(5, -31), True), (Face(5, 751), True)],
)
def test_gone_is_who_is_out_of_the_picture_wholly(face: Face, left: bool) -> None:
    assert gone(face.box, PICTURE) is left


def as_boxed(faces: Iterable[Face]) -> Detections:
    """As detectors do it: a box ends where the picture does, and of less than half a face nothing is found."""
    faces = [face for face in faces if -0.1 * face.size < face.x < PICTURE[0] + 0.1 * face.size]
    whole = found(faces)
    boxes = np.clip(whole.boxes, -2.0, (PICTURE[0] + 2.0, PICTURE[1] + 2.0) * 2).astype(np.float32)
    return Detections(boxes, whole.scores, whole.landmarks)


@pytest.mark.parametrize("fps", [10, 25])
@pytest.mark.parametrize("speeds", [(400, 150), (390, 390)])
@pytest.mark.parametrize("pause", [-0.4, -0.3, -0.2, -0.1, 0.0, 0.2])
def test_who_goes_out_is_not_carried_on_by_who_comes_in_though_the_edge_cuts_both(
    fps: int, speeds: tuple[int, int], pause: float
) -> None:
    """speeds: out and in, pixels a second."""
    tracker, started = Tracker(TrackingConfig()), list[int]()
    for k in range(5 * fps):
        at = k / fps - 2  # the one is out wholly at 0, and then the other begins to come in
        going, coming = Face(-30 - speeds[0] * at), Face(-32 + speeds[1] * (at - pause), 212, 64)
        faces = [coming] if overlap(going.box, coming.box) > 0.4 else [going, coming]
        started += tracker.update(as_boxed(faces), k / fps, PICTURE).started
    assert started == [1, 2]


@pytest.mark.parametrize("fps", [5, 10, 25])
def test_who_sways_on_the_edge_half_cut_by_it_stays_the_same(fps: int) -> None:
    tracker, started = Tracker(TrackingConfig()), list[int]()
    for k in range(10 * fps):
        at = k / fps
        face = Face(60 - 40 * min(at, 1) + 20 * math.sin(2 * at), 200)
        started += tracker.update(as_boxed([face]), at, PICTURE).started
    assert started == [1]
