"""A small file system, for what happens when it is full."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.requirements import require

__all__ = ["fill", "small_disk"]


@contextlib.contextmanager
def small_disk(folder: Path, *, megabytes: int = 1) -> Iterator[Path]:
    """Mounted in this folder while the context is open."""
    disk = folder / "small"
    disk.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(disk)], check=False, capture_output=True
    ).returncode == 0  # fmt: skip
    require(mounted, "may not mount a small file system (needs root)")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Write until there is no room; returns the file to be deleted to make some."""
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(4096)):
            pass
    return ballast
