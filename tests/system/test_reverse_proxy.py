"""Behind a real nginx that speaks TLS and serves the site below a path: all of it works there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.certificates import Authority
from tests.system.browser import Visit
from tests.system.nginx import Nginx
from tests.system.page_site import LOBBY, Site, tile, wait_for_picture

pytestmark = pytest.mark.system

TOKEN = "a-token-of-the-tests-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(params=[True, False], ids=["that takes the path off", "that passes the path on"])
def proxy(request: pytest.FixtureRequest, tmp_path: Path, authority: Authority) -> Iterator[Nginx]:
    """In front of a server of its own."""
    tls, _ = authority.issue(tmp_path)
    with (
        Site(LOBBY, token=TOKEN, path_prefix="/cams", trusted_proxies=("127.0.0.1",)) as site,
        Nginx(site.harness.port, tls, tmp_path / "nginx", strips=request.param) as nginx,
    ):
        yield nginx


def test_everything_is_found_below_the_path(proxy: Nginx, authority: Authority) -> None:
    with httpx.Client(base_url=f"{proxy.url}/", verify=authority.client(), headers=BEARER, timeout=10) as client:
        for path in ("", "static/js/main.js", "docs", "metrics", "healthz", "api/v1/cameras/lobby/snapshot.jpg"):
            assert client.get(path).status_code == 200, path
        described = client.get("openapi.json").json()
        [server] = described["servers"]
        assert "/api/v1/status" in described["paths"]
        assert client.get(f"{proxy.url.removesuffix('/cams')}{server['url']}/api/v1/status").status_code == 200
        with client.stream("GET", "api/v1/cameras/lobby/stream.mjpg") as stream:
            assert stream.headers["content-type"].startswith("multipart/x-mixed-replace")
            assert next(chunk for chunk in stream.iter_bytes() if b"\xff\xd8" in chunk)
    pictures_come_by_websocket(proxy, authority)


def pictures_come_by_websocket(proxy: Nginx, authority: Authority) -> None:
    """To pages of the site as browsers know it, and to no others."""
    address = proxy.url.replace("https", "wss") + "/ws"
    options: dict[str, Any] = {"ssl": authority.client(), "additional_headers": BEARER, "max_size": None}
    with connect(address, origin=Origin(proxy.url.removesuffix("/cams")), **options) as websocket:
        websocket.send(json.dumps({"type": "subscribe", "frames": "annotated"}))
        while not isinstance(websocket.recv(timeout=10), bytes):
            pass
    with pytest.raises(InvalidStatus, match="403"):
        connect(address, origin=Origin("https://elsewhere.example"), **options)


@pytest.mark.browser
@pytest.mark.parametrize("proxy", [True], indirect=True, ids=["that takes the path off"])
def test_a_browser_signs_in_below_the_path_and_sees_pictures(proxy: Nginx, visit: Visit) -> None:
    visitor = visit(f"{proxy.url}/", any_certificate=True)
    page = visitor.page
    page.fill("#token", TOKEN)
    page.click("button")
    wait_for_picture(visitor, f"{tile('lobby')} .screen")
    assert page.url.startswith(f"{proxy.url}/")
    [cookie] = visitor.context.cookies()
    assert (cookie["secure"], cookie["httpOnly"], cookie["path"]) == (True, True, "/cams")
    # The browser tells of the 401 with the form by itself; anything more fails the test
    visitor.complaints[:] = [text for text in visitor.complaints if "401" not in text]
