"""Who may read the files of a folder, as tests of what lies in them need it."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["modes", "no_umask", "on_posix"]

on_posix = pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")


def modes(folder: Path) -> dict[str, int]:
    """The permissions of each file in a folder, by its name."""
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir() if file.is_file()}


@contextlib.contextmanager
def no_umask() -> Iterator[None]:
    """Files are made as open as their maker asks for."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)
