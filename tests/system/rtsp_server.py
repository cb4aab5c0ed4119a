"""A real RTSP server for tests, which can be killed, started again on the same port, frozen and thawed."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.requirements import require

__all__ = ["RtspServer", "free_port"]

_SYSTEM_PYTHON = "/usr/bin/python3"
_SCRIPT = Path(__file__).with_name("rtsp_gst.py")
_START_SECONDS = 15.0


def free_port() -> int:
    """A TCP port of the loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@functools.cache
def _missing() -> str:
    """What this machine lacks for the server, or nothing."""
    check = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if (
        not Path(_SYSTEM_PYTHON).exists()
        or subprocess.run([_SYSTEM_PYTHON, "-c", check], capture_output=True, check=False).returncode
    ):
        return "GStreamer's RTSP server (gir1.2-gst-rtsp-server-1.0, python3-gi, gstreamer1.0-plugins-good and -bad)"
    return ""


class RtspServer:
    """Serves rtsp://127.0.0.1:PORT/NAME for each mount while the context is open.

    The files must hold `codec`, without B-frames and with a key frame at least each second, as cameras send it.
    """

    def __init__(
        self,
        mounts: Mapping[str, Path],
        *,
        port: int | None = None,
        codec: Literal["h264", "h265"] = "h264",
        user: str = "",
        password: str = "",
        digest: bool = False,
        spread: float = 1.0,
    ) -> None:
        """spread: seconds of film that lie between the first and the last of the mounts."""
        require(not _missing(), _missing())
        self.port = port or free_port()
        self._settings = {
            "port": self.port,
            "mounts": {name: str(path) for name, path in mounts.items()},
            "codec": codec,
            "user": user,
            "password": password,
            "digest": digest,
            "spread": spread,
        }
        self._process: subprocess.Popen[str] | None = None

    def url(self, name: str) -> str:
        """The address of a mount, without user and password."""
        return f"rtsp://127.0.0.1:{self.port}/{name}"

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, or start again on the same port; returns when connections are taken."""
        assert self._process is None, "the server runs already"
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
        process = self._process = subprocess.Popen(
            [_SYSTEM_PYTHON, str(_SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,  # Ctrl-C is for the test alone
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(self._settings) + "\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
        if not ready or process.stdout.readline().strip() != "ready":
            self.kill()
            raise RuntimeError(f"the RTSP server on port {self.port} did not start within {_START_SECONDS:.0f} s")

    def kill(self) -> None:
        """End it at once, as a power cut would; connections are reset by the kernel."""
        process, self._process = self._process, None
        if process is None:
            return
        self._signal(process, signal.SIGKILL)
        process.wait(timeout=10)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def freeze(self) -> None:
        """Send nothing from now on, with all connections left open."""
        assert self._process is not None
        self._signal(self._process, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after `freeze`."""
        assert self._process is not None
        self._signal(self._process, signal.SIGCONT)

    @staticmethod
    def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
