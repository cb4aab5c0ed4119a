from __future__ import annotations

import pytest

from streamer.monitoring.health import Health
from streamer.monitoring.metrics import Metrics
from streamer.redaction import register_secret


def test_a_problem_is_shown_until_the_part_works_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    metrics = Metrics()
    health = Health(metrics)
    for problem in ("disk full", "disk full", "still full", None, None):
        health.report("store", problem)
    assert health.degraded == {}
    assert [record.message for record in caplog.records] == ["store: degraded: disk full", "store: works again"]
    health.report("store", "locked")
    assert health.degraded == {"store": "locked"}
    assert metrics.registry.get_sample_value("streamer_degraded", {"part": "store"}) == 1


def test_a_problem_shows_no_password() -> None:
    register_secret("hunter2222")
    health = Health(Metrics())
    health.report("store", "postgresql://shop:hunter2222@db: refused")
    assert "hunter2222" not in str(health.degraded)
