"""`streamer health` against a running server, as the container's health check asks it."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from streamer.server.config import TlsConfig
from tests.certificates import Authority
from tests.server_harness import running_server

pytestmark = pytest.mark.system

TOKEN = "a-token-of-the-tests-0123456789"
REPOSITORY = Path(__file__).resolve().parents[2]


def ask(folder: Path, server: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """The command, with a configuration of this section."""
    document = {"cameras": [{"id": "demo", "source": "demo"}], "server": server}
    (folder / "config.yaml").write_text(yaml.safe_dump(document))
    command = [sys.executable, "-m", "streamer", "health", "-c", str(folder / "config.yaml")]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("host", "days"),
    [("127.0.0.1", None), ("localhost", 90), ("0.0.0.0", -1)],  # noqa: S104 - as in a container
)
def test_a_server_is_alive_on_whichever_port_and_with_whatever_certificate(
    tmp_path: Path, host: str, days: int | None
) -> None:
    """days: until the certificate expires; None: without TLS."""
    tls: TlsConfig | None = None if days is None else Authority().issue(tmp_path, days=days)[0]

    async def scenario() -> subprocess.CompletedProcess[str]:
        async with running_server(feed=False, token=TOKEN, host=host, tls=tls, path_prefix="/cams") as harness:
            section = {"host": host, "port": harness.port, "auth": {"token": TOKEN}, "path_prefix": "/cams"}
            if tls is not None:
                section["tls"] = {"cert": str(tls.cert), "key": str(tls.key)}
            return await asyncio.to_thread(ask, tmp_path, section)

    done = asyncio.run(scenario())
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


def test_what_does_not_answer_or_is_something_else_is_not_alive(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        done = ask(tmp_path, {"port": port, "tls": None})  # accepts, and never answers
        assert done.returncode == 2
        assert "no answer" in done.stderr
    done = ask(tmp_path, {"port": port})
    assert (done.returncode, "refused" in done.stderr) == (2, True)
    done = ask(tmp_path, {"port": 0})
    assert (done.returncode, "server.port" in done.stderr) == (2, True)


def test_the_container_asks_with_the_configuration_that_it_runs_with() -> None:
    dockerfile = (REPOSITORY / "Dockerfile").read_text("utf-8").replace("\\\n", "")
    lines = re.findall(r"^(HEALTHCHECK|CMD)[^\[\n]*(\[.*\])$", dockerfile, re.MULTILINE)
    found = {name: json.loads(command) for name, command in lines}
    assert found["HEALTHCHECK"][:2] == ["streamer", "health"]
    assert found["HEALTHCHECK"][2:] == found["CMD"][1:] == ["--config", "/etc/streamer/config.yaml"]
