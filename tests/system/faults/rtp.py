"""H.264 as RTP packets (RFC 6184): what a camera sends, made of a clip, to be bent at will. No socket, no clock."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple

import av
from av.bitstream import BitStreamFilterContext

__all__ = ["CLOCK", "Moment", "access_units", "packets", "steady"]

CLOCK = 90_000  # of RTP timestamps, a second
_START_CODE = re.compile(rb"\x00?\x00\x00\x01")
_PAYLOAD_TYPE = 96
_LARGEST = 1200  # bytes of a packet's payload
_FU_A = 28


class Moment(NamedTuple):
    """One frame to send. wait: seconds after the one before. timestamp: of RTP, in 1/90,000 s."""

    wait: float
    timestamp: int
    nals: Sequence[bytes]


def access_units(clip: Path) -> list[list[bytes]]:
    """The frames of an H.264 clip, each as its NAL units; key frames carry SPS and PPS."""
    units = []
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        annexb = BitStreamFilterContext("h264_mp4toannexb", stream)
        for packet in container.demux(stream):
            if packet.size:
                units += [_START_CODE.split(bytes(each))[1:] for each in annexb.filter(packet)]
    return units


def steady(units: Sequence[Sequence[bytes]], *, fps: float = 25.0) -> Iterator[Moment]:
    """The frames, again and again, at a steady rate."""
    for number in count():
        yield Moment(1 / fps, round(number * CLOCK / fps), units[number % len(units)])


def packets(moments: Iterable[Moment], *, ssrc: int = 0x57A3) -> Iterator[tuple[float, list[bytes]]]:
    """Seconds to wait, and then the RTP packets to send."""
    sequence = 0
    for moment in moments:
        payloads = [payload for nal in moment.nals for payload in _payloads(nal)]
        sent = []
        for number, payload in enumerate(payloads):
            last = 0x80 if number == len(payloads) - 1 else 0
            header = struct.pack(
                ">BBHII", 0x80, _PAYLOAD_TYPE | last, sequence % 0x10000, moment.timestamp % 0x100000000, ssrc
            )
            sent.append(header + payload)
            sequence += 1
        yield moment.wait, sent


def _payloads(nal: bytes) -> Iterator[bytes]:
    """A NAL unit as it is, or in fragments."""
    if len(nal) <= _LARGEST:
        yield nal
        return
    indicator, kind, body = nal[0] & 0xE0 | _FU_A, nal[0] & 0x1F, nal[1:]
    for at in range(0, len(body), _LARGEST):
        begin, end = 0x80 if at == 0 else 0, 0x40 if at + _LARGEST >= len(body) else 0
        yield bytes((indicator, begin | end | kind)) + body[at : at + _LARGEST]
