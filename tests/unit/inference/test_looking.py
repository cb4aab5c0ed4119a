"""What changes in a picture, and what is guessed ahead of the decision."""

from __future__ import annotations

import numpy as np
import pytest

from streamer.inference.looking import Glimpse, Looking
from streamer.pictures.picture import ArrayPicture, Pixels
from streamer.tracking.look_schedule import Sighting
from tests.unit.tracking.test_look_schedule import gaps

SIZE = (640, 360)
NO_FACES = np.zeros((0, 4), np.float32)


def picture(*people: tuple[int, int, int, int]) -> Pixels:
    """A grey room with people in it, as light rectangles x0 y0 x1 y1."""
    pixels = np.full((360, 640, 3), 90, np.uint8)
    for x0, y0, x1, y1 in people:
        pixels[y0:y1, x0:x1] = 200
    return pixels


class Camera:
    """Frames at 25 a second, each guessed about first, then decided on, as the pipeline does."""

    def __init__(self, interval: float | None = None) -> None:
        self.looking = Looking(interval)
        self.guessed: list[float] = []
        self.looked: list[float] = []
        self._at = 0.0

    def see(self, pixels: Pixels, *, frames: int = 1, sighting: Sighting | None = None, ahead: int = 0) -> None:
        """ahead: frames by which guesses run ahead of decisions."""
        glimpse = self.looking.glimpse(ArrayPicture(pixels))
        times = [round(self._at + k / 25, 2) for k in range(frames)]
        guessed = self._guess(times[:ahead])
        for k, at in enumerate(times):
            guessed += self._guess(times[k + ahead : k + ahead + 1])
            self._decide(at, glimpse, sighting or Sighting())
        self._at = round(times[-1] + 0.04, 2)
        self.guessed += guessed

    def _guess(self, times: list[float]) -> list[float]:
        return [at for at in times if self.looking.guess(at)]

    def _decide(self, at: float, glimpse: Glimpse | None, sighting: Sighting) -> None:
        if self.looking.due(at, glimpse, NO_FACES, SIZE, at_least=0.0):
            self.looking.looked(at, glimpse, sighting)
            self.looked.append(at)


@pytest.mark.parametrize("ahead", [0, 4])
def test_guesses_are_right_while_nothing_new_happens(ahead: int) -> None:
    camera = Camera()
    camera.see(picture(), frames=100)
    camera.see(picture(), frames=500, ahead=ahead)
    assert set(gaps(camera.looked)[10:]) == {0.2}
    assert set(camera.guessed[-20:]) == set(camera.looked[-20:])


def test_every_frame_is_guessed_where_every_frame_is_looked_at() -> None:
    camera = Camera(0.0)
    camera.see(picture(), frames=50, ahead=4)
    assert len(camera.guessed) == len(camera.looked) == 50


def test_somebody_who_steps_in_is_looked_for_at_once_and_guesses_follow() -> None:
    camera = Camera()
    camera.see(picture(), frames=101)
    camera.see(picture((300, 100, 380, 330)), frames=1)
    assert camera.looked[-2:] == [3.88, 4.04]  # 4.08 would have been next
    camera.see(picture((300, 100, 380, 330)), frames=200)
    assert set(camera.guessed[-10:]) == set(camera.looked[-10:])


@pytest.mark.parametrize(
    ("known", "looked_at"),
    [([], True), ([(300, 100, 360, 180)], False)],
)
def test_what_moves_is_a_reason_to_look_unless_it_is_a_known_face(
    known: list[tuple[int, int, int, int]], looked_at: bool
) -> None:
    looking, faces = Looking(None), np.array(known, np.float32).reshape(-1, 4)
    before, now = (looking.glimpse(ArrayPicture(picture((x, 100, x + 60, 180)))) for x in (300, 330))
    for k in range(101):  # looks are five frames apart by then, the next is due in frame 102
        if looking.due(k / 25, before, faces, SIZE, at_least=0.0):
            looking.looked(k / 25, before, Sighting())
    assert looking.due(101 / 25, now, faces, SIZE, at_least=0.0) is looked_at


def test_guesses_go_on_after_the_clock_was_set_back() -> None:
    looking = Looking(0.1)
    assert looking.guess(1000.0)
    assert looking.due(1000.0, None, NO_FACES, SIZE, at_least=0.0)
    looking.looked(1000.0, None, Sighting())
    assert looking.due(1.0, None, NO_FACES, SIZE, at_least=0.0)
    looking.looked(1.0, None, Sighting())
    assert looking.guess(1.2)
