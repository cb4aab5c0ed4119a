"""Debian's Prometheus, for tests: scrapes what a configuration names, and answers queries."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.requirements import require

__all__ = ["Prometheus"]

_ADDRESS = re.compile(r'msg="Listening on".* address=\S*?:(\d+)')


class Prometheus:
    """Runs while the context is open, on a free port of the loopback; keeps its data in a folder."""

    def __init__(self, config: Path, folder: Path) -> None:
        require(shutil.which("prometheus") is not None, "prometheus")
        self._config, self._folder = config, folder
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._ready = threading.Event()
        self._log: list[str] = []
        self._url = ""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={self._config}",
                f"--storage.tsdb.path={self._folder}",
                "--web.listen-address=127.0.0.1:0",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, name="prometheus-log")
        self._reader.start()
        if not self._ready.wait(20) or not self._url:
            self.__exit__(None, None, None)
            raise AssertionError("prometheus did not start:\n" + "".join(self._log))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        assert self._reader is not None
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._reader.join(5)
        self._process.stderr.close()

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._log.append(line)
            if found := _ADDRESS.search(line):
                self._url = f"http://127.0.0.1:{found[1]}"
            if "Server is ready" in line:
                self._ready.set()
        self._ready.set()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an expression's value now. AssertionError if Prometheus doesn't understand it."""
        address = f"{self._url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                document = json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{expression}: {error.read().decode()}") from None
        assert document["status"] == "success", document
        data = document["data"]
        if data["resultType"] == "vector":
            found: list[dict[str, Any]] = data["result"]
            return found
        return [{"metric": {}, "value": data["result"]}]

    def values(self, expression: str) -> list[float]:
        """The value of each series, those left out that are not numbers."""
        found = [float(series["value"][1]) for series in self.query(expression)]
        return [value for value in found if value == value]  # noqa: PLR0124  NaN differs from itself
