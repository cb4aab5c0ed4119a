"""Names and paths that strangers send lead to no file but those that are meant to be served."""

from __future__ import annotations

import asyncio
import http.client

import pytest

from tests.server_harness import Scene, running_server

pytestmark = pytest.mark.system

# The package's own source, two folders above the static files; a file of the system; with every way to write a dot
TRAVERSALS = [
    "/static/../app.py",
    "/static/..%2fapp.py",
    "/static/%2e%2e/app.py",
    "/static/%2e%2e%2fapp.py",
    "/static/js/..%2f..%2f..%2fapp.py",
    "/static/..%5capp.py",
    "/static/%252e%252e/app.py",
    "/static//etc/passwd",
    "/static/%2fetc%2fpasswd",
    "/static/js%00/../../app.py",
    "//static/..%2fapp.py",
    "/api/v1/cameras/..%2f..%2fstatus/snapshot.jpg",
    "/api/v1/cameras/lobby%2f..%2f..%2f..%2fetc%2fpasswd/rules",
    "/api/v1/footfall?tz=../../../../etc/passwd",
    "/api/v1/footfall?tz=%2fetc%2fpasswd",
]


def get(port: int, path: str) -> tuple[int, bytes]:
    """The path as it is: other clients tidy it up."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_no_path_leads_out_of_the_files_that_are_served() -> None:
    async def scenario() -> None:
        async with running_server({"lobby": Scene("Lobby")}, feed=False) as harness:
            for path in ["/static/js/main.js", *TRAVERSALS]:
                status, body = await asyncio.to_thread(get, harness.port, path)
                if path == "/static/js/main.js":
                    assert status == 200
                    continue
                assert status in {400, 404, 422, 503}, (path, status)
                assert b"def create_app" not in body, path
                assert b"root:" not in body, path

    asyncio.run(asyncio.wait_for(scenario(), 60))
