"""How a stream is decoded: without delay, and without painting over what is damaged where that can be had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import av
from av.codec.context import Flags
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

__all__ = ["DEBLOCKING", "Decoder"]

DEBLOCKING: Final = frozenset({"h264", "hevc"})
"""Codecs that smooth the edges of their blocks, which takes a fifth of their decoding, and can be left out."""


class Decoder:
    """Decodes the packets of one stream, and leaves the deblocking out while it isn't wanted.

    FFmpeg takes no other option once it decodes, so another decoder goes on, which only a key frame allows. What it
    decodes is whole, but errs a little more with each frame up to the next key frame, as the camera's encoder predicts
    from smoothed pictures.
    """

    def __init__(
        self, stream: VideoStream, *, threads: int, live: bool, lossy: bool, deblocks: Callable[[], bool]
    ) -> None:
        """threads: more than one add delay. lossy: parts of the stream may be missing or damaged when they arrive.

        deblocks: looked at before the first packet, and of a live stream at each key frame.
        """
        self._live, self._lossy, self._threads = live, lossy, threads
        self._deblocks = deblocks
        self._deblocking = deblocks()
        self._context = stream.codec_context
        self._set_up(self._context)
        self._may_change = live and self._context.name in DEBLOCKING  # a file may say how it is turned, too

    def decode(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        """The pictures that it completes. Raises av.error.FFmpegError."""
        held_back: list[VideoFrame] = []
        if packet.is_keyframe and self._may_change and self._deblocks() != self._deblocking:
            held_back = self._change()
        return held_back + self._context.decode(packet)

    def _change(self) -> list[VideoFrame]:
        """Another decoder goes on, with the deblocking as it is wanted now; returns what the last one still held."""
        before = self._context
        if before.has_b_frames:  # pictures from before the key frame may come after it
            return []
        held_back = before.decode(None)
        self._deblocking = not self._deblocking
        self._context = cast("VideoCodecContext", av.CodecContext.create(before.name, "r"))
        self._context.extradata = before.extradata
        self._set_up(self._context)
        return held_back

    def _set_up(self, context: VideoCodecContext) -> None:
        """Before the first packet is decoded, after which nothing of this can be set any more."""
        options = {}
        if not self._deblocking:
            options["skip_loop_filter"] = "all"
        if self._lossy and context.name == "hevc":
            # It marks no picture as damaged, but refuses what is with this. Not for all: it also refuses whole pictures
            # that come with flawed additional information.
            options["err_detect"] = "explode"
        context.options = options
        # Frame threads would add a frame of delay each; cameras seldom send slices that others could work on.
        context.thread_count = self._threads
        if self._threads > 1:
            context.thread_type = "FRAME"
        if self._live:
            context.flags |= Flags.low_delay
