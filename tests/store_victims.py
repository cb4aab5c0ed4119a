"""A program that keeps events until it is killed: `python -m tests.store_victims URL JOURNAL`.

For each line that it reads it starts a child, names its process id, and waits until somebody has killed it. A child
notes each event in the journal (UTC s, key) before it hands it over. It begins with the last events of the one before,
as a sender does that does not know what has arrived.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from streamer.store.database import Database
from tests.stores import Story, Writing, live

_AGAIN = 40  # events that are told once more
_PAUSE = 0.004  # s between two visits


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
    before = [line.split() for line in journal.read_text().splitlines()[-_AGAIN:]] if journal.exists() else []
    note = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    here = Writing(Database(url), session=f"run{cycle}")
    here.writer.start()
    here.writer.status(live("door", time.time()))
    for at, visit in before:
        here.writer.event(Story(visit).starts(float(at)))
    pause = threading.Event()
    number = 0
    while not pause.wait(_PAUSE):
        at, visit = f"{time.time():.3f}", f"c{cycle}-{number}"
        os.write(note, f"{at} {visit}\n".encode())
        here.writer.event(Story(visit).starts(float(at)))
        number += 1


if __name__ == "__main__":
    main()
