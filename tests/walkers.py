"""A hundred people with a known truth: how they walk across a picture with a line in it, and what a detector says.

Faces of different sizes walk at different speeds in both directions, in lanes that cross, nearer ones before farther
ones. Most pass the line; some turn round before it or behind it, some stop on it, sway, and go on or back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from streamer.analytics.rules import Line, Rules, Zone
from streamer.config import TrackingConfig
from streamer.inference.pipeline import CameraPipeline, Found
from streamer.monitoring.metrics import Metrics
from streamer.pictures.picture import ArrayPicture
from streamer.types import Detections, Event, EventKind, Frame
from tests.scripted import FRONTAL, ScriptedDetector, go_on

__all__ = [
    "HEIGHT",
    "RULES",
    "WIDTH",
    "Counted",
    "Noise",
    "Passed",
    "Place",
    "Walker",
    "count",
    "made_up",
    "make_walkers",
]

WIDTH, HEIGHT = 1280, 720  # pixels
LINE_X = WIDTH / 2
HALL = Zone("right half", ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)))
RULES = Rules((Line("gate", (0.5, 1.0), (0.5, 0.0)),), (HALL,))

Kind = Literal["passes", "turns before", "turns behind", "waits and passes", "waits and turns"]
KINDS: tuple[tuple[Kind, float], ...] = (
    ("passes", 0.7),
    ("turns before", 0.1),
    ("turns behind", 0.1),
    ("waits and passes", 0.05),
    ("waits and turns", 0.05),
)
HIDDEN = 0.4  # part of a face behind a nearer one from which on it isn't found
SWAY = 0.2  # face sizes to either side, of who stands


class Place(NamedTuple):
    """Where a face is: centre and size, pixels."""

    x: float
    y: float
    size: float


class Passed(NamedTuple):
    """A true crossing. It happened between these times, s."""

    direction: Literal["in", "out"]
    earliest: float
    latest: float


@dataclass(frozen=True)
class Walker:
    """One person. way: (time, x, y) to go by, straight from each to the next; s and pixels."""

    kind: Kind
    size: float
    way: tuple[tuple[float, float, float], ...]
    crossings: tuple[Passed, ...]
    phase: float  # of sway and step, radians

    def at(self, time: float) -> Place | None:
        """Where the face is; None: not in the scene."""
        if not self.way[0][0] <= time <= self.way[-1][0]:
            return None
        times, xs, ys = zip(*self.way, strict=True)
        x, y = float(np.interp(time, times, xs)), float(np.interp(time, times, ys))
        stands = any(a[0] <= time <= b[0] and a[1] == b[1] for a, b in pairwise(self.way))
        if stands:
            x += SWAY * self.size * math.sin(2.0 * time + self.phase)
        return Place(x, y + 0.05 * self.size * math.sin(12.0 * time + self.phase), self.size)


def make_walkers(seed: int, number: int = 100, *, apart: float = 0.6) -> list[Walker]:
    """The people of a scene. apart: s between one's coming and the next's, in the mean."""
    chance = np.random.default_rng(seed)
    walkers, start = [], 0.5
    kinds, shares = zip(*KINDS, strict=True)
    for _ in range(number):
        kind = kinds[int(chance.choice(len(kinds), p=shares))]
        walkers.append(_make_walker(kind, start, chance))
        start += float(chance.exponential(apart))
    return walkers


def _make_walker(kind: Kind, start: float, chance: np.random.Generator) -> Walker:
    size = float(chance.uniform(40, 110))
    # who turns or stops is not in a hurry
    speed = size * float(chance.uniform(2.0, 8.0 if kind == "passes" else 4.0))
    to_right = bool(chance.integers(2))
    sign = 1 if to_right else -1
    begin, far = (-size, WIDTH + size) if to_right else (WIDTH + size, -size)
    beyond = float(chance.uniform(1.2, 3.0)) * size  # how far from the line they turn
    y, drift = (
        HEIGHT * (0.15 + 0.5 * (size - 40) / 70) + float(chance.uniform(0, 0.2)) * HEIGHT,
        chance.uniform(-80, 80),
    )
    ways: dict[Kind, tuple[tuple[float, float], ...]] = {  # x to go by, and s to wait there
        "passes": ((far, 0.0),),
        "turns before": ((LINE_X - sign * beyond, 0.5), (begin, 0.0)),
        "turns behind": ((LINE_X + sign * beyond, 0.5), (begin, 0.0)),
        "waits and passes": ((LINE_X + 0.1 * size, float(chance.uniform(1, 4))), (far, 0.0)),
        "waits and turns": ((LINE_X - 0.1 * size, float(chance.uniform(1, 4))), (begin, 0.0)),
    }
    way, time, x, crossings = [(start, begin, y)], start, begin, list[Passed]()
    for x_next, wait in ways[kind]:
        if kind == "waits and passes" and wait:
            arrival = time + abs(x_next - x) / speed
            crossings.append(Passed("in" if to_right else "out", arrival - 1.0, arrival + wait + 1.0))
        elif not kind.startswith("waits") and (x - LINE_X) * (x_next - LINE_X) < 0:
            passed = time + abs(LINE_X - x) / speed
            crossings.append(Passed("in" if x_next > x else "out", passed, passed))
        time += abs(x_next - x) / speed
        share = (time - start) * speed / WIDTH
        way.append((time, x_next, y + drift * share))
        if wait:
            time += wait
            way.append((time, x_next, y + drift * share))
        x = x_next
    return Walker(kind, size, tuple(way), tuple(crossings), float(chance.uniform(0, 2 * math.pi)))


@dataclass(frozen=True)
class Noise:
    """What a detector adds to the truth, assumed: standard deviations in parts of the face's size.

    Somewhat more than the tracker's own motion model has for measured detections.
    """

    place: float = 0.03
    log_size: float = 0.04
    score: float = 0.85
    score_spread: float = 0.05
    missed: float = 0.01  # of faces in full sight


def visible(walkers: Sequence[Walker], time: float) -> list[Place]:
    """The faces that can be found at a time: whole in the picture, and not behind a nearer one."""
    places = sorted((place for walker in walkers if (place := walker.at(time))), key=lambda place: -place.size)
    return [
        place
        for i, place in enumerate(places)
        if place.size / 2 <= place.x <= WIDTH - place.size / 2
        and all(_hidden(place, nearer) < HIDDEN for nearer in places[:i])
    ]


def _hidden(face: Place, nearer: Place) -> float:
    """The part of a face's box that a nearer one covers."""
    reach = (face.size + nearer.size) / 2
    across = min(face.size, max(0.0, reach - abs(face.x - nearer.x)))
    down = min(face.size, max(0.0, reach - abs(face.y - nearer.y)))
    return across * down / face.size**2


def found(places: Sequence[Place], noise: Noise, chance: np.random.Generator) -> Detections:
    """What a detector with this noise says of these faces."""
    rows, scores, landmarks = [], [], []
    for place in places:
        if chance.random() < noise.missed:
            continue
        size = place.size * math.exp(chance.normal(0, noise.log_size))
        x, y = (c + place.size * chance.normal(0, noise.place) for c in (place.x, place.y))
        rows.append((x - size / 2, y - size / 2, x + size / 2, y + size / 2))
        scores.append(min(1.0, max(0.3, chance.normal(noise.score, noise.score_spread))))
        landmarks.append((x - size / 2, y - size / 2) + FRONTAL * size + chance.normal(0, 0.02 * size, (5, 2)))
    n = len(rows)
    return Detections(
        np.array(rows, np.float32).reshape(n, 4),
        np.array(scores, np.float32),
        np.array(landmarks, np.float32).reshape(n, 5, 2),
    )


@dataclass(frozen=True)
class Counted:
    """What was counted, beside the truth. missed, phantom: crossings, told from each other by time and direction."""

    crossings: int
    crossings_true: int
    missed: int
    phantom: int
    visits: int
    visits_true: int
    events: tuple[Event, ...]

    @property
    def error(self) -> float:
        """Missed and phantom crossings, in parts of the true ones."""
        return (self.missed + self.phantom) / self.crossings_true


def count(
    walkers: Sequence[Walker], looks: Iterable[tuple[float, Detections]], *, confirm_score: float = 0.8
) -> Counted:
    """Run what was found, frame by frame (time in s, faces), through the pipeline of one camera."""
    events: list[Event] = []
    detector = ScriptedDetector()
    detector.confirm_score = confirm_score
    pipeline = CameraPipeline(
        "scene",
        detector=detector,
        attributes=None,
        tracking=TrackingConfig(),
        metrics=Metrics(),
        deliver=lambda _frame, result, _faces: events.extend(result.events),
        rules=RULES,
    )
    picture = ArrayPicture(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    for seq, (at, detections) in enumerate(looks):
        go_on(pipeline, Found(Frame("scene", seq, at, at, at, picture), detections, {}))
    events += pipeline.close().events
    return _compare(walkers, events)


def _compare(walkers: Sequence[Walker], events: list[Event]) -> Counted:
    told = [event for event in events if event.kind is EventKind.LINE_CROSSED]
    true = sorted((c for walker in walkers for c in walker.crossings), key=lambda c: c.latest)
    left, missed = list(told), 0
    for crossing in true:
        fits = [
            event
            for event in left
            if event.direction == crossing.direction and crossing.earliest - 0.5 <= event.at <= crossing.latest + 0.5
        ]
        if fits:
            left.remove(min(fits, key=lambda event: abs(event.at - (crossing.earliest + crossing.latest) / 2)))
        else:
            missed += 1
    visits = sum(event.kind is EventKind.VISIT_STARTED for event in events)
    return Counted(len(told), len(true), missed, len(left), visits, len(walkers), tuple(events))


def made_up(
    walkers: Sequence[Walker], *, fps: float, removed: float, noise: Noise, seed: int
) -> Iterator[tuple[float, Detections]]:
    """What a detector with this noise finds, so many times a second, with a share of it taken away."""
    chance = np.random.default_rng(seed)
    end = max(walker.way[-1][0] for walker in walkers) + 1.0
    for k in range(int(end * fps)):
        faces = found(visible(walkers, k / fps), noise, chance)
        yield k / fps, faces.select(chance.random(len(faces)) >= removed)
