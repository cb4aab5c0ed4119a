"""Websocket frames as no client sends them, and what the protocol (RFC 6455) demands in answer to each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tests.system.faults.figures import Figure
from tests.system.raw_viewer import RawViewer

__all__ = ["frame", "protocol_cases"]

_FINAL, _RESERVED_BIT = 0x80, 0x40
_CONTINUATION, _TEXT, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x8, 0x9, 0xA
_NORMAL, _PROTOCOL_ERROR, _INVALID_DATA = 1000, 1002, 1007
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
    _Case("goodbye", [_closing(1000)], _NORMAL),
    _Case("goodbye with a code that may not be sent", [_closing(1005)], _PROTOCOL_ERROR),
    _Case("goodbye with half a code", [frame(_FINAL | _CLOSE, b"\x03")], _PROTOCOL_ERROR),
    _Case("goodbye with a reason that is no UTF-8", [frame(_FINAL | _CLOSE, b"\x03\xe8\xff")], _INVALID_DATA),
)  # fmt: skip


def protocol_cases(port: int) -> list[Figure]:
    """One figure: how many of the cases were answered otherwise, each on a connection of its own."""
    wrong = [f"{case.name}: {got}, not {case.code}" for case in _CASES if (got := _answer(port, case)) != case.code]
    what = f"{len(_CASES)} websocket protocol cases"
    return [Figure.at_most(what, f"answered otherwise{''.join(f' ({each})' for each in wrong)}", len(wrong), 0, "")]


def _answer(port: int, case: _Case) -> int:
    with RawViewer(port) as viewer:
        for data in case.frames:
            viewer.socket.sendall(data)
        while case.code == 0:
            _, payload = viewer.receive()
            if b'"pong"' in payload[:40]:
                return 0
        return viewer.close_code()
