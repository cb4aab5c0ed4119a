"""Events that wait for their receivers, in a file: what is in it is there after a crash."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from streamer.errors import StoreError
from streamer.private_files import keep_sqlite_private, make_private

__all__ = ["Delivery", "Outbox"]

_LAYOUT = 1
_TABLE = """
CREATE TABLE IF NOT EXISTS deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  target TEXT NOT NULL,
  key TEXT NOT NULL,
  body BLOB NOT NULL,
  UNIQUE (target, key)
)
"""


class Delivery(NamedTuple):
    """One event for one target. key: the event's. body: what is sent."""

    id: int
    target: str
    key: str
    body: bytes


class Outbox:
    """A queue for each target, in one SQLite file that this process has to itself. Not for two threads at a time.

    What `put` has returned from is kept when the process is killed; a power failure may cost the last moments.
    Every method but `close` raises StoreError when the file can't be read or written, as on a full disk.
    """

    def __init__(self, path: Path, capacities: Mapping[str, int]) -> None:
        """capacities: the deliveries that may wait, by target. What waits for any other target is thrown away.

        Raises StoreError also when another process uses the file.
        """
        self._path = path
        self._capacities = dict(capacities)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            make_private(path)
            self._database = sqlite3.connect(path, timeout=0.5, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from None
        try:
            self._open()
            keep_sqlite_private(path)
        except sqlite3.Error as error:
            self._database.close()
            raise self._error(error) from None
        except StoreError:
            self._database.close()
            raise

    def _open(self) -> None:
        database = self._database
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")  # enough against a crash of the process
        layout = database.execute("PRAGMA user_version").fetchone()[0]
        if layout > _LAYOUT:
            raise StoreError(
                f"webhooks.queue_file: {self._path} was written by a newer version of streamer: "
                "run that one, or name another file"
            )
        with self._transaction():
            database.execute(_TABLE)
            database.execute(f"PRAGMA user_version = {_LAYOUT}")
            marks = ",".join("?" * len(self._capacities))
            database.execute(f"DELETE FROM deliveries WHERE target NOT IN ({marks})", tuple(self._capacities))  # noqa: S608 - marks only
        rows = database.execute("SELECT target, count(*) FROM deliveries GROUP BY target").fetchall()
        self._waiting = dict.fromkeys(self._capacities, 0) | dict(rows)

    def waiting(self, target: str) -> int:
        """How many deliveries wait for a target."""
        return self._waiting[target]

    def put(self, deliveries: Iterable[tuple[str, str, bytes]]) -> dict[str, int]:
        """Add deliveries, as target, key and body, all or none; one that waits already is not added again.

        Returns how many of the oldest had to go to make room, by target.
        """
        waiting, dropped = dict(self._waiting), {}
        try:
            with self._transaction():
                for target, key, body in deliveries:
                    added = self._database.execute(
                        "INSERT OR IGNORE INTO deliveries (target, key, body) VALUES (?, ?, ?)", (target, key, body)
                    )
                    waiting[target] += added.rowcount
                for target, capacity in self._capacities.items():
                    if (excess := waiting[target] - capacity) > 0:
                        self._drop_oldest(target, excess)
                        waiting[target] -= excess
                        dropped[target] = excess
        except sqlite3.Error as error:
            raise self._error(error) from None
        self._waiting = waiting
        return dropped

    def _drop_oldest(self, target: str, count: int) -> None:
        self._database.execute(
            "DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE target = ? ORDER BY id LIMIT ?)",
            (target, count),
        )

    def first(self, target: str) -> Delivery | None:
        """What has waited longest for a target."""
        try:
            row = self._database.execute(
                "SELECT id, target, key, body FROM deliveries WHERE target = ? ORDER BY id LIMIT 1", (target,)
            ).fetchone()
        except sqlite3.Error as error:
            raise self._error(error) from None
        return None if row is None else Delivery(*row)

    def remove(self, delivery: Delivery) -> None:
        """A delivery waits no more; nothing happens if it had to make room meanwhile."""
        try:
            gone = self._database.execute("DELETE FROM deliveries WHERE id = ?", (delivery.id,)).rowcount
        except sqlite3.Error as error:
            raise self._error(error) from None
        self._waiting[delivery.target] -= gone

    def close(self) -> None:
        """What waits stays in the file."""
        self._database.close()

    def _transaction(self) -> _Transaction:
        return _Transaction(self._database)

    def _error(self, error: Exception) -> StoreError:
        why = str(error)
        if "locked" in why:
            why = "another process uses it; each streamer needs a file of its own"
        elif "not a database" in why or "malformed" in why:
            why = "damaged, or no queue of streamer's: move it away"
        return StoreError(f"webhooks.queue_file: {self._path}: {why}")


class _Transaction:
    """Commits at its end, or rolls back where the block or the commit fails."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        try:
            if kind is None:
                self._database.execute("COMMIT")
        finally:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
