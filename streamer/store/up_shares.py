"""For which part of some stretches of time cameras were up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from streamer.store import tables

__all__ = ["up_shares"]


def up_shares(connection: Connection, cameras: Sequence[str], edges: Sequence[int], now: int) -> list[float | None]:
    """The mean over these cameras, 0-1, between each two edges (ms) as far as they are past; None: still to come."""
    limits = np.minimum(np.asarray(edges, np.int64), now)
    past = np.diff(limits)
    up = np.zeros(len(past))
    row = tables.uptime.c
    for camera in cameras:
        spans = connection.execute(
            select(row.since, row.until).where(row.camera == camera, row.until > edges[0], row.since < edges[-1])
        ).all()
        up += np.diff(_up_until(limits, [(since, until) for since, until in spans]))
    shares = up / np.maximum(past, 1) / max(1, len(cameras))
    rounded = np.round(shares, 4).tolist()
    return [share if span > 0 else None for share, span in zip(rounded, past.tolist(), strict=True)]


def _up_until(times: NDArray[np.int64], spans: list[tuple[int, int]]) -> NDArray[np.float64]:
    """How much of all time before each of these times lies in the spans, which may overlap."""
    steps: list[tuple[int, int]] = []  # disjoint, in order
    for since, until in sorted(spans):
        if steps and since <= steps[-1][1]:
            steps[-1] = (steps[-1][0], max(steps[-1][1], until))
        else:
            steps.append((since, until))
    if not steps:
        return np.zeros(len(times))
    at = np.array(steps, np.float64).reshape(-1)
    lengths = np.array([until - since for since, until in steps], np.float64)
    total = np.cumsum(np.stack([np.zeros(len(lengths)), lengths], axis=1).reshape(-1))
    found: NDArray[np.float64] = np.interp(times.astype(np.float64), at, total)
    return found
