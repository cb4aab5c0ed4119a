"""An RTSP server that does what a script says: refuses, keeps silent, redirects, sends whatever it is told to."""

from __future__ import annotations

import contextlib
import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterable
from itertools import count
from types import TracebackType
from typing import NamedTuple, Self

from tests.system.faults.rtp import Moment, packets

__all__ = ["Answer", "Script", "ScriptedRtsp", "audio_only", "plays", "redirects", "refuses", "says_nothing"]

_REQUEST = re.compile(
    rb"(?P<method>[A-Z_]+) (?P<url>\S+) RTSP/1\.0\r\n(?:.*?\r\n)?CSeq: *(?P<number>\d+)", re.DOTALL | re.IGNORECASE
)
_VIDEO = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track0\r\n"
_PCMU, _PCMU_SILENCE, _AUDIO_SAMPLES = 0, b"\xff", 160  # payload type; a sample; samples of a packet: 20 ms
_AUDIO = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:track1\r\n"


class Answer(NamedTuple):
    """To one request."""

    status: str = "200 OK"
    headers: tuple[str, ...] = ()
    body: str = ""


class Script(NamedTuple):
    """answer: to a method; None: never. moments: makes the video that is sent from PLAY on. audio: is sent, too."""

    answer: Callable[[str], Answer | None]
    moments: Callable[[], Iterable[Moment]] = tuple
    audio: bool = False


def _plainly(method: str, media: str = _VIDEO) -> Answer:
    if method == "DESCRIBE":
        sdp = f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n{media}"
        return Answer(headers=("Content-Type: application/sdp",), body=sdp)
    if method == "SETUP":
        return Answer(headers=("Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1;timeout=60"))
    return Answer(headers=("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN", "Session: 1"))


def plays(moments: Callable[[], Iterable[Moment]], *, audio: bool = False) -> Script:
    """Serves video; it may well end, with the connection left open. Audio is offered, too.

    audio: it is sent as well, for ever, as some cameras do to whoever plays the video, whether he asked for it or not.
    """
    return Script(lambda method: _plainly(method, _VIDEO + _AUDIO), moments, audio)


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
    """Serves one script at `url` while the context is open.

    asked: counts the requests by method. began_at: when the first client came, and ended_at: when the video ended for
    the last one, UTC s; None: not yet.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: dict[str, int] = {}
        self.began_at: float | None = None
        self.ended_at: float | None = None
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
        self.began_at = self.began_at or time.time()
        gone = threading.Event()
        writing = threading.Lock()
        players: list[threading.Thread] = []
        received = b""
        with contextlib.suppress(OSError):
            while more := connection.recv(65536):
                received += more
                while b"\r\n\r\n" in received:
                    request, _, received = received.partition(b"\r\n\r\n")
                    method = self._answer(connection, writing, request)
                    if method == "PLAY" and not players:
                        players = [
                            threading.Thread(target=play, args=(connection, writing, gone), name=play.__name__)
                            for play in (self._play_video, self._play_audio)
                        ]
                        for player in players:
                            player.start()
        gone.set()
        for player in players:
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

    def _play_video(self, connection: socket.socket, writing: threading.Lock, gone: threading.Event) -> None:
        with contextlib.suppress(OSError):
            for wait, sent in packets(self.script.moments()):
                if gone.wait(wait):
                    return
                with writing:
                    connection.sendall(b"".join(struct.pack(">cBH", b"$", 0, len(each)) + each for each in sent))
            self.ended_at = time.time()

    def _play_audio(self, connection: socket.socket, writing: threading.Lock, gone: threading.Event) -> None:
        """Silence, as RTP on the channel that a client would ask for as its second."""
        if not self.script.audio:
            return
        with contextlib.suppress(OSError):
            for number in count():
                if gone.wait(_AUDIO_SAMPLES / 8000):
                    return
                timestamp = number * _AUDIO_SAMPLES % 0x100000000
                header = struct.pack(">BBHII", 0x80, _PCMU, number % 0x10000, timestamp, 0xA0D10)
                packet = header + _PCMU_SILENCE * _AUDIO_SAMPLES
                with writing:
                    connection.sendall(struct.pack(">cBH", b"$", 2, len(packet)) + packet)

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
