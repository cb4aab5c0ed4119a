"""Where on the picture faces were, hour by hour: a packed grid for each, which only grows."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
from sqlalchemy import Connection, func, select

from streamer.analytics.heat import COLUMNS, ROWS, Grid
from streamer.store import tables
from streamer.store.batch import upsert
from streamer.store.rows import milliseconds

__all__ = ["add_heat", "heat", "heat_since"]


def add_heat(connection: Connection, grids: Mapping[tuple[str, int], Grid]) -> None:
    """Add these to what is there. grids: by camera and beginning of the hour, UTC s."""
    row = tables.heat.c
    for (camera, begin), grid in grids.items():
        hour = milliseconds(begin)
        there = connection.scalar(select(row.cells).where(row.camera == camera, row.hour == hour))
        cells = _packed(grid if there is None else grid + _unpacked(there))
        statement = upsert(connection, tables.heat).values(camera=camera, hour=hour, cells=cells)
        connection.execute(statement.on_conflict_do_update(index_elements=["camera", "hour"], set_={"cells": cells}))


def heat(connection: Connection, camera: str, begin: float, end: float) -> Grid:
    """Over the whole hours that begin in [begin, end), UTC s."""
    row = tables.heat.c
    within = row.hour >= milliseconds(begin), row.hour < milliseconds(end)
    total = np.zeros((ROWS, COLUMNS), np.float32)
    for cells in connection.scalars(select(row.cells).where(row.camera == camera, *within)):
        total += _unpacked(cells)
    return total


def heat_since(connection: Connection, camera: str) -> float | None:
    """When the first hour begins of which something is kept: UTC s; None: nothing is."""
    row = tables.heat.c
    first = connection.scalar(select(func.min(row.hour)).where(row.camera == camera))
    return None if first is None else first / 1000


def _packed(grid: Grid) -> bytes:
    return zlib.compress(grid.astype("<f4").tobytes())


def _unpacked(cells: bytes) -> Grid:
    return np.frombuffer(zlib.decompress(cells), "<f4").reshape(ROWS, COLUMNS)
