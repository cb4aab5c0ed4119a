"""Counts what is handed to viewers, with each metric looked up once and not for every picture of every viewer."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from streamer.monitoring.metrics import Metrics

__all__ = ["Tally"]


class Tally:
    """What viewers of one transport were sent; all of them share it."""

    def __init__(self, metrics: Metrics, transport: str) -> None:
        self._metrics = metrics
        self._bytes = metrics.viewer_bytes.labels(transport)
        self._cameras: dict[str, tuple[Histogram, Counter]] = {}

    def frame(self, camera: str, age: float) -> None:
        """A picture or result is sent, so many seconds after its capture."""
        self._of(camera)[0].observe(age)

    def picture(self, camera: str, size: int) -> None:
        """A picture was sent, of so many bytes with all that belongs to it."""
        self._of(camera)[1].inc()
        self._bytes.inc(size)

    def bytes(self, size: int) -> None:
        """Another message was sent."""
        self._bytes.inc(size)

    def _of(self, camera: str) -> tuple[Histogram, Counter]:
        known = self._cameras.get(camera)
        if known is None:
            metrics = self._metrics
            known = metrics.frame_age.labels(camera, "sent"), metrics.pictures_sent.labels(camera)
            self._cameras[camera] = known
        return known
