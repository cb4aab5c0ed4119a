"""RTP over an RTSP connection (RFC 2326, 10.12) on a bad line. No socket, no clock."""

from __future__ import annotations

import re

from tests.system.faults.line import Line

__all__ = ["Interleaved"]

_CONTENT_LENGTH = re.compile(rb"^content-length:\s*(\d+)\s*$", re.IGNORECASE | re.MULTILINE)
_FRAME, _HEADER = ord("$"), 4  # of an interleaved frame: the mark, the channel, and two bytes of length


class Interleaved:
    """What a server sends over one connection: answers pass as they are, video goes over the line.

    Nothing is late: the connection keeps its order, so that what is behind would be late as well.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._waiting = b""

    def carry(self, data: bytes) -> bytes:
        """What arrives of it, and of what has come before."""
        self._waiting += data
        arrived = b""
        while size := self._complete():
            piece, self._waiting = self._waiting[:size], self._waiting[size:]
            arrived += self._frame(piece) if piece[0] == _FRAME else piece
        return arrived

    def _complete(self) -> int:
        """Bytes of the first frame or answer; 0: it isn't there as a whole yet."""
        waiting = self._waiting
        if waiting[:1] == b"$":
            size = _HEADER + int.from_bytes(waiting[2:4]) if len(waiting) >= _HEADER else 0
        else:
            head, end, _ = waiting.partition(b"\r\n\r\n")
            length = _CONTENT_LENGTH.search(head)
            size = len(head) + len(end) + (int(length[1]) if length else 0) if end else 0
        return size if size <= len(waiting) else 0

    def _frame(self, piece: bytes) -> bytes:
        channel = piece[1]
        if channel % 2:  # RTCP
            return piece
        carried = self._line.carry(piece[_HEADER:])
        if carried is None:
            return b""
        _late, packet = carried
        return bytes((_FRAME, channel)) + len(packet).to_bytes(2) + packet
