"""The file of tokens: made and revoked by `streamer token`, read again by a running program when it has changed.

Only a SHA-256 of each token is kept. A token is 256 random bits, so that nobody can try them out, however fast the
hash is; scrypt, which protects what people make up, would cost every request of every program some 50 ms and 16 MB.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from streamer.errors import ConfigError
from streamer.private_files import keep_private
from streamer.server.access.rights import Access, Role

__all__ = ["StoredToken", "TokenFile", "WatchedTokens", "digest"]

log = logging.getLogger(__name__)

_PREFIX: Final = "streamer_"  # by which scanners of repositories and logs can tell one
_LARGEST_FILE: Final = 4 * 1024 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,62}")


def digest(token: str) -> str:
    """SHA-256, in hexadecimal digits."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class StoredToken(BaseModel):
    """What is kept of a token. cameras: None for all. created, expires: UTC seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=f"^{_NAME.pattern}$")
    role: Role
    cameras: tuple[str, ...] | None = None
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    created: float
    expires: float | None = None

    @property
    def access(self) -> Access:
        """What it allows."""
        return Access(self.name, self.role, None if self.cameras is None else frozenset(self.cameras))


_DOCUMENT: Final = TypeAdapter(Annotated[tuple[StoredToken, ...], Field(max_length=10_000)])


class TokenFile:
    """A JSON file, readable for its owner only. Written whole, beside the old one, and then put in its place."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock

    def read(self) -> tuple[StoredToken, ...]:
        """In the order in which they were made; none where there is no file yet. Raises ConfigError."""
        try:
            if self.path.stat().st_size > _LARGEST_FILE:
                raise ConfigError(f"{self.path}: larger than 4 MiB, so not a file of tokens")
            return _DOCUMENT.validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ConfigError(f"{self.path}: {error.strerror}") from None
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors()[0]["loc"])
            raise ConfigError(
                f"{self.path}: not as `streamer token` writes it ({where or 'no JSON'}); restore it, or delete it "
                "and make new tokens"
            ) from None

    def add(
        self, role: Role, *, cameras: Sequence[str] | None = None, name: str = "", expires: float | None = None
    ) -> tuple[str, StoredToken]:
        """Make a token: the text to be handed over, which is kept nowhere, and what is kept. Raises ConfigError.

        name: '' for one made of the role. expires: UTC seconds.
        """
        token = _PREFIX + secrets.token_urlsafe(32)

        def added(known: tuple[StoredToken, ...]) -> tuple[StoredToken, ...]:
            if any(each.name == name for each in known):
                raise ConfigError(f"--name: there is a token {name!r}; revoke it first, or take another name")
            taken = {each.name for each in known}
            free = next(n for i in range(1, len(known) + 2) if (n := f"{role.value}-{i}") not in taken)
            return (
                *known,
                StoredToken(
                    name=name or free,
                    role=role,
                    cameras=None if cameras is None else tuple(dict.fromkeys(cameras)),
                    sha256=digest(token),
                    created=round(self._clock(), 3),
                    expires=expires,
                ),
            )

        if name and not _NAME.fullmatch(name):
            raise ConfigError("--name: letters, digits, spaces and . _ @ -, at most 63, beginning with a letter")
        return token, self._change(added)[-1]

    def revoke(self, name: str) -> None:
        """Raises ConfigError: there is none of this name."""

        def without(known: tuple[StoredToken, ...]) -> tuple[StoredToken, ...]:
            left = tuple(each for each in known if each.name != name)
            if len(left) == len(known):
                raise ConfigError(f"there is no token {name!r} in {self.path}; `streamer token list` shows them")
            return left

        self._change(without)

    def _change(self, change: Callable[[tuple[StoredToken, ...]], tuple[StoredToken, ...]]) -> tuple[StoredToken, ...]:
        written = self.path.with_name(f"{self.path.name}.new")
        try:
            # Created only if it isn't there: two commands at once must not undo each other's work
            descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise ConfigError(f"{written}: another `streamer token` is at work; if none is, delete this file") from None
        except OSError as error:
            raise ConfigError(f"{written}: {error.strerror}") from None
        try:
            with os.fdopen(descriptor, "wb") as file:
                changed = change(self.read())
                file.write(_DOCUMENT.dump_json(changed, indent=1) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            written.replace(self.path)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
        return changed


class WatchedTokens:
    """The tokens of a file as they are at this moment, by their digest. A look that finds no change costs one `stat`.

    A file that can't be read any more lets nobody in: what somebody took out of it must not come back.
    """

    def __init__(self, file: TokenFile) -> None:
        """Raises ConfigError."""
        self._file = file
        self._seen = self._state()
        self._tokens = self._by_digest(file.read())
        if self._seen is None:
            log.warning("%s: no tokens yet; make the first with `streamer token new`", file.path)
        else:
            keep_private(file.path)

    def current(self) -> Mapping[str, StoredToken]:
        """Those that the file holds now, expired ones too."""
        state = self._state()
        if state != self._seen:
            self._seen = state
            try:
                self._tokens = self._by_digest(self._file.read())
            except ConfigError as error:
                log.error("%s. Until then none of its tokens is accepted", error)
                self._tokens = {}
            else:
                log.info("%s has changed: %d tokens", self._file.path, len(self._tokens))
        return self._tokens

    def _state(self) -> tuple[int, ...] | None:
        try:
            found = self._file.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    @staticmethod
    def _by_digest(tokens: Sequence[StoredToken]) -> dict[str, StoredToken]:
        return {each.sha256: each for each in tokens}
