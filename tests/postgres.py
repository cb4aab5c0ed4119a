"""A PostgreSQL of the tests' own: Debian's, on a socket in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

__all__ = ["Postgres", "postgres_is_installed"]


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    return found[-1].parent if found else None


def postgres_is_installed() -> bool:
    """Whether there is a server to start."""
    return _programs() is not None


class Postgres:
    """Runs while the context is open. It refuses to run as root, and then runs as the user that Debian made for it."""

    def __init__(self) -> None:
        programs = _programs()
        assert programs is not None
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self._as: dict[str, Any] = {}
        if os.getuid() == 0:
            self._as = {"user": "postgres", "group": "postgres", "extra_groups": []}
            shutil.chown(self._folder, "postgres", "postgres")
        self._databases = 0

    def __enter__(self) -> Self:
        self._run("initdb", "-D", "data", "-U", "streamer", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Returns when it takes connections."""
        options = f"-c listen_addresses= -c unix_socket_directories={self._folder} -c fsync=off"
        self._run("pg_ctl", "-D", "data", "-l", "log", "-o", options, "-w", "start")

    def stop(self) -> None:
        """As a machine that goes down does it: connections are cut."""
        self._run("pg_ctl", "-D", "data", "-m", "fast", "-w", "stop")

    def freeze(self) -> None:
        """All of it, as a machine whose disk hangs: connections stay, and nothing is answered."""
        for process in self._processes():
            process.suspend()

    def thaw(self) -> None:
        """Go on after `freeze`."""
        for process in self._processes():
            process.resume()

    def _processes(self) -> list[psutil.Process]:
        told = (self._folder / "data" / "postmaster.pid").read_text(encoding="utf-8")
        first = psutil.Process(int(told.split()[0]))
        return [first, *first.children(recursive=True)]

    def new_database(self) -> str:
        """The URL of an empty database."""
        self._databases += 1
        name = f"store{self._databases}"
        self._run("createdb", "-h", str(self._folder), "-U", "streamer", name)
        return f"postgresql://streamer@/{name}?host={self._folder}"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if program != "pg_ctl" else subprocess.DEVNULL,
            timeout=60,
            check=False,
            **self._as,
        )
        log = self._folder / "log"
        told = (done.stderr or b"").decode() + (log.read_text() if log.exists() else "")
        assert done.returncode == 0, f"{program} {' '.join(arguments)}:\n{told}"
