"""One database: opened, brought to the newest tables, written in whole transactions, read within a time limit."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from streamer.errors import ConfigError, StoreError
from streamer.private_files import keep_sqlite_private, make_private
from streamer.redaction import redact, register_secret
from streamer.store.tables import metadata

__all__ = ["Database", "migrate"]

_MIGRATIONS = Path(__file__).parent / "migrations"
# For others that write, and for a server that answers nothing: what waits longer is told as a problem within 5 s
_LOCK_SECONDS = 2
_REWRITE_LOCK_SECONDS = 10  # longer than an answer may take; who waits for a table holds up all that come after
_LOCK = 7_331_001  # names, in PostgreSQL, the lock of those who write: sums of an hour are made by one at a time
_INSTRUCTIONS = 20_000  # of SQLite between two looks at the clock: some milliseconds


class Database:
    """SQLite or PostgreSQL behind a URL. Any thread may use it; SQLite lets one write at a time, others wait.

    file: SQLite's; None for PostgreSQL.
    """

    def __init__(self, url: str) -> None:
        """Connects to nothing yet. Raises ConfigError: the URL can't be understood, or a package is missing."""
        self._url = _parse(url)
        if self._url.password:
            register_secret(str(self._url.password))
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self.file = Path(self._url.database or "") if self.is_sqlite else None
        self.shown = redact(str(self.file or self._url.render_as_string(hide_password=True)))
        self._opened_file: tuple[int, int] | None = None
        self._opening = threading.Lock()
        self._ready = False
        self._writer = self._engine(writes=True)
        self._reader = self._engine(writes=False)

    def open(self) -> None:
        """Make the tables, or bring them up to date; does nothing when that was done. Raises StoreError."""
        with self._opening:
            if self._ready:
                return
            self._make_file()
            with self._told(), self._writer.begin() as connection:
                if not self.is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                migrate(connection)
            if self.file is not None:
                keep_sqlite_private(self.file)
            self._opened_file = self._which_file()
            self._ready = True

    def close(self) -> None:
        """Let go of all connections; the next use connects anew."""
        with self._opening:
            self._ready = False
            self._reader.dispose()
            self._writer.dispose()  # last, as it may tidy up SQLite's log

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it is kept, or nothing. Raises StoreError where the database can't do it for now.

        Errors that say that a row is wrong pass as they are.
        """
        self._check_file()
        self.open()
        with self._told(), self._writer.begin() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield connection

    @contextlib.contextmanager
    def read(self, seconds: float) -> Iterator[Connection]:
        """What is there at one moment, without holding up who writes.

        Raises StoreError: not to be had for now, or the queries took longer than so many seconds.
        """
        if not self._ready:
            raise StoreError(f"{self.shown}: can't be read now; the log says why")
        deadline = time.monotonic() + seconds
        with self._told(), self._reader.begin() as connection:
            if self.is_sqlite:
                raw: Any = connection.connection.driver_connection
                raw.set_progress_handler(lambda: time.monotonic() > deadline, _INSTRUCTIONS)
            else:
                connection.execute(text(f"SET LOCAL statement_timeout = {max(1, round(seconds * 1000))}"))
            try:
                yield connection
            except DBAPIError as error:
                if time.monotonic() >= deadline:
                    raise StoreError(
                        f"no answer within {seconds:g} s: ask for a shorter time, or longer buckets"
                    ) from error
                raise
            finally:
                if self.is_sqlite:
                    raw.set_progress_handler(None, 0)

    def shrink(self, *, rewrite: bool = False) -> None:
        """Give the room of deleted rows back to the system. Raises StoreError.

        PostgreSQL keeps most of it for rows to come, unless it may `rewrite` the tables, one after the other: as long
        as that takes, nobody can read or write that table.
        """
        with self._told(), self._writer.connect() as connection:
            outside = connection.execution_options(isolation_level="AUTOCOMMIT")
            if self.is_sqlite:
                raw: Any = connection.connection.driver_connection
                raw.executescript("PRAGMA incremental_vacuum")  # `execute` would end after the first page
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            elif rewrite:
                outside.execute(text(f"SET lock_timeout = '{_REWRITE_LOCK_SECONDS}s'"))
                try:
                    for table in metadata.sorted_tables:
                        outside.execute(text(f"VACUUM FULL {table.name}"))
                finally:
                    outside.execute(text("RESET lock_timeout"))
            else:
                outside.execute(text("VACUUM"))

    def _engine(self, *, writes: bool) -> Engine:
        if not self.is_sqlite:
            arguments: dict[str, Any] = {"connect_timeout": _LOCK_SECONDS, "application_name": "streamer"}
            arguments |= {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2}
            arguments |= {"tcp_user_timeout": _LOCK_SECONDS * 1000}
            if writes:
                arguments["options"] = f"-c lock_timeout={_LOCK_SECONDS}s"
            return create_engine(self._url, connect_args=arguments, pool_size=4, pool_pre_ping=True)
        engine = create_engine(self._url, connect_args={"timeout": _LOCK_SECONDS}, pool_size=4)
        _set_up_sqlite(engine, writes=writes)
        return engine

    def _make_file(self) -> None:
        if self.file is None:
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self.shown}: its folder can't be made: {error.strerror}") from None
        make_private(self.file)

    def _which_file(self) -> tuple[int, int] | None:
        """Which file lies under SQLite's path."""
        if self.file is None:
            return None
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _check_file(self) -> None:
        """SQLite goes on writing into a file that has been removed, and nobody would find it again."""
        if self._ready and self._which_file() != self._opened_file:
            self.close()
            raise StoreError(f"{self.shown}: the file was removed or replaced while in use; a new start is made")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turns what a database can't do into StoreError, without secrets."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error, CommandError) as error:
            if isinstance(error, DBAPIError) and _is_of_a_row(error):
                raise
            cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
            why = redact(" ".join(str(cause).split())) or type(cause).__name__
            raise StoreError(f"{self.shown}: {why}") from error


def _is_of_a_row(error: DBAPIError) -> bool:
    from sqlalchemy.exc import DataError, IntegrityError

    return isinstance(error, (DataError, IntegrityError))


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ConfigError("store.url: not a database's address: sqlite:///FILE or postgresql://…") from None
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database:
        return parsed.set(drivername="sqlite+pysqlite")
    if backend == "postgresql":
        try:
            import psycopg  # noqa: F401 - only whether it is there
        except ImportError:
            raise ConfigError(
                "store.url: PostgreSQL needs the package psycopg: pip install 'psycopg[binary]'"
            ) from None
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(f"store.url: {backend} can't be used: sqlite:///FILE or postgresql://…")


def _set_up_sqlite(engine: Engine, *, writes: bool) -> None:
    @event.listens_for(engine, "connect")
    def _connected(raw: sqlite3.Connection, _: object) -> None:
        raw.isolation_level = None  # transactions begin where SQLAlchemy begins them, not at the first change
        if not writes:
            raw.execute("PRAGMA query_only = ON")
            return
        raw.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file only
        raw.execute("PRAGMA journal_mode = WAL").fetchall()
        raw.execute("PRAGMA wal_autocheckpoint = 100")  # pages: the log stays small, also on a small disk
        raw.execute("PRAGMA synchronous = FULL")  # committed is committed, also when the power fails
        raw.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def migrate(connection: Connection, version: str = "head") -> None:
    """To the newest tables, or those of a version. Raises StoreError when they are newer than this program."""
    script = ScriptDirectory(str(_MIGRATIONS))
    known = {step.revision for step in script.walk_revisions()}
    current = MigrationContext.configure(connection).get_current_revision()
    if current == script.get_current_head():
        return
    if current is not None and current not in known:
        raise StoreError(
            f"the database has tables of a newer streamer (version {current}): install that, or a later one"
        )
    config = AlembicConfig()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, version)
