"""An RTSP server that does what a script says: refuses, keeps silent, redirects, sends whatever it is told to."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import NamedTuple, Self

from tests.system.faults.rtp import Moment, packets

__all__ = ["Answer", "Script", "ScriptedRtsp", "audio_only", "plays", "redirects", "refuses", "says_nothing"]

_REQUEST = re.compile(
    rb"(?P<method>[A-Z_]+) (?P<url>\S+) RTSP/1\.0\r\n(?:.*?\r\n)?CSeq: *(?P<number>\d+)", re.DOTALL | re.IGNORECASE
)
_VIDEO = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track0\r\n"
_AUDIO = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:track1\r\n"


class Answer(NamedTuple):
    """To one request."""

    status: str = "200 OK"
    headers: tuple[str, ...] = ()
    body: str = ""


class Script(NamedTuple):
    """answer: to a method; None: never. moments: makes the video that is sent from PLAY on."""

    answer: Callable[[str], Answer | None]
    moments: Callable[[], Iterable[Moment]] = tuple


def _plainly(method: str, media: str = _VIDEO) -> Answer:
    if method == "DESCRIBE":
        sdp = f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n{media}"
        return Answer(headers=("Content-Type: application/sdp",), body=sdp)
    if method == "SETUP":
        return Answer(headers=("Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1;timeout=60"))
    return Answer(headers=("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN", "Session: 1"))


def plays(moments: Callable[[], Iterable[Moment]]) -> Script:
    """Serves video; it may well end, with the connection left open. Audio is offered, too."""
    return Script(lambda method: _plainly(method, _VIDEO + _AUDIO), moments)


def audio_only() -> Script:
    """A microphone."""
    return Script(lambda method: _plainly(method, _AUDIO))


def refuses(status: str, *, at: str = "DESCRIBE") -> Script:
    """Answers a method with this status, such as `404 Not Found`."""
    return Script(lambda method: Answer(status) if method == at else _plainly(method))


def redirects(location: str) -> Script:
    """Sends whoever asks for the stream elsewhere."""
    moved = Answer("302 Found", (f"Location: {location}",))
    return Script(lambda method: moved if method == "DESCRIBE" else _plainly(method))


def says_nothing() -> Script:
    """Takes connections, and never answers."""
    return Script(lambda _method: None)


class ScriptedRtsp:
    """Serves one script at `url` while the context is open; `asked` counts the requests by method."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: dict[str, int] = {}
        self._closing = threading.Event()
        self._connections: set[socket.socket] = set()
        outer = self

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                outer._serve(self.request)

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self.url = f"rtsp://127.0.0.1:{self.port}/cam"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="scripted-rtsp")

    @property
    def connected(self) -> int:
        """Clients that are connected now."""
        return len(self._connections)

    def _serve(self, connection: socket.socket) -> None:
        """One client, until it goes."""
        self._connections.add(connection)
        gone = threading.Event()
        writing = threading.Lock()
        player: threading.Thread | None = None
        received = b""
        with contextlib.suppress(OSError):
            while more := connection.recv(65536):
                received += more
                while b"\r\n\r\n" in received:
                    request, _, received = received.partition(b"\r\n\r\n")
                    method = self._answer(connection, writing, request)
                    if method == "PLAY" and player is None:
                        player = threading.Thread(target=self._play, args=(connection, writing, gone), name="rtp")
                        player.start()
        gone.set()
        if player is not None:
            player.join()
        self._connections.discard(connection)

    def _answer(self, connection: socket.socket, writing: threading.Lock, request: bytes) -> str:
        found = _REQUEST.search(request)
        if found is None:  # a receiver report, most likely
            return ""
        method = found["method"].decode()
        self.asked[method] = self.asked.get(method, 0) + 1
        answer = self.script.answer(method)
        if answer is not None:
            lines = [f"RTSP/1.0 {answer.status}", f"CSeq: {found['number'].decode()}", *answer.headers]
            if answer.body:
                lines.append(f"Content-Length: {len(answer.body)}")
            with writing:
                connection.sendall(("\r\n".join(lines) + "\r\n\r\n" + answer.body).encode())
        return method

    def _play(self, connection: socket.socket, writing: threading.Lock, gone: threading.Event) -> None:
        with contextlib.suppress(OSError):
            for wait, sent in packets(self.script.moments()):
                if gone.wait(wait):
                    return
                with writing:
                    connection.sendall(b"".join(struct.pack(">cBH", b"$", 0, len(each)) + each for each in sent))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        for connection in list(self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.server_close()  # waits for all handlers
