"""A peer that repeats in its error whatever it was asked, passwords too: the worst that a camera or a hook may do."""

from __future__ import annotations

import socketserver
import threading
from types import TracebackType
from typing import Self

__all__ = ["EchoingPeer"]


class _Handler(socketserver.StreamRequestHandler):
    timeout = 5

    def handle(self) -> None:
        """As many requests as come: who tries again with a password does so on the same connection."""
        while self._answer_one():
            pass

    def _answer_one(self) -> bool:
        """A request of RTSP or HTTP: it is asked who it is, and told what it said. Whether another may follow."""
        lines: list[bytes] = []
        while (line := self.rfile.readline(8192).strip()) and len(lines) < 50:
            lines.append(line)
        if not lines:
            return False
        said = b" ".join(lines)
        is_rtsp = b"RTSP/" in lines[0]
        assert isinstance(self.server, _Server)
        self.server.heard.append(said.decode("latin-1"))
        head = [
            (b"RTSP/1.0" if is_rtsp else b"HTTP/1.1") + b" 401 refused: " + said,
            *(line for line in lines if line.lower().startswith(b"cseq")),
            b'WWW-Authenticate: Basic realm="camera"',
            b"X-Asked: " + said,
            b"Content-Length: 0",
        ]
        self.wfile.write(b"\r\n".join(head) + b"\r\n\r\n")
        return is_rtsp  # the body of an HTTP request is not read


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = False  # waited for when it closes
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[str] = []


class EchoingPeer:
    """Listens on a free port while the context is open. heard: the requests, each in one line."""

    def __init__(self) -> None:
        self._server = _Server()
        self.heard = self._server.heard
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="echoing-peer")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
