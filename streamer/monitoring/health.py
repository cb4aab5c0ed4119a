"""What is wrong: parts that can't do their work for now, and why. All others go on all the same."""

from __future__ import annotations

import logging
import threading

from streamer.monitoring.metrics import Metrics
from streamer.redaction import redact

__all__ = ["Health"]

log = logging.getLogger(__name__)


class Health:
    """Parts report here, from any thread; `/readyz`, the statistics and the page show it."""

    def __init__(self, metrics: Metrics) -> None:
        self._gauge = metrics.degraded
        self._lock = threading.Lock()
        self._problems: dict[str, str] = {}

    def report(self, part: str, problem: str | None) -> None:
        """A part (such as 'store') has this problem, or has none any more. Logged when it changes between the two."""
        with self._lock:
            known = part in self._problems
            if problem is None:
                self._problems.pop(part, None)
            else:
                self._problems[part] = redact(problem)
            self._gauge.labels(part).set(problem is not None)
        if problem is not None and not known:
            log.warning("%s: degraded: %s", part, problem)
        elif problem is None and known:
            log.info("%s: works again", part)

    @property
    def degraded(self) -> dict[str, str]:
        """The parts that have a problem, each with its reason; safe to show."""
        with self._lock:
            return dict(self._problems)
