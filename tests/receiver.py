"""A web server for webhooks that answers, refuses, stalls or drips as a test has it, and keeps what it was sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self

__all__ = ["Answer", "Receiver", "Request", "free_port"]


@dataclass(frozen=True)
class Answer:
    """What the server does with a request.

    act: `stall` answers nothing until the receiver's `answer` is replaced, `drip` a header byte by byte.
    """

    status: int = 200
    headers: Mapping[str, str] | None = None
    act: Literal["answer", "stall", "drip"] = "answer"


@dataclass(frozen=True)
class Request:
    """One that came, and the status that it was answered with; 0: none."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    status: int

    @property
    def key(self) -> str:
        """Of the event."""
        return self.headers["webhook-id"]


def free_port() -> int:
    """Of the loopback; nobody listens there now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Receiver:
    """Listens while the context is open; may be opened again. `answer` may be replaced at any time."""

    def __init__(self, answer: Callable[[Request], Answer] = lambda _: Answer()) -> None:
        self._answer = answer
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/hook/t0psecret"
        self._requests: list[Request] = []
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def answer(self) -> Callable[[Request], Answer]:
        """What it does with each request."""
        return self._answer

    @answer.setter
    def answer(self, answer: Callable[[Request], Answer]) -> None:
        with self._changed:
            self._answer = answer
            self._changed.notify_all()

    @property
    def requests(self) -> list[Request]:
        """In the order in which they came."""
        with self._changed:
            return list(self._requests)

    @property
    def delivered(self) -> list[str]:
        """The keys of the events that were taken, in order, each as often as it was."""
        return [request.key for request in self.requests if 200 <= request.status < 300]

    def wait(self, what: str, look: Callable[[Self], Any], seconds: float = 10.0) -> None:
        """Until `look` is true; AssertionError after so many seconds."""
        with self._changed:
            found = self._changed.wait_for(lambda: look(self), seconds)
        assert found, f"not within {seconds} s: {what}; {len(self.requests)} requests came"

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request, asked = Request(self.path, headers, body, 0), receiver.answer
                answer = asked(request)
                while answer.act == "stall":
                    receiver.note(request)
                    if not receiver.goes_on(asked) or _is_gone(self.connection):
                        self.close_connection = True
                        return
                    asked = receiver.answer
                    answer = asked(request)
                status = answer.status if answer.act == "answer" else 0
                receiver.note(replace(request, status=status))
                receiver.act(answer, self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = False  # joined at the end: a test leaves no thread behind

            def handle_error(self, *_: object) -> None:
                """A client that gave up on us is no news."""

        self._closing.clear()
        self._server = Server(("127.0.0.1", self.port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="receiver")
        self._thread.start()
        return self

    def note(self, request: Request) -> None:
        """Keep a request."""
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()

    def goes_on(self, asked: Callable[[Request], Answer]) -> bool:
        """Wait until another answer than this is to be given; False: the server closes."""
        with self._changed:
            changed = self._changed.wait_for(lambda: self._answer is not asked or self._closing.is_set(), 60)
        return changed and not self._closing.is_set()

    def act(self, answer: Answer, handler: BaseHTTPRequestHandler) -> None:
        """Answer, or don't."""
        handler.close_connection = True
        if answer.act == "drip":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not self._closing.wait(0.1):
                handler.wfile.write(b"x")
        else:
            handler.send_response(answer.status)
            for name, value in (answer.headers or {}).items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", "2")
            handler.end_headers()
            handler.wfile.write(b"ok")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._server is not None
        assert self._thread is not None
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()


def _is_gone(connection: socket.socket) -> bool:
    """Whether the client has hung up."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
