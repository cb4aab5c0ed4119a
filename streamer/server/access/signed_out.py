"""Sessions that were signed out of before their time: a copy of their cookie is worthless, also after a restart.

Only what was issued here gets in, so for each token that there is, so many are kept at most; where more are signed out
of, all of the token's that are older than the first of those that are kept count as signed out, too.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from streamer.private_files import keep_private, replace_private

__all__ = ["SESSION_SECONDS", "Session", "SignedOut"]

log = logging.getLogger(__name__)

SESSION_SECONDS = 7 * 24 * 3600
_MOST: Final = 256  # of each token
_OF_ALL: Final = ""  # stands for every token


class Session(NamedTuple):
    """What a cookie says. issued: UTC microseconds. token: the key of the keyring. id: random."""

    issued: int
    token: str
    id: str


class _Document(BaseModel):
    """What is kept. before: by token, what was issued until then. ended: by token, when each was issued, by its id."""

    model_config = ConfigDict(extra="forbid")

    before: dict[str, int] = {}
    ended: dict[str, dict[str, int]] = {}


class SignedOut:
    """Asked on the loop; saved from any thread."""

    def __init__(self, file: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """file: where they are kept; None: nowhere, so until the program ends."""
        self._file = file
        self._clock = clock
        self._saving = threading.Lock()
        self._kept = self._read()

    def __contains__(self, session: Session) -> bool:
        """Whether nobody is to be let in by it any more."""
        before = self._kept.before
        if session.issued <= max(before.get(session.token, 0), before.get(_OF_ALL, 0)):
            return True
        return session.id in self._kept.ended.get(session.token, ())

    def add(self, session: Session) -> None:
        """From now on; `save` makes it last."""
        kept = self._without_expired()
        ended = kept.ended.setdefault(session.token, {})
        ended[session.id] = session.issued
        if len(ended) > _MOST:
            oldest = min(ended, key=ended.__getitem__)
            kept.before[session.token] = max(kept.before.get(session.token, 0), ended.pop(oldest))
        self._kept = kept  # never changed, as it may be just being saved

    def save(self) -> None:
        """Never raises: where it can't be written, the log says so."""
        if self._file is None:
            return
        with self._saving:
            try:
                replace_private(self._file, self._kept.model_dump_json().encode())
            except OSError as error:
                log.warning("%s: %s: who signed out could come in again after a restart", self._file, error.strerror)

    def _without_expired(self) -> _Document:
        oldest = int((self._clock() - SESSION_SECONDS) * 1e6)
        before = {token: issued for token, issued in self._kept.before.items() if issued > oldest}
        good = {token: {id_: at for id_, at in ids.items() if at > oldest} for token, ids in self._kept.ended.items()}
        return _Document(before=before, ended={token: ids for token, ids in good.items() if ids})

    def _read(self) -> _Document:
        if self._file is None:
            return _Document()
        try:
            found = _Document.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return _Document()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "not as streamer writes it"
            log.warning("%s: %s: so nobody knows who has signed out, and all have to sign in anew", self._file, why)
            return _Document(before={_OF_ALL: int(self._clock() * 1e6)})
        keep_private(self._file)
        return found
