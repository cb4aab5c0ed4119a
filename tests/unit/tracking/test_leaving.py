"""The edge of the picture: who goes out there, and who comes in."""

from __future__ import annotations

import pytest

from streamer.tracking.leaving import gone, turned_back
from streamer.tracking.motion import Box, BoxMotion, TimeStep, measure
from tests.unit.tracking.scenes import Face

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


def test_each_track_is_judged_with_each_face() -> None:
    tracks = [walked(Face(10), (-200, 0)), walked(Face(600), (-200, 0)), walked(Face(1270), (200, 0))]
    faces = [Face(40).box, Face(10).box]
    assert turned_back(tracks, faces, PICTURE).tolist() == [[True, False], [False, False], [True, False]]
    assert turned_back([], faces, PICTURE).shape == (0, 2)
    assert turned_back(tracks, [], PICTURE).shape == (3, 0)


@pytest.mark.parametrize(
    ("face", "left"),
    [(Face(-29), False), (Face(-31), True), (Face(1311), True), (Face(5, -31), True), (Face(5, 751), True)],
)
def test_gone_is_who_is_out_of_the_picture_wholly(face: Face, left: bool) -> None:
    assert gone(face.box, PICTURE) is left
