"""A viewer on a bare socket, which reads when it is told to and not before."""

from __future__ import annotations

import json
import socket
import ssl
import struct
from types import TracebackType
from typing import Any, Self

from websockets.frames import Frame, Opcode

_HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: streamer.v1\r\n\r\n"
)


class RawViewer:
    """Connected, with the answer to its request read; a websocket by default, else whatever `request` asks for."""

    def __init__(
        self,
        port: int,
        *,
        receive_buffer: int | None = None,
        request: str = _HANDSHAKE,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="127.0.0.1")
        self.socket.sendall(request.format(port=port).encode())
        self.answer = b""
        while not self.answer.endswith(b"\r\n\r\n"):
            byte = self.socket.recv(1)
            if not byte:
                raise ConnectionResetError(f"the server closed the connection after {self.answer!r}")
            self.answer += byte

    def send(self, data: bytes, opcode: Opcode = Opcode.TEXT) -> None:
        """One websocket frame."""
        self.socket.sendall(Frame(opcode, data).serialize(mask=True))

    def subscribe(self, **subscription: Any) -> None:
        """A `subscribe` message."""
        self.send(json.dumps({"type": "subscribe", **subscription}).encode())

    def receive(self) -> tuple[int, bytes]:
        """The next frame: opcode and payload."""
        first, second = self._exactly(2)
        length = second & 127
        if length == 126:
            (length,) = struct.unpack(">H", self._exactly(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self._exactly(8))
        return first & 15, self._exactly(length)

    def close_code(self) -> int:
        """Read up to the close frame; returns its code."""
        while True:
            opcode, payload = self.receive()
            if opcode == Opcode.CLOSE:
                return int.from_bytes(payload[:2], "big")

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionResetError("the server closed the connection")
            data += part
        return data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.close()
