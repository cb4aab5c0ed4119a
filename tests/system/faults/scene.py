"""The demo scene as a yardstick: who passes in it, how long they stay in a part of it, and what is told of that."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from streamer.capture.demo import MATERIAL, demo_scene
from streamer.client import EventMessage, connect
from tests.system.faults.figures import Figure
from tests.system.program import Program, eventually
from tests.weights import model_store, weights

__all__ = ["PEOPLE", "ROUND", "ZONE", "Heard", "Told", "scene", "visits_and_stays"]

PEOPLE: Final = 7
ROUND: Final = 25.6
"""s after which the scene begins anew. In each, everybody leaves the picture once, and comes in again."""
_SPEED = 2 * 25 / 1280  # of everybody, widths of the picture a second
_WIDTH = 0.2
ZONE: Final = {"name": "strip", "points": [[0.15, 0.5], [0.15 + _WIDTH, 0.5], [0.15 + _WIDTH, 1.0], [0.15, 1.0]]}
"""In the lower half, which is a photograph: nobody in it moves but with all the others."""
_STAY = _WIDTH / _SPEED  # s that each of the five there stays in the zone
_AFTER = 0.5  # s from the beginning of a visit on; who comes into a zone later was outside before


def scene() -> Path:
    """The demo scene as a file; without its material the test is skipped."""
    for name in MATERIAL:
        weights(name)
    return demo_scene(model_store())


class Heard(NamedTuple):
    """An event. at: when it was heard, on the monotonic clock."""

    at: float
    event: EventMessage


class Told:
    """Hears all events of a program while the context is open."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._stopping = threading.Event()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()), name="told")
        self._lock = threading.Lock()
        self._heard: list[Heard] = []
        self.since = 0.0
        """When it began to listen, on the monotonic clock."""

    @property
    def heard(self) -> list[Heard]:
        """All so far."""
        with self._lock:
            return list(self._heard)

    @property
    def keys(self) -> list[str]:
        """Of the events so far."""
        return [heard.event.key for heard in self.heard]

    async def _listen(self) -> None:
        async with connect(self._program.url, events="*") as stream:
            async for message in stream:
                self._listening.set()
                if isinstance(message, EventMessage):
                    with self._lock:
                        self._heard.append(Heard(time.monotonic(), message))
                if self._stopping.is_set():
                    return

    def __enter__(self) -> Self:
        self._thread.start()
        eventually("it listens", self._listening.is_set, 15)
        self.since = time.monotonic()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()  # seen with the next message
        self._thread.join(15)


def visits_and_stays(fault: str, told: Told, camera: str, begin: float) -> list[Figure]:
    """What was told of one round of the scene, against what is in it.

    begin: of the round, on the monotonic clock; all who are in the picture then must have been told of before. The zone
    is looked at from the beginning of listening to the end of the round.
    """
    heard = [each for each in told.heard if each.event.camera == camera and each.at < begin + ROUND]
    visits = sum(each.event.kind == "visit_started" and each.at >= begin for each in heard)
    stays = _stays(heard, told.since)
    return [
        Figure.at_most(fault, "visits too many or too few", 100 * abs(visits - PEOPLE) / PEOPLE, 15, "%"),
        Figure.at_least(fault, "stays in a zone", len(stays), 1, ""),
        Figure.at_most(fault, "most that a stay is wrong", max((abs(stay - _STAY) for stay in stays), default=0), 0.5),
    ]


def _stays(heard: list[Heard], since: float) -> list[float]:
    """Seconds in the zone, as told, of those who came in from outside it. since: listened from then on."""
    seen, stays = {}, []
    outside = set()
    for at, event in heard:
        if event.kind == "visit_started":
            seen[event.visit] = at
        elif event.kind == "zone_entered" and at > seen.get(event.visit, since) + _AFTER:
            outside.add(event.visit)
        elif event.kind == "zone_left" and event.visit in outside:
            outside.discard(event.visit)
            stays.append(float(event.data["dwell"]))
    return stays
