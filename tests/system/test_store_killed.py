"""`kill -9` while events flow: what was committed stays, nothing comes twice, and at most some seconds are gone."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.program import eventually

pytestmark = pytest.mark.system

CYCLES = 50
LONG = 7  # the cycle that lives long enough for five seconds to matter


@contextlib.contextmanager
def victims(url: str, journal: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store_victims", url, str(journal)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process


def test_fifty_kills_lose_at_most_what_was_not_committed(tmp_path: Path) -> None:
    file, journal = tmp_path / "store.sqlite3", tmp_path / "journal"
    chance, pause = random.Random(9), threading.Event()
    seen: set[str] = set()
    longest_lost = 0.0
    with victims(f"sqlite:///{file}", journal) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for cycle in range(CYCLES):
            noted = journal.stat().st_size if journal.exists() else 0
            print("live", file=process.stdin, flush=True)
            child = int(process.stdout.readline())
            eventually("events flow", lambda size=noted: journal.exists() and journal.stat().st_size > size)  # type: ignore[misc]
            pause.wait(6.5 if cycle == LONG else chance.uniform(0.05, 1.1))
            os.kill(child, signal.SIGKILL)
            killed_at = time.time()
            assert process.stdout.readline() == "dead\n"
            kept, last_up = look(file)
            if any(key.startswith(f"c{cycle}-") for key in kept):
                assert not seen & still_open(file), "a visit of an earlier run is open still"
            assert seen <= kept, f"cycle {cycle} lost what had been committed: {sorted(seen - kept)[:5]}"
            seen = kept
            happened = {key: float(at) for at, key in (line.split() for line in journal.read_text().splitlines())}
            assert kept <= set(happened)
            lost = [killed_at - at for key, at in happened.items() if key not in kept and key.startswith(f"c{cycle}-")]
            longest_lost = max([longest_lost, *lost])
            if cycle == LONG:
                assert 0 <= killed_at - last_up / 1000 < 5
    assert 0 < longest_lost < 5
    assert len(seen) > 1000


def still_open(file: Path) -> set[str]:
    """The visits without an end."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return {key for (key,) in connection.execute("SELECT key FROM visits WHERE ended_at IS NULL")}


def look(file: Path) -> tuple[set[str], int]:
    """The visits that are kept, and until when the camera was up (ms)."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'hours'").fetchone()[0]
        if not tables:  # killed before it had made them
            return set(), 0
        keys = [key for (key,) in connection.execute("SELECT key FROM visits")]
        assert len(keys) == len(set(keys))
        assert connection.execute("SELECT coalesce(sum(count), 0) FROM hours").fetchone()[0] == len(keys)
        return set(keys), connection.execute("SELECT max(until) FROM uptime").fetchone()[0] or 0
