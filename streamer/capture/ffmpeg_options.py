"""The options FFmpeg is opened with, for each kind of source. Pure.

FFmpeg ignores an unknown option in silence, so a test shows of each of these that this FFmpeg knows it.
"""

from __future__ import annotations

from streamer.capture.addresses import Address, Kind
from streamer.config import CameraConfig

__all__ = ["option_sets"]

_MICROSECONDS = 1_000_000
# What FFmpeg may open on behalf of the stream (RTSP's redirects, playlists): nothing of another kind, and never a file.
_PROTOCOLS = {
    (Kind.RTSP, False): "rtsp,rtp,udp,tcp",
    (Kind.RTSP, True): "rtsp,rtp,tls,tcp",
    (Kind.HTTP, False): "http,https,tls,tcp",
    (Kind.HTTP, True): "https,tls,tcp",
}
_MJPEG_FORMATS = "mpjpeg,mjpeg"
_HLS_FORMATS = f"{_MJPEG_FORMATS},hls,mpegts,mov,mp4,m4a"


def option_sets(address: Address, camera: CameraConfig) -> list[dict[str, str]]:
    """The options to open with: the first set that the device takes. All but webcams have one set."""
    if address.kind is Kind.RTSP:
        return [_rtsp(address, camera)]
    if address.kind is Kind.HTTP:
        return [_http(address, camera)]
    if address.kind is Kind.WEBCAM:
        return _webcam(address, camera)
    # A file's name is a name, also where it holds a percent sign; and a playlist in it may lead nowhere else.
    return [{"protocol_whitelist": "file", "pattern_type": "none"}]


def _rtsp(address: Address, camera: CameraConfig) -> dict[str, str]:
    return {
        "rtsp_transport": camera.transport,
        "timeout": str(round(camera.open_timeout * _MICROSECONDS)),  # of each socket operation; FFmpeg < 5: stimeout
        "allowed_media_types": "video",  # sets up no audio: nothing to receive and throw away
        "protocol_whitelist": _PROTOCOLS[Kind.RTSP, address.secure],
        "fflags": "discardcorrupt",
        # No frames held back to guess a rate that nobody needs: 0.6 s sooner live. `nobuffer` in its place would throw
        # the probed packets away, the first key frame among them: up to one key frame interval later live.
        "fpsprobesize": "0",
        # No waiting for a first decoding time, which FFmpeg knows of H.264 only after 7 decoded frames: 0.3 s sooner
        # live at 25 frames a second, and 7 s at 1 a second. Nobody looks at these times.
        "max_ts_probe": "0",
        "max_delay": "200000",  # µs to wait for a late UDP packet before going on without it
        "buffer_size": "1048576",  # of the UDP socket: a key frame comes as one burst
    }


def _http(address: Address, camera: CameraConfig) -> dict[str, str]:
    options = {
        "timeout": str(round(camera.open_timeout * _MICROSECONDS)),
        "protocol_whitelist": _PROTOCOLS[Kind.HTTP, address.secure],
        "max_redirects": "0",  # FFmpeg would follow them to any host: see `streamer.capture.redirects`
        "format_whitelist": _MJPEG_FORMATS,
        "fpsprobesize": "0",
    }
    if camera.allow_hls:
        options["format_whitelist"] = _HLS_FORMATS
        options["protocol_whitelist"] += ",crypto"
    return options


def _webcam(address: Address, camera: CameraConfig) -> list[dict[str, str]]:
    options = {}
    if camera.webcam_size:
        options["video_size"] = camera.webcam_size
    if camera.webcam_fps:
        options["framerate"] = f"{camera.webcam_fps:g}"
    elif address.input_format == "avfoundation":
        options["framerate"] = "30"  # its default, 29.97, is refused by most built-in cameras
    if address.input_format == "v4l2" and options:
        # USB carries large pictures at full rate only as JPEG, and FFmpeg would take an uncompressed format first.
        return [options | {"input_format": "mjpeg"}, options]
    return [options]
