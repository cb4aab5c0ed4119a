"""How a stream is decoded: without delay, and without painting over what is damaged where that can be had."""

from __future__ import annotations

from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext

__all__ = ["set_up_decoder"]


def set_up_decoder(context: VideoCodecContext, *, threads: int, live: bool, deblock: bool, lossy: bool) -> None:
    """Before the first packet is decoded, after which nothing of this can be set any more.

    lossy: parts of the stream may be missing or damaged when they arrive.
    """
    options = {}
    if not deblock:
        options["skip_loop_filter"] = "all"
    if lossy and context.name == "hevc":
        # It marks no picture as damaged, but refuses what is with this. Not for all: it also refuses whole pictures
        # that come with flawed additional information.
        options["err_detect"] = "explode"
    context.options = options
    # Frame threads would add a frame of delay each; cameras seldom send slices that others could work on.
    context.thread_count = threads
    if threads > 1:
        context.thread_type = "FRAME"
    if live:
        context.flags |= Flags.low_delay
