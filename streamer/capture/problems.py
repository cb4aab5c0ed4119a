"""FFmpeg's errors in plain English, with what to do about them. Nothing of a URL's user part is ever in them."""

from __future__ import annotations

import errno
import socket

import av.error

from streamer.capture.addresses import Address, Kind
from streamer.errors import SourceError
from streamer.redaction import redact

__all__ = ["NoStreamError", "opening_problem", "reading_problem"]

_HTTP_PROBLEMS: tuple[tuple[type[av.error.FFmpegError], str], ...] = (
    (av.error.HTTPForbiddenError, "the camera forbids access to this stream (403)"),
    (av.error.HTTPNotFoundError, "no such stream at the camera (404): check the path"),
    (av.error.HTTPTooManyRequestsError, "the camera is asked too often (429)"),
    (av.error.HTTPServerError, "the camera reports an error of its own (5xx): too many viewers, or restart it"),
    (
        av.error.HTTPClientError,
        "the camera refused the request (4xx): try the other transport (tcp or udp), check the path",
    ),
)
_SOCKET_PROBLEMS = {
    errno.ECONNREFUSED: "nothing answers there (connection refused): is the camera on, and the port right?",
    errno.EHOSTUNREACH: "no route to the camera: is it on, and in this network?",
    errno.ENETUNREACH: "no route to the camera: is this machine on the network?",
    errno.ECONNRESET: "the camera closed the connection",
    errno.EPIPE: "the camera closed the connection",
}


class NoStreamError(SourceError):
    """What answers at an HTTP address gave no stream, and FFmpeg doesn't tell why: it may be a redirect."""


def opening_problem(error: Exception, address: Address, *, elapsed: float, timeout: float) -> SourceError:
    """Why a source didn't open. `elapsed`: seconds it took to fail; `timeout`: seconds it had."""
    if isinstance(error, SourceError):
        return error
    if address.kind is Kind.WEBCAM:
        text, retry = _webcam_problem(error)
    elif address.kind is Kind.FILE:
        text, retry = _file_problem(error)
    else:
        text, retry = _network_problem(error, address, elapsed, timeout)
    unclear = address.kind is Kind.HTTP and getattr(error, "errno", None) == errno.EIO
    return (NoStreamError if unclear else SourceError)(redact(f"{address.shown}: {text}"), retry=retry)


def reading_problem(error: Exception, address: Address) -> SourceError:
    """Why a source that was open gave no more frames."""
    number = getattr(error, "errno", None)
    if isinstance(error, (av.error.ExitError, TimeoutError)):
        text = "no more data came"
    elif number == errno.ENODEV:
        text = "the device was unplugged"
    elif number == errno.EIO and address.kind in {Kind.RTSP, Kind.HTTP}:
        text = "the connection broke"
    else:
        text = _SOCKET_PROBLEMS.get(number or 0, "") or f"reading failed: {_words(error)}"
    return SourceError(redact(f"{address.shown}: {text}"))


def _network_problem(error: Exception, address: Address, elapsed: float, timeout: float) -> tuple[str, bool]:
    number = getattr(error, "errno", None)
    # FFmpeg's RTSP client reports a time-out as invalid data: only the clock tells the two apart.
    timed_out = isinstance(error, (av.error.ExitError, TimeoutError))
    if timed_out or (isinstance(error, av.error.InvalidDataError) and elapsed >= 0.9 * timeout):
        text = f"no answer within {timeout:g} s: is the address right, and the camera on?"
    elif isinstance(error, av.error.HTTPUnauthorizedError):
        text = "the camera asks for a user name and password (401): set username and password"
        if address.credentials:
            # FFmpeg knows no SHA-256, and of several kinds of Digest looks at the last one alone
            text = (
                "the camera refused the user name or password (401): if they are right, set its login to Basic or to "
                "Digest with MD5 alone"
            )
    elif isinstance(error, (av.error.HTTPClientError, av.error.HTTPError)):
        text = next((text for kind, text in _HTTP_PROBLEMS if isinstance(error, kind)), _words(error))
    elif number in _SOCKET_PROBLEMS:
        text = _SOCKET_PROBLEMS[number]
    elif isinstance(error, socket.gaierror) or (number == errno.EIO and address.host and not _resolves(address.host)):
        text = f"unknown host {address.host}: check the name, and this machine's DNS"
    elif isinstance(error, av.error.InvalidDataError) or number in {errno.EINVAL, errno.EIO}:
        text = _not_a_stream(address)
    else:
        text = _words(error)
    return text, True


def _not_a_stream(address: Address) -> str:
    if address.kind is Kind.RTSP:
        return "what answers there speaks no RTSP that is understood: check the port and the scheme"
    return (
        "what comes is no MJPEG stream: check the path (a picture's or a page's address won't do; HLS playlists need "
        "allow_hls: true)"
    )


def _resolves(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True


def _webcam_problem(error: Exception) -> tuple[str, bool]:
    number = getattr(error, "errno", None)
    texts: dict[int, str] = {
        errno.ENOENT: "no such device: is it plugged in?",
        errno.ENODEV: "no such device: is it plugged in?",
        errno.ENXIO: "no such device: is it plugged in?",
        errno.EACCES: "no permission: add this user to the group `video`, or allow the camera in the system's settings",
        errno.EPERM: "no permission: add this user to the group `video`, or allow the camera in the system's settings",
        errno.EBUSY: "in use by another program",
        errno.ENOTTY: "not a camera",
        errno.EINVAL: "the device can't do this size or rate: leave webcam_size and webcam_fps out, or choose others",
    }
    return texts.get(number or 0, _words(error)), True


def _file_problem(error: Exception) -> tuple[str, bool]:
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (FileNotFoundError, "no such file"),
        (IsADirectoryError, "a folder, not a video file"),
        (PermissionError, "no permission to read this file"),
        (av.error.InvalidDataError, "not a video file, or a damaged one"),
        (
            av.error.ArgumentError,
            "not a video file that stands alone (playlists that name other files are not followed)",
        ),
    )
    for kind, text in kinds:
        if isinstance(error, kind):
            return text, False
    return _words(error), True


def _words(error: Exception) -> str:
    """FFmpeg's own words, without the URL that follows them."""
    words = getattr(error, "strerror", None) or type(error).__name__
    return redact(str(words))
