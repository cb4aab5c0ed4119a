"""Has the cameras analysed as closely as the machine can carry: measures the load, asks the governor, and acts."""

from __future__ import annotations

import logging
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from streamer.capture.decoder import DEBLOCKING
from streamer.inference.camera_lane import CameraLane
from streamer.inference.governor import Governed, Governor, Load
from streamer.inference.pool import InferencePool
from streamer.inference.reductions import FULL, Reduction, reductions
from streamer.monitoring.metrics import Metrics
from streamer.types import CameraState, CameraStatus

__all__ = ["ControlledCamera", "LoadControl"]

log = logging.getLogger(__name__)

_TICK = 1.0
_WINDOW = 3  # ticks over which the load is taken
_WARMING = 10.0  # s after a camera's first frame: its stream is probed, and every face is new and read often


class Ease(Protocol):
    """Has a camera's reader do less; see `CameraReader.ease`."""

    def __call__(self, max_fps: float | None, *, deblock: bool) -> None:
        """From now on."""


@dataclass(frozen=True)
class ControlledCamera:
    """A camera, as the control needs it.

    max_fps: as configured. deblock: whether its reader deblocks, and could stop it. ease: see `CameraReader.ease`.
    """

    id: str
    priority: int
    max_fps: float | None
    deblock: bool
    lane: CameraLane
    status: Callable[[], CameraStatus]
    ease: Ease


class _Counts(NamedTuple):
    """Of all cameras, since the start."""

    at: float
    busy_seconds: float
    offered: int
    lost: int
    taken: int
    waited: float


class LoadControl:
    """A thread that looks once a second. `reductions` tells what holds now."""

    def __init__(
        self,
        cameras: Sequence[ControlledCamera],
        pool: InferencePool,
        *,
        detect_width: int,
        max_frame_age: float,
        metrics: Metrics,
    ) -> None:
        """detect_width: pixels, and max_frame_age: s, as configured."""
        self._cameras = cameras
        self._pool = pool
        self._detect_width = detect_width
        self._metrics = metrics
        self._governor = Governor(max_frame_age=max_frame_age)
        self._steps: dict[str, tuple[Reduction, ...]] = {camera.id: (FULL,) for camera in cameras}
        self._reductions: dict[str, Reduction] = {camera.id: FULL for camera in cameras}
        self._history: deque[_Counts] = deque(maxlen=_WINDOW + 1)
        self._known: set[str] = set()  # cameras that have been live
        self._judged_from = float("-inf")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="governor", daemon=True)
        for camera in cameras:
            metrics.reduction_level.labels(camera.id).set(0)

    @property
    def reductions(self) -> Mapping[str, Reduction]:
        """What holds for each camera. Any thread."""
        return self._reductions

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float) -> bool:
        """End; False if the thread did not within `timeout` seconds."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(_TICK):
            try:
                self.tick(time.monotonic())
            except Exception:  # the cameras go on as they are
                log.exception("measuring the load failed")

    def tick(self, now: float) -> None:
        """Look at the load, and act on it."""
        live = [(camera, status) for camera in self._cameras if (status := camera.status()).state is CameraState.LIVE]
        load = self._load(now, [status.lag for _, status in live])
        governed = [self._governed(camera, status) for camera, status in live]
        log.debug("%s", load)
        if new := {camera.id for camera, _ in live} - self._known:
            self._known |= new
            self._judged_from = now + _WARMING
        if now >= self._judged_from and self._governor.decide(now, load, governed):
            self._carry_out(load)

    def _load(self, now: float, lags: Sequence[float]) -> Load:
        counts = [camera.lane.counts for camera in self._cameras]
        last = _Counts(
            now,
            self._pool.busy_seconds,
            sum(count.offered for count in counts),
            sum(count.evicted + count.stale for count in counts),
            sum(count.taken for count in counts),
            sum(count.waited for count in counts),
        )
        self._history.append(last)
        first = self._history[0]
        seconds = (last.at - first.at) * self._pool.workers
        load = Load(
            use=min(1.0, (last.busy_seconds - first.busy_seconds) / seconds) if seconds else 0.0,
            lost=(last.lost - first.lost) / max(1, last.offered - first.offered),
            waited=(last.waited - first.waited) / max(1, last.taken - first.taken),
            lag=statistics.median(lags) if lags else 0.0,
        )
        self._metrics.workers_use.set(load.use)
        self._metrics.frames_lost.set(load.lost)
        return load

    def _governed(self, camera: ControlledCamera, status: CameraStatus) -> Governed:
        if self._reductions[camera.id] is FULL and status.fps:
            fps = status.fps if camera.max_fps is None else min(status.fps, camera.max_fps)
            deblocks = camera.deblock and status.codec in DEBLOCKING
            self._steps[camera.id] = reductions(fps, self._detect_width, deblocks=deblocks)
        return Governed(camera.id, camera.priority, len(self._steps[camera.id]) - 1)

    def _carry_out(self, load: Load) -> None:
        levels, lowered, raised = self._governor.levels, 0, 0
        found = {camera.id: self._steps[camera.id][levels.get(camera.id, 0)] for camera in self._cameras}
        for camera in self._cameras:
            before, after = self._reductions[camera.id], found[camera.id]
            if before == after:
                continue
            if (after.max_fps, after.deblock) != (before.max_fps, before.deblock):
                camera.ease(after.max_fps, deblock=after.deblock)
            camera.lane.set_effort(after.effort)
            self._metrics.reduction_level.labels(camera.id).set(after.level)
            lowered, raised = lowered + (after.level > before.level), raised + (after.level < before.level)
        self._reductions = found
        self._metrics.reductions.labels("lower").inc(lowered)
        self._metrics.reductions.labels("raise").inc(raised)
        log.info(
            "%s: %d camera(s); workers %.0f %% busy, %.0f %% of frames lost, lag %.1f s; %d of %d cameras are reduced",
            "the machine is busy, analysing less" if lowered else "there is room, analysing more",
            lowered or raised, 100 * load.use, 100 * load.lost, load.lag, len(levels), len(found),
        )  # fmt: skip
