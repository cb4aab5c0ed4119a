"""The whole program as its user runs it: `streamer run -c FILE` in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar

import yaml

__all__ = ["Program", "eventually", "weights"]

T = TypeVar("T")

_ADDRESS = re.compile(r"open (https?://\S+)/")
_STOP_SECONDS = 25.0  # for a stop that is done in 5 s: the machine may do much else
_LAST_LINES = 200  # of a log, where it is told why a test failed
_SHARED_WEIGHTS = Path(__file__).resolve().parents[3] / "shared" / "models"


def weights() -> dict[str, Any]:
    """The `models` section for tests: weights beside the checkout are used where there are any."""
    return {"search_path": [str(_SHARED_WEIGHTS)]} if _SHARED_WEIGHTS.is_dir() else {}


def eventually(what: str, look: Callable[[], T | None], seconds: float = 10.0) -> T:
    """What `look` returns as soon as that is neither None nor false; AssertionError after so many seconds."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        pause.wait(0.05)
    return found


class Program:
    """Runs while the context is open; `log` grows with everything that it writes.

    What still runs at the end of the context is asked to stop, and a program that doesn't fails the test. stops: how
    long that took, in seconds, each time.
    """

    stops: ClassVar[list[float]] = []

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any],
        *,
        environ: Mapping[str, str] | None = None,
        module: str = "streamer",
        waits: bool = True,
    ) -> None:
        """The configuration is written to `folder`; the port is a free one, and the models those of `weights`.

        module: run in place of the program, with its command line. waits: until it serves, where a context is entered.
        """
        server = {"port": 0, **config.get("server", {})}
        document = {"models": weights(), **config, "server": server}
        self._config = folder / "config.yaml"
        self._config.write_text(yaml.safe_dump(document), encoding="utf-8")
        self._folder = folder
        self._module = module
        # With it, SIGABRT has the program tell what each of its threads does
        self._environ = {**os.environ, "PYTHONFAULTHANDLER": "1", **(environ or {})}
        self._waits = waits
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._ready = threading.Event()
        self.url = ""
        self.log: list[str] = []

    def start(self, seconds: float = 120.0) -> None:
        """Returns when the address was printed."""
        self.launch()
        self.wait_until_served(seconds)

    def launch(self) -> None:
        """Returns at once."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module, "run", "-c", str(self._config)],
            cwd=self._folder,
            env={**self._environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, name="program-log")
        self._reader.start()

    def wait_until_served(self, seconds: float = 120.0) -> None:
        """Returns when the address was printed."""
        assert self._ready.wait(seconds), f"no address within {seconds} s:\n{self._last_lines()}"
        assert self.url, f"ended before it served:\n{self._last_lines()}"

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.log.append(line)
            if found := _ADDRESS.search(line):
                self.url = found[1]
                self._ready.set()
        self._ready.set()

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def catches(self, number: signal.Signals) -> bool:
        """Whether it has said what is to be done at a signal, as the system tells it (Linux)."""
        told = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        caught = next(line.split()[1] for line in told.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught, 16) >> (number - 1) & 1)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float) -> int:
        """Its exit code; raises subprocess.TimeoutExpired."""
        assert self._process is not None
        code = self._process.wait(seconds)
        assert self._reader is not None
        self._reader.join(5)
        return code

    def get(self, path: str) -> Any:
        """The JSON under a path, such as `/api/v1/cameras`."""
        return json.loads(self.text(path))

    def text(self, path: str) -> str:
        """The body under a path."""
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return str(answer.read().decode())

    def is_ready(self) -> bool:
        """What `/readyz` says."""
        try:
            self.text("/readyz")
        except urllib.error.HTTPError as error:
            error.close()
            return False
        return True

    @property
    def degraded(self) -> dict[str, str]:
        """What `/readyz` names as ill, ready or not: by part, with the reason."""
        try:
            answer = self.text("/readyz")
        except urllib.error.HTTPError as error:
            with error:
                answer = error.read().decode()
        found: dict[str, str] = json.loads(answer)["degraded"]
        return found

    def camera(self, name: str) -> dict[str, Any]:
        """A camera as the API shows it."""
        found: dict[str, Any] = self.get(f"/api/v1/cameras/{name}")
        return found

    def wait_for_state(self, name: str, state: str, seconds: float = 10.0) -> float:
        """Wait until a camera is in a state; returns how long that took, in seconds."""
        begin = time.monotonic()
        eventually(f"camera {name} is {state}", lambda: self.camera(name)["state"] == state, seconds)
        return time.monotonic() - begin

    def __enter__(self) -> Self:
        self.launch()
        if self._waits:
            try:
                self.wait_until_served()
            except BaseException as error:
                self.__exit__(type(error), error, None)
                raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        process = self._process
        if process is None:
            return
        has_ended = process.poll() is not None or self._stop(process)
        if self._reader is not None:
            self._reader.join(5)
        if process.stdout is not None:
            process.stdout.close()
        if has_ended:
            return
        complaint = f"asked to stop, it had not ended after {_STOP_SECONDS:g} s:\n{self._last_lines()}"
        if error is None:
            raise AssertionError(complaint)
        error.add_note(complaint)

    def _stop(self, process: subprocess.Popen[str]) -> bool:
        """Whether it ended when it was asked to; it has ended in any case."""
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
            return False
        self.stops.append(time.monotonic() - begin)
        return True

    def _last_lines(self) -> str:
        return "".join(self.log[-_LAST_LINES:])
