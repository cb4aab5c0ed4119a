"""The whole program keeps its figures: asked for while it runs, and there after a restart."""

from __future__ import annotations

import json
import signal
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.system.program import Program, eventually

pytestmark = [pytest.mark.system, pytest.mark.models]

LINE = {"name": "middle", "start": [0.5, 1.0], "end": [0.5, 0.0]}
CONFIG = {"cameras": [{"id": "demo", "source": "demo", "max_fps": 5}]}


def counted(program: Program) -> dict[str, Any]:
    """The visits since yesterday, in one row."""
    [row] = program.get("/api/v1/footfall?bucket=total&from=2020-01-01&to=2029-01-01")["rows"]
    found: dict[str, Any] = row
    return found


def draw(program: Program) -> None:
    body = json.dumps({"lines": [LINE], "zones": []}).encode()
    headers = {"Content-Type": "application/json"}
    address = f"{program.url}/api/v1/cameras/demo/rules"
    with urllib.request.urlopen(urllib.request.Request(address, body, headers, method="PUT"), timeout=5) as answer:
        assert answer.status == 200


def heat(program: Program) -> float:
    """Face-seconds, of all the picture."""
    found: list[list[float]] = program.get("/api/v1/cameras/demo/heat")["seconds"]
    return sum(map(sum, found))


def test_visits_and_drawn_lines_are_there_after_a_restart(tmp_path: Path) -> None:
    with Program(tmp_path, CONFIG) as first:
        draw(first)
        eventually("visits are kept", lambda: (counted(first)["count"] or 0) > 0, 30)
        before = heat(first)
        assert before > 0
        first.signal(signal.SIGINT)
        assert first.wait(10) == 0
    assert not (tmp_path / "streamer.sqlite3-wal").exists()  # closed as it should be
    with Program(tmp_path, CONFIG) as again:
        eventually("the store is open", lambda: "store" not in again.get("/api/v1/status")["degraded"])
        eventually("the drawn line is back", lambda: again.get("/api/v1/cameras/demo/rules")["lines"])
        assert again.get("/api/v1/cameras/demo/rules")["lines"][0]["name"] == "middle"
        assert counted(again)["count"] > 0
        assert heat(again) >= before
        assert again.get("/api/v1/events?from=2020-01-01&to=2029-01-01")["rows"][0]["kind"] == "camera_up"
