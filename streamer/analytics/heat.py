"""Where on the picture faces were, and for how long: one coarse grid for each hour. Nothing in it tells who.

Kept in memory until the store takes it; where there is none, for the last two weeks: 336 grids of 48 x 27 numbers a
camera, 1.7 MB.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from streamer.types import Result

__all__ = ["COLUMNS", "ROWS", "Grid", "HeatMap", "HeatMaps"]

Grid = NDArray[np.float32]
"""(ROWS, COLUMNS): face-seconds in each cell."""

COLUMNS, ROWS = 48, 27

_HOUR = 3600
_MOST_HOURS = 14 * 24
# Seconds between two frames beyond which nobody knows where a face was meanwhile.
_LONGEST_STEP = 1.0


class HeatMap:
    """Of one camera. Results are added by one thread at a time; any thread may ask."""

    def __init__(self) -> None:
        self._hours: OrderedDict[int, Grid] = OrderedDict()
        self._last: float | None = None
        self._lock = threading.Lock()

    def add(self, result: Result) -> None:
        """Count the time since the frame before for the cells in which the centres of counted faces lie."""
        last, self._last = self._last, result.captured_at
        if last is None or not (step := result.captured_at - last) > 0:
            return
        centres = [_centre(track.box, result.size) for track in result.tracks if track.counted]
        if not centres:
            return
        with self._lock:
            grid = self._grid(int(result.wall_time // _HOUR) * _HOUR)
            for x, y in centres:
                grid[min(int(y * ROWS), ROWS - 1), min(int(x * COLUMNS), COLUMNS - 1)] += min(step, _LONGEST_STEP)

    def seconds(self, begin: float, end: float) -> Grid:
        """Over the whole hours that begin in [begin, end), UTC."""
        with self._lock:
            grids = [grid for hour, grid in self._hours.items() if begin <= hour < end]
            return np.sum(grids, axis=0, dtype=np.float32) if grids else np.zeros((ROWS, COLUMNS), np.float32)

    def take(self) -> dict[int, Grid]:
        """All that is here, by the beginning of its hour (UTC s); it isn't here any more."""
        with self._lock:
            taken, self._hours = dict(self._hours), OrderedDict()
        return taken

    def put_back(self, hour: int, grid: Grid) -> None:
        """What was taken could not be kept."""
        with self._lock:
            self._grid(hour)[:] += grid

    def _grid(self, hour: int) -> Grid:
        if hour not in self._hours:
            self._hours[hour] = np.zeros((ROWS, COLUMNS), np.float32)
            while len(self._hours) > _MOST_HOURS:
                self._hours.popitem(last=False)
        return self._hours[hour]


class HeatMaps:
    """Of some cameras. Any thread may call."""

    def __init__(self, cameras: Iterable[str]) -> None:
        self._of = {camera: HeatMap() for camera in cameras}

    def add(self, result: Result) -> None:
        """See `HeatMap.add`; of one camera in one thread at a time."""
        self._of[result.camera].add(result)

    def seconds(self, camera: str, begin: float, end: float) -> Grid:
        """See `HeatMap.seconds`."""
        return self._of[camera].seconds(begin, end)

    def take(self) -> dict[tuple[str, int], Grid]:
        """See `HeatMap.take`; by camera and hour."""
        return {(camera, hour): grid for camera, heat in self._of.items() for hour, grid in heat.take().items()}

    def put_back(self, taken: Mapping[tuple[str, int], Grid]) -> None:
        """See `HeatMap.put_back`."""
        for (camera, hour), grid in taken.items():
            self._of[camera].put_back(hour, grid)


def _centre(box: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float]:
    """As fractions of the picture; what lies beyond its edge is taken to it."""
    x0, y0, x1, y1 = box
    return min(max((x0 + x1) / 2 / size[0], 0.0), 1.0), min(max((y0 + y1) / 2 / size[1], 0.0), 1.0)
