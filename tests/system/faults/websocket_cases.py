"""Websocket frames and messages as no client sends them, and what must answer each: what RFC 6455 says, or we do."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from websockets.frames import Frame, Opcode

from tests.system.faults.figures import Figure
from tests.system.raw_viewer import RawViewer

__all__ = ["flood", "frame", "message_cases", "protocol_cases"]

_FINAL, _RESERVED_BIT = 0x80, 0x40
_CONTINUATION, _TEXT, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x8, 0x9, 0xA
_NORMAL, _PROTOCOL_ERROR, _INVALID_DATA, _TOO_LARGE = 1000, 1002, 1007, 1009
_NO_ANSWER = -1
_MESSAGE = b'{"type": "ping", "t": 1}'


class _Case(NamedTuple):
    """code: with which the connection is closed in answer; 0: it isn't, and the frames make one message."""

    name: str
    frames: Sequence[bytes]
    code: int


def frame(first: int, data: bytes, *, masked: bool = True) -> bytes:
    """A websocket frame with a mask of zeros, whether or not the protocol allows it. first: its first byte."""
    mask = 0x80 if masked else 0
    length = bytes((mask | len(data),)) if len(data) < 126 else bytes((mask | 126,)) + len(data).to_bytes(2)
    return bytes((first,)) + length + (bytes(4) if masked else b"") + data


def _closing(code: int) -> bytes:
    return frame(_FINAL | _CLOSE, code.to_bytes(2))


_KIB_16 = b"x" * 16 * 1024
_DEEP = 10_000
_BEGIN, _END = frame(_TEXT, _MESSAGE[:5]), frame(_FINAL | _CONTINUATION, _MESSAGE[5:])
_CASES = (
    _Case("a message in three parts", [_BEGIN, frame(_CONTINUATION, b""), _END], 0),
    _Case("a ping between two parts", [_BEGIN, frame(_FINAL | _PING, b"hello"), _END], 0),
    _Case("a pong that nobody asked for", [frame(_FINAL | _PONG, b"x"), frame(_FINAL | _TEXT, _MESSAGE)], 0),
    _Case("a reserved bit", [frame(_FINAL | _RESERVED_BIT | _PING, b"")], _PROTOCOL_ERROR),
    _Case("a reserved opcode", [frame(_FINAL | 0x3, b"x")], _PROTOCOL_ERROR),
    _Case("a reserved control opcode", [frame(_FINAL | 0xB, b"")], _PROTOCOL_ERROR),
    _Case("a ping in parts", [frame(_PING, b"x")], _PROTOCOL_ERROR),
    _Case("a ping of 126 bytes", [frame(_FINAL | _PING, bytes(126))], _PROTOCOL_ERROR),
    _Case("a frame without a mask", [frame(_FINAL | _TEXT, _MESSAGE, masked=False)], _PROTOCOL_ERROR),
    _Case("a part without a beginning", [frame(_FINAL | _CONTINUATION, b"x")], _PROTOCOL_ERROR),
    _Case("a message inside another one", [frame(_TEXT, b"x"), frame(_FINAL | _TEXT, b"y")], _PROTOCOL_ERROR),
    _Case("a character cut off at the end", [frame(_TEXT, b"\xe2"), frame(_FINAL | _CONTINUATION, b"")], _INVALID_DATA),
    _Case("no UTF-8 in the second part", [frame(_TEXT, b"x"), frame(_FINAL | _CONTINUATION, b"\xff")], _INVALID_DATA),
    _Case("text that isn't UTF-8", [frame(_FINAL | _TEXT, b"\xff\xfe")], _INVALID_DATA),
    _Case("80 KiB in five parts", [frame(_TEXT, _KIB_16), *[frame(_CONTINUATION, _KIB_16)] * 4], _TOO_LARGE),
    _Case("64 KiB + 1 whole", [Frame(Opcode.TEXT, b"x" * (64 * 1024 + 1)).serialize(mask=True)], _TOO_LARGE),
    _Case("goodbye", [_closing(1000)], _NORMAL),
    _Case("goodbye with a code that may not be sent", [_closing(1005)], _PROTOCOL_ERROR),
    _Case("goodbye with half a code", [frame(_FINAL | _CLOSE, b"\x03")], _PROTOCOL_ERROR),
    _Case("goodbye with a reason that is no UTF-8", [frame(_FINAL | _CLOSE, b"\x03\xe8\xff")], _INVALID_DATA),
)  # fmt: skip


# With the code of the error that answers them; the connection stays open.
_MESSAGES = (
    (b'{"type": "shutdown"}', "unknown_type"),
    (b'{"type": "Subscribe"}', "unknown_type"),
    (b'{"type": null}', "unknown_type"),
    (b'{"type": 7}', "unknown_type"),
    (b'{"type": ["ping"]}', "unknown_type"),
    (b"{}", "unknown_type"),
    (b'{"type": "ping"}', "invalid"),
    (b'{"type": "subscribe", "cameras": {}}', "invalid"),
    (b'{"type": "subscribe", "cameras": ["nowhere"]}', "unknown_camera"),
    (b"[]", "malformed"),
    (b"", "malformed"),
    (b"[" * _DEEP + b"]" * _DEEP, "malformed"),
)
_FLOOD = 1000
_ASK_EVERY = 5
_OBEYED = 70  # 40 at once, and then 10 a second


def protocol_cases(port: int) -> list[Figure]:
    """One figure: how many of the cases were answered otherwise, each on a connection of its own."""
    wrong = [f"{case.name}: {got}, not {case.code}" for case in _CASES if (got := _answer(port, case)) != case.code]
    return [_otherwise(f"{len(_CASES)} websocket protocol cases", wrong)]


def message_cases(port: int) -> list[Figure]:
    """One figure: how many of the messages were answered otherwise, all on one connection, which stays open."""
    wrong = []
    try:
        with RawViewer(port) as viewer:
            for message, code in _MESSAGES:
                viewer.send(message)
                if (got := _message(viewer, "error")["code"]) != code:
                    wrong.append(f"{message[:40].decode()}: {got}, not {code}")
            viewer.send(_MESSAGE)
            _message(viewer, "pong")
    except OSError as error:
        wrong.append(str(error))
    return [_otherwise(f"{len(_MESSAGES)} messages of unknown types, or malformed", wrong)]


def flood(port: int) -> Figure:
    """A thousand subscribes at once: how many are obeyed in the first two seconds, going by pings in between."""
    obeyed = 0
    try:
        with RawViewer(port) as viewer:
            begin = time.monotonic()
            for number in range(1, _FLOOD + 1):
                viewer.subscribe(cameras="*", frames="none")
                if number % _ASK_EVERY == 0:
                    viewer.send(json.dumps({"type": "ping", "t": number}).encode())
            while time.monotonic() - begin < 2:
                opcode, payload = viewer.receive()
                if opcode == Opcode.TEXT and (message := json.loads(payload))["type"] == "pong":
                    obeyed = int(message["t"])
    except OSError:
        obeyed = _NO_ANSWER
    fault, holds = f"{_FLOOD} subscribes at once", 0 < obeyed <= _OBEYED
    return Figure.exactly(fault, "obeyed in the first 2 s", obeyed, f"1 to {_OBEYED}", holds=holds)


def _otherwise(what: str, wrong: Sequence[str]) -> Figure:
    return Figure.at_most(what, f"answered otherwise{''.join(f' ({each})' for each in wrong)}", len(wrong), 0, "")


def _answer(port: int, case: _Case) -> int:
    """The code; -1: the server isn't there, or closed without one."""
    try:
        with RawViewer(port) as viewer:
            for data in case.frames:
                viewer.socket.sendall(data)
            if case.code == 0:
                _message(viewer, "pong")
                return 0
            return viewer.close_code()
    except OSError:
        return _NO_ANSWER


def _message(viewer: RawViewer, kind: str) -> dict[str, Any]:
    """The next one of a type. Raises ConnectionError when the connection is closed first."""
    while True:
        opcode, payload = viewer.receive()
        if opcode == Opcode.CLOSE:
            raise ConnectionResetError(f"closed with {int.from_bytes(payload[:2])} instead of: {kind}")
        if opcode == Opcode.TEXT and (message := json.loads(payload))["type"] == kind:
            return dict(message)
