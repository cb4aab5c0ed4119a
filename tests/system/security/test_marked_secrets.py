"""Each secret of a configuration is marked; no mark may stand in anything that leaves the program."""

from __future__ import annotations

import base64
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from websockets.sync.client import connect

from tests.system.program import Program, eventually, weights
from tests.system.security.echo import EchoingPeer

pytestmark = [pytest.mark.system, pytest.mark.models]

MARK = "zq7mark"  # no word of any text
TOKEN = f"{MARK}-token-7f31c09ab2"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
# All begin alike, whatever a URL, a log or repr() makes of the rest
IN_URL, IN_FIELD = f"{MARK}-url-p/a@ss#word", f"{MARK}-field '%20\"é"
# As HTTP and RTSP send them: of `viewer:marked…`
ENCODED = base64.b64encode(f"viewer:{MARK}-".encode()).decode()[:16]


def marks_in(text: str) -> list[str]:
    """What stands around each mark, to be read in the failure."""
    return [text[max(0, found.start() - 80) : found.end() + 40] for found in re.finditer(f"{MARK}|{ENCODED}", text)]


def configuration(peer: int, closed: int) -> dict[str, Any]:
    """peer: the port of the one that echoes; closed: a port on which nobody listens."""
    often = {"reconnect_min": 0.2, "reconnect_max": 0.5, "open_timeout": 3.0}
    return {
        "cameras": [
            {"id": "demo", "source": "demo", "max_fps": 5},
            {"id": "in-url", "source": f"rtsp://viewer:{IN_URL}@127.0.0.1:{peer}/1", **often},
            {"id": "in-query", "source": f"http://127.0.0.1:{peer}/video?user=a&pwd={MARK}-query", **often},
            {"id": "in-path", "source": f"rtsp://127.0.0.1:{peer}/user=a_password={MARK}-path_channel=1.sdp", **often},
            {
                "id": "in-field",
                "source": f"rtsp://127.0.0.1:{peer}/2",
                "username": "viewer",
                "password": IN_FIELD,
                **often,
            },
            {"id": "nowhere", "source": f"http://viewer:{MARK}-nowhere@127.0.0.1:{closed}/", **often},
        ],
        "server": {"port": 0, "auth": {"token": TOKEN}},
        "models": weights(),
        "log": {"level": "debug", "libraries": True},
        "store": {"url": f"postgresql://streamer:{MARK}-database+1@127.0.0.1:{closed}/figures"},
        "cache": {"url": f"redis://streamer:{MARK}-redis+1@127.0.0.1:{closed}/0"},
        "mqtt": {"host": "127.0.0.1", "port": closed, "username": "streamer", "password": f'{MARK}-mqtt "é'},
        "webhooks": {
            "targets": [
                {
                    "name": "till",
                    "url": f"http://hook:{MARK}-user@127.0.0.1:{peer}/{MARK}-address?key={MARK}-key",
                    "secret": f"{MARK}-webhook-0123456789",
                }
            ]
        },
    }


@pytest.fixture
def peer() -> Iterator[EchoingPeer]:
    """It has let go of everybody when the test has ended."""
    with EchoingPeer() as listening:
        yield listening


@pytest.fixture
def config(peer: EchoingPeer) -> Iterator[dict[str, Any]]:
    """With a port that is bound, and refuses since it does not listen."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield configuration(peer.port, bound.getsockname()[1])


@pytest.fixture
def program(tmp_path: Path, config: dict[str, Any]) -> Iterator[Program]:
    """Running with it."""
    with Program(tmp_path, config) as running:
        yield running


def wait_until_all_have_failed(client: httpx.Client, peer: EchoingPeer) -> None:
    """Cameras, hook, database and broker; the cache fails when it is asked."""

    def failed() -> bool:
        cameras = client.get("/api/v1/cameras").json()
        asked = "\n".join(peer.heard)
        parts = client.get("/api/v1/status").json()["degraded"]
        told = all(camera["reason"] for camera in cameras if camera["id"] != "demo")
        return (
            told and f"{MARK}-address" in asked and ENCODED in asked and {"store", "mqtt", "webhook till"} <= set(parts)
        )

    eventually("everything has failed", failed, 20)


PATHS = [
    "/api/v1/status",
    "/api/v1/cameras",
    "/api/v1/cameras/in-url",
    "/api/v1/cameras/in-field/snapshot.jpg",
    "/api/v1/cameras/in-field/rules",
    "/api/v1/footfall",
    "/api/v1/events",
    "/api/v1/cameras/nobody",
    "/api/v1/footfall?bucket=nonsense",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/",
]


def test_no_secret_leaves_by_http_by_websocket_or_by_the_log(program: Program, peer: EchoingPeer) -> None:
    with httpx.Client(base_url=program.url, headers=BEARER, timeout=10) as client:
        wait_until_all_have_failed(client, peer)
        answers = {path: client.get(path) for path in PATHS}
        answers["analyze"] = client.post("/analyze", content=b"no image", headers={"Content-Type": "image/jpeg"})
        answers["put"] = client.put("/api/v1/cameras/in-url/rules", json={"lines": [], "zones": []})
        answers["login"] = client.post("/login", data={"token": TOKEN})
        answers["refused"] = httpx.get(f"{program.url}/api/v1/status")
        for name, answer in answers.items():
            assert marks_in(f"{answer.status_code} {dict(answer.headers)} {answer.text}") == [], name
    address = program.url.replace("http", "ws") + "/ws"
    with connect(address, subprotocols=["streamer.v1"], additional_headers=BEARER) as socket_:  # type: ignore[list-item]
        kinds: set[str] = set()
        socket_.send('{"type":"subscribe","cameras":"*","frames":"none","events":"*"}')
        socket_.send('{"type":"nonsense"}')
        while not {"hello", "stats", "error", "result"} <= kinds:
            message = socket_.recv(timeout=10)
            assert isinstance(message, str)
            kinds.add(message.split('"')[3])
            assert marks_in(message) == []
    log = "".join(program.log)
    assert "in-url" in log  # it does tell of the camera
    assert marks_in(log) == []


def test_no_secret_stands_in_what_check_prints(tmp_path: Path, config: dict[str, Any]) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "streamer", "check", "-c", str(file), "--timeout", "5"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 2, said
    assert "in-url" in said
    assert marks_in(said) == []
