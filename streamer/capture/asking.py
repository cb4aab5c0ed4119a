"""Asks a camera what FFmpeg will ask it, to see where it redirects."""

from __future__ import annotations

import itertools
import socket
from urllib.parse import urljoin

from streamer.capture.addresses import Address, Kind
from streamer.capture.connecting import AUTHORITY, connect, rest_of, scheme_of, time_left
from streamer.capture.rtsp import Answer, authorization, request
from streamer.errors import SourceError
from streamer.source_urls import split_credentials

__all__ = ["redirection"]

_LARGEST = 256 * 1024  # bytes of an answer
_REDIRECTS = {301, 302, 303, 307, 308}  # of HTTP, as FFmpeg has them


def redirection(at: Address, connection: socket.socket, deadline: float) -> str | None:
    """Where the camera redirects to; None if it doesn't, or says what is for FFmpeg to understand.

    Raises SourceError for a refused login, which isn't tried twice; TimeoutError if nothing answers in time.
    """
    try:
        return (_of_rtsp if at.kind is Kind.RTSP else _of_http)(at, connection, deadline)
    except TimeoutError:
        raise
    except (OSError, ValueError):
        return None


def _of_rtsp(at: Address, connection: socket.socket, deadline: float) -> str | None:
    user, password, remainder = split_credentials(rest_of(at))
    url = f"{scheme_of(at)}://{remainder}"
    conversation, numbers = _Conversation(connection, deadline), itertools.count(1)

    def ask(method: str, login: str = "") -> Answer:
        conversation.send(request(method, url, next(numbers), login))
        answer = Answer.parse(conversation.head())
        conversation.skip(int(answer.first("content-length") or 0))
        return answer

    for method in ("OPTIONS", "DESCRIBE"):  # as FFmpeg does, which follows a redirect of either
        answer = ask(method)
        if answer.status == 401 and user:
            login = authorization(answer.all("www-authenticate"), method, url, user, password)
            answer = ask(method, login) if login else answer
            if login and answer.status == 401:
                raise SourceError(f"{at.shown}: the camera refused the user name or password (401)")
        if 300 <= answer.status < 400:
            return answer.first("location")
        if answer.status != 200:
            return None
    return None


def _of_http(at: Address, connection: socket.socket, deadline: float) -> str | None:
    user, password, remainder = split_credentials(rest_of(at))
    authority = AUTHORITY.match(remainder)
    if authority is None:
        return None
    path = remainder[authority.end() :].partition("#")[0]
    path = path if path.startswith("/") else f"/{path}"
    answer = _get(connection, authority[0], path, "", deadline)
    if answer.status == 401 and user:
        login = authorization(answer.all("www-authenticate"), "GET", path, user, password)
        again = connect(at, deadline) if login else None
        if again is None:
            return None
        with again:
            answer = _get(again, authority[0], path, login, deadline)
    location = answer.first("location")
    return urljoin(f"{scheme_of(at)}://{remainder}", location) if location and answer.status in _REDIRECTS else None


def _get(connection: socket.socket, host: str, path: str, login: str, deadline: float) -> Answer:
    """Of what follows the head nothing is read: it may be a stream."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "User-Agent: streamer", "Accept: */*", "Connection: close"]
    if login:
        lines.append(f"Authorization: {login}")
    conversation = _Conversation(connection, deadline)
    conversation.send("\r\n".join([*lines, "", ""]).encode())
    return Answer.parse(conversation.head(), "HTTP")


class _Conversation:
    """What is sent and received over one connection. All raise OSError, and ValueError if the answer is none."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._received = b""

    def send(self, data: bytes) -> None:
        self._connection.settimeout(time_left(self._deadline))
        self._connection.sendall(data)

    def head(self) -> bytes:
        """Up to the empty line, without it."""
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            self._receive()
        found, self._received = self._received[:end], self._received[end + 4 :]
        return found

    def skip(self, length: int) -> None:
        """So many bytes, of a body."""
        while len(self._received) < length:
            self._receive()
        self._received = self._received[length:]

    def _receive(self) -> None:
        self._connection.settimeout(time_left(self._deadline))
        more = self._connection.recv(65536)
        if not more or len(self._received) > _LARGEST:
            raise ValueError("no answer, or one without end")
        self._received += more
