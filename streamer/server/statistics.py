"""The figures of each second: what every camera delivers, what is analysed, what is dropped and why."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from prometheus_client import Counter, Gauge

from streamer.server.access.rights import EVERYTHING, Access
from streamer.server.encoding import camera_object, reduction_object
from streamer.server.services import Services

__all__ = ["Statistics"]

_WINDOW = 4  # samples, one a second, over which rates are taken


class Statistics:
    """Sampled once a second by the broadcaster."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._history: deque[tuple[float, dict[str, int]]] = deque(maxlen=_WINDOW + 1)
        self._rates: dict[str, float] = {}

    def sample(self) -> dict[str, Any]:
        """The figures of the `stats` message; see `shown_to`."""
        hub, statuses = self._services.hub, self._services.statuses()
        now = time.monotonic()
        self._history.append((now, {status.camera: hub.published(status.camera) for status in statuses}))
        (then, first), (_, last) = self._history[0], self._history[-1]
        if now > then:
            self._rates = {camera: (count - first.get(camera, 0)) / (now - then) for camera, count in last.items()}
        return {
            "timestamp": round(time.time(), 3),
            "viewers": self.viewers(),
            "degraded": self._services.health.degraded,
            "cameras": self.cameras(),
        }

    def cameras(self, access: Access = EVERYTHING) -> list[dict[str, Any]]:
        """For each camera that somebody sees, its status with what became of its frames."""
        metrics, hub, now = self._services.metrics, self._services.hub, time.monotonic()
        dropped = _by_labels(metrics.frames_dropped)
        queued = _by_labels(metrics.queue_depth)
        reductions = self._services.reductions()
        found = []
        for status in self._services.statuses():
            camera = status.camera
            if not access.sees(camera):
                continue
            newest = hub.newest(camera)
            captured_at = newest.frame.captured_at if newest else None
            found.append(
                camera_object(status)
                | {
                    "fps_analyzed": round(self._rates.get(camera, 0.0), 2),
                    "analyzed": hub.published(camera),
                    "dropped": {reason: int(n) for (name, reason), n in dropped.items() if name == camera},
                    "reduced": reduction_object(reductions.get(camera)),
                    "queue": int(queued.get((camera,), 0)),
                    # how old the newest analysed frame is now, and how old it was when its analysis was done
                    "age_ms": None if captured_at is None else round((now - captured_at) * 1000, 1),
                    "latency_ms": None
                    if newest is None or captured_at is None
                    else round((newest.published_at - captured_at) * 1000, 1),
                    "faces": sum(track.counted for track in newest.result.tracks)
                    if newest and hub.fresh(camera)
                    else 0,
                }
            )
        return found

    @staticmethod
    def shown_to(access: Access, sample: Mapping[str, Any]) -> Mapping[str, Any]:
        """The figures of a sample that somebody with this access sees."""
        cameras = [camera for camera in sample["cameras"] if access.sees(camera["id"])]
        return {**sample, "degraded": access.degraded(sample["degraded"]), "cameras": cameras}

    def viewers(self) -> dict[str, int]:
        """Connected now, by transport."""
        counted = _by_labels(self._services.metrics.viewers)
        return {"websocket": int(counted.get(("websocket",), 0)), "mjpeg": int(counted.get(("mjpeg",), 0))}


def _by_labels(metric: Counter | Gauge) -> dict[tuple[str, ...], float]:
    """The values of a metric by its labels' values, in the order in which the labels were declared."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in metric.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }
