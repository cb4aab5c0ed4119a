"""Files that hold what is nobody else's business: their owner alone reads and writes them, whatever the umask."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from pathlib import Path

__all__ = ["keep_private", "keep_sqlite_private", "make_private", "replace_private"]

log = logging.getLogger(__name__)

_OTHERS = 0o077
_BESIDE_SQLITE = ("", "-wal", "-shm", "-journal")


def make_private(path: Path) -> None:
    """Make an empty file, unless there is one. Who opens it next is left to tell why that can't be done.

    SQLite gives the files that it puts beside its own the same mode.
    """
    # An existing one is not even opened: closing it would take SQLite's locks away (man 2 fcntl)
    with contextlib.suppress(OSError):
        os.close(os.open(path.resolve(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def replace_private(path: Path, content: bytes) -> None:
    """Write a file whole, beside the old one, and then put it in its place. Raises OSError."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    written = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise


def keep_private(path: Path) -> None:
    """Take from a file the rights that others have to it; the log tells where that can't be done."""
    if os.name != "posix":
        return
    try:
        mode = path.stat().st_mode
        if mode & _OTHERS:
            path.chmod(mode & ~_OTHERS & 0o7777)
            log.info("%s: was open to other users of this machine, and is its owner's alone now", path)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s: others than its owner may read it (%s); chmod 600 it", path, error.strerror)


def keep_sqlite_private(path: Path) -> None:
    """The same of an SQLite database and what lies beside it."""
    for ending in _BESIDE_SQLITE:
        keep_private(Path(f"{path.resolve()}{ending}"))
