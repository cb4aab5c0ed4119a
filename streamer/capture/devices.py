"""Webcams, as this build of FFmpeg knows them."""

from __future__ import annotations

import av

from streamer.capture.addresses import Address, Kind
from streamer.errors import SourceError

__all__ = ["check_input", "ffmpeg_name"]


def check_input(address: Address) -> None:
    """Raises SourceError if FFmpeg can't read such devices here."""
    wanted = address.input_format
    if wanted and not any(wanted in name.split(",") for name in av.formats_available):
        raise SourceError(
            f"{address.shown}: this build of PyAV reads no webcams here (its FFmpeg has no {wanted} input)",
            retry=False,
        )


def ffmpeg_name(address: Address) -> str:
    """What FFmpeg calls it: DirectShow has no indices, so the device is looked up in its list. Raises SourceError."""
    if address.input_format != "dshow" or not address.url.isdigit():
        # A bare name may hold a colon, which FFmpeg would take for a protocol.
        return f"file:{address.url}" if address.kind is Kind.FILE else address.url
    devices = [device for device in av.enumerate_input_devices("dshow") if "video" in device.media_types]
    index = int(address.url)
    if index >= len(devices):
        names = ", ".join(device.description or device.name for device in devices) or "none"
        raise SourceError(f"{address.shown}: there is no such webcam; found: {names}")
    return f"video={devices[index].name}"
