"""A program that keeps what happens until it is killed: `python -m tests.store_victims URL JOURNAL`.

For each line that it reads it starts a child, names its process id, and waits until somebody has killed it. A child
notes in the journal whatever it hands over, before it does. It begins with the last events of the one before, as a
sender does that does not know what has arrived.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streamer.store.database import Database
from streamer.types import Event, EventKind, OccupancyMinute
from tests.stores import NOON, Story, Writing, live

__all__ = ["MINUTE", "PEOPLE", "Told", "journal_of"]

MINUTE = "minute"
PEOPLE = 1.5
"""The mean of every minute."""

_AGAIN = 400  # notes whose events are told once more: of more time than there is between two transactions
_PAUSE = 0.01  # s between two visits
_STEP = 10  # pauses between two events of a visit


@dataclass(frozen=True, slots=True)
class Told:
    """What was handed over. of: the visit's key; of a minute, the session.

    at: UTC s, of the event and of the note. since: when the visit or stay began that ends with it; of a minute, itself.
    """

    kind: str
    of: str
    at: float
    since: float

    @classmethod
    def now(cls, kind: str, of: str, since: float = 0.0) -> Told:
        """At this moment."""
        return cls(kind, of, round(time.time(), 3), since)

    @classmethod
    def read(cls, note: str) -> Told:
        """From the journal."""
        kind, of, at, since = note.split()
        return cls(kind, of, float(at), float(since))

    @property
    def note(self) -> str:
        """For the journal."""
        return f"{self.kind} {self.of} {self.at:.3f} {self.since:.3f}\n"

    @property
    def event(self) -> Event:
        """The same one each time, with the same key."""
        visit = Story(self.of)
        match self.kind:
            case EventKind.VISIT_STARTED:
                return visit.starts(self.at)
            case EventKind.LINE_CROSSED:
                return visit.crosses(self.at)
            case EventKind.ZONE_ENTERED:
                return visit.enters(self.at)
            case EventKind.ZONE_LEFT:
                return visit.leaves(self.at, self.since)
            case _:
                return visit.ends(self.at, self.since)


def journal_of(file: Path) -> list[Told]:
    """All that was handed over so far, whoever was killed meanwhile."""
    return [Told.read(note) for note in file.read_text().splitlines()] if file.exists() else []


def main() -> None:
    """Until standard input ends."""
    url, journal = sys.argv[1], Path(sys.argv[2])
    for cycle, _ in enumerate(sys.stdin):
        child = os.fork()
        if child == 0:
            _live(url, journal, cycle)
        print(child, flush=True)
        os.waitpid(child, 0)
        print("dead", flush=True)


def _live(url: str, journal: Path, cycle: int) -> None:
    again = [told.event for told in journal_of(journal)[-_AGAIN:] if told.kind != MINUTE]
    notes = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    here = Writing(Database(url), session=f"run{cycle}")
    here.writer.start()
    here.writer.status(live("door", time.time()))
    for event in again:
        here.writer.event(event)
    pause = threading.Event()
    resting: deque[list[Iterator[Told]]] = deque([] for _ in range(_STEP))
    for number in itertools.count():
        walking = [_visitor(f"c{cycle}-{number}"), *resting.popleft()]
        resting.append([visitor for visitor in walking if _go_on(visitor, here, notes)])
        minute = Told.now(MINUTE, f"run{cycle}", NOON + 60 * number)
        os.write(notes, minute.note.encode())
        for _ in range(2):  # as a writer does that was refused a transaction which was made
            here.writer.minute(OccupancyMinute("door", "", int(minute.since), PEOPLE, 2, 60.0))
        pause.wait(_PAUSE)


def _visitor(key: str) -> Iterator[Told]:
    """A visit as it happens: it crosses a line, and stays in a zone."""
    began = Told.now(EventKind.VISIT_STARTED, key)
    yield began
    yield Told.now(EventKind.LINE_CROSSED, key)
    entered = Told.now(EventKind.ZONE_ENTERED, key)
    yield entered
    yield Told.now(EventKind.ZONE_LEFT, key, entered.at)
    yield Told.now(EventKind.VISIT_ENDED, key, began.at)


def _go_on(visitor: Iterator[Told], here: Writing, notes: int) -> bool:
    """Hand over what happens next; whether anything did."""
    told = next(visitor, None)
    if told is None:
        return False
    os.write(notes, told.note.encode())
    here.writer.event(told.event)
    return True


if __name__ == "__main__":
    main()
