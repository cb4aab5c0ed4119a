"""Rows of the store as CSV or Parquet, written as they are read."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, Any, Final, Literal, Protocol

from sqlalchemy import BigInteger, Boolean, Connection, Double, Integer, Table, func, select

from streamer.errors import ConfigError
from streamer.store import tables
from streamer.store.csv_cells import as_cell

__all__ = ["EXPORTED", "Format", "count_rows", "export"]

Format = Literal["csv", "parquet"]

_AT_ONCE: Final = 10_000
# By which time, and which columns are times
EXPORTED: Final[Mapping[str, tuple[Table, str, tuple[str, ...]]]] = {
    "visits": (tables.visits, "started_at", ("started_at", "ended_at")),
    "crossings": (tables.crossings, "at", ("at",)),
    "stays": (tables.stays, "entered_at", ("entered_at", "left_at")),
    "occupancy": (tables.occupancy, "minute", ("minute",)),
}
"""What can be exported."""


class _Writer(Protocol):
    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Some rows more."""


def count_rows(connection: Connection, what: str, begin: int, end: int, camera: str | None) -> int:
    """How many rows `export` would write."""
    counted = select(func.count()).select_from(EXPORTED[what][0]).where(*_within(what, begin, end, camera))
    return connection.scalars(counted).one()


def export(
    connection: Connection,
    what: str,
    *,
    begin: int,
    end: int,
    camera: str | None,
    form: Format,
    out: IO[bytes],
    progress: Callable[[int], None],
) -> None:
    """Write the rows from `begin` up to `end` (ms), in order of time.

    Times become ISO 8601 in CSV, and timestamps in Parquet; both are UTC. In CSV a text that a spreadsheet would run as
    a formula gets an apostrophe before it. Raises ConfigError: a package is missing.
    """
    table, at, times = EXPORTED[what]
    names = [column.name for column in table.columns if column.name != "id"]
    conditions = _within(what, begin, end, camera)
    statement = select(*(table.c[name] for name in names)).where(*conditions).order_by(table.c[at])
    with _open(form, out, table, names, times) as writer:
        rows = connection.execute(statement, execution_options={"yield_per": _AT_ONCE})
        for some in rows.mappings().partitions():
            writer.write([_with_times(dict(row), times) for row in some])
            progress(len(some))


def _within(what: str, begin: int, end: int, camera: str | None) -> list[Any]:
    table, at, _ = EXPORTED[what]
    return [table.c[at] >= begin, table.c[at] < end, *([] if camera is None else [table.c.camera == camera])]


def _with_times(row: dict[str, Any], times: Sequence[str]) -> dict[str, Any]:
    return row | {name: datetime.fromtimestamp(row[name] / 1000, UTC) for name in times if row[name] is not None}


@contextmanager
def _open(form: Format, out: IO[bytes], table: Table, names: Sequence[str], times: Sequence[str]) -> Iterator[_Writer]:
    if form == "csv":
        yield _CsvWriter(out, names, times)
        return
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise ConfigError("--format parquet needs the package pyarrow: pip install pyarrow") from None
    kinds = {BigInteger: pa.int64(), Integer: pa.int32(), Double: pa.float64(), Boolean: pa.bool_()}
    schema = pa.schema(
        (name, pa.timestamp("ms", tz="UTC") if name in times else kinds.get(type(table.c[name].type), pa.string()))
        for name in names
    )
    with pq.ParquetWriter(out, schema) as file:
        yield _ParquetWriter(lambda rows: file.write_table(pa.Table.from_pylist(rows, schema=schema)))


class _CsvWriter:
    def __init__(self, out: IO[bytes], names: Sequence[str], times: Sequence[str]) -> None:
        self._times = times
        self._writer = csv.DictWriter(codecs.getwriter("utf-8")(out), names)
        self._writer.writeheader()

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            texts = {name: row[name].isoformat(timespec="milliseconds") for name in self._times if row[name]}
            self._writer.writerow({name: as_cell(value) for name, value in {**row, **texts}.items()})


class _ParquetWriter:
    def __init__(self, write: Callable[[list[Mapping[str, Any]]], None]) -> None:
        self._write = write

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._write(list(rows))
