"""What a camera's `source` means: its kind, the URL or device FFmpeg is given, and what may be shown of it. Pure."""

from __future__ import annotations

import base64
import re
import sys
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from streamer.config import CameraConfig
from streamer.errors import SourceError
from streamer.redaction import redact, register_secret
from streamer.source_urls import URL_SCHEMES, split_credentials

__all__ = ["Address", "Kind", "is_live", "locate", "shown"]

# FFmpeg's RTSP client keeps "user:password" in 128 bytes and cuts the rest off in silence (libavformat/rtsp.c).
_RTSP_CREDENTIALS_MAX = 127
# RFC 3986 lets these stand unencoded in the user part; leaving them saves room under the limit above.
_UNENCODED = "!$&'()*+,;="
_URL = re.compile(r"^(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?P<rest>.*)$", re.DOTALL)
_PORT = re.compile(r":(\d*)$")
_DEVICE = re.compile(r"^/dev/video\d+$")
_MEDIA_SUFFIX = re.compile(r"\.[A-Za-z0-9]{2,5}$")


class Kind(StrEnum):
    """How a source is opened and read."""

    RTSP = "rtsp"
    HTTP = "http"
    WEBCAM = "webcam"
    FILE = "file"
    DEMO = "demo"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a source is. `url` may hold a password: it goes to FFmpeg and nowhere else; `shown` is for people.

    url: a URL, a file's path, or the device as its FFmpeg input names it. input_format: FFmpeg's name of the webcam
    input, else None. secure: over TLS. credentials: a user name is in the URL.
    """

    kind: Kind
    url: str = field(repr=False)
    shown: str
    input_format: str | None = None
    secure: bool = False
    credentials: bool = False
    host: str = ""


def is_live(camera: CameraConfig) -> bool:
    """Whether its frames come when it sends them. False too where the source makes no sense."""
    try:
        return locate(camera).kind not in {Kind.FILE, Kind.DEMO}
    except SourceError:
        return False


def locate(camera: CameraConfig, platform: str = sys.platform) -> Address:
    """The address of a camera's source on this platform (as in `sys.platform`). Raises SourceError."""
    source = camera.source.strip()
    if source.lower() == "demo":
        return Address(Kind.DEMO, "", "demo")
    if match := _URL.match(source):
        return _network(match["scheme"].lower(), match["rest"], camera)
    if source.isascii() and source.isdigit():
        return _webcam(source, platform, index=int(source))
    if _DEVICE.match(source) or (platform in {"darwin", "win32"} and _names_a_webcam(source)):
        return _webcam(source, platform)
    return Address(Kind.FILE, source, source)


def shown(camera: CameraConfig) -> str:
    """A camera's source as people may see it, also where it can't be used."""
    try:
        return locate(camera).shown
    except SourceError:
        return redact(camera.source)


def _network(scheme: str, rest: str, camera: CameraConfig) -> Address:
    user, password, remainder = split_credentials(rest)
    register_secret(password)
    if camera.username:
        user, password = camera.username, camera.password.get_secret_value()
        register_secret(password)
    if password:
        # As it is sent to the camera, which may repeat it in an error that FFmpeg prints
        register_secret(base64.b64encode(f"{user}:{password}".encode()).decode())
    shown = redact(f"{scheme}://{remainder}")
    if scheme not in URL_SCHEMES:
        raise SourceError(f"{shown}: {scheme}:// can't be read; use {', '.join(URL_SCHEMES)}", retry=False)
    if ":" in user:
        raise SourceError(f"{shown}: a user name can't hold a colon", retry=False)
    userinfo = ""
    if user:
        userinfo = quote(user, safe=_UNENCODED) + (":" + quote(password, safe=_UNENCODED) if password else "")
    kind = Kind.RTSP if scheme.startswith("rtsp") else Kind.HTTP
    if kind is Kind.RTSP and len(userinfo) > _RTSP_CREDENTIALS_MAX:
        raise SourceError(
            f"{shown}: user name and password take {len(userinfo)} characters in the URL, and more than "
            f"{_RTSP_CREDENTIALS_MAX} can't be sent over RTSP (signs other than letters and digits take three each)",
            retry=False,
        )
    authority = re.split(r"[/?#]", remainder, maxsplit=1)[0]
    return Address(
        kind,
        f"{scheme}://{userinfo}@{remainder}" if userinfo else f"{scheme}://{remainder}",
        shown,
        secure=scheme.endswith("s"),
        credentials=bool(user),
        host=_PORT.sub("", authority).strip("[]"),
    )


def _names_a_webcam(source: str) -> bool:
    """Whether a text on macOS or Windows is a device's name rather than a path."""
    looks_like_a_path = "/" in source or "\\" in source or _MEDIA_SUFFIX.search(source)
    return source.startswith("video=") or not (looks_like_a_path or Path(source).exists())


def _webcam(source: str, platform: str, index: int | None = None) -> Address:
    shown = f"webcam {source}"
    if platform == "darwin":
        return Address(Kind.WEBCAM, f"{source}:none", shown, "avfoundation")
    if platform == "win32":
        # DirectShow knows devices by name only: an index is looked up when it is opened.
        name = source if index is not None else f"video={source.removeprefix('video=')}"
        return Address(Kind.WEBCAM, name, shown, "dshow")
    return Address(Kind.WEBCAM, f"/dev/video{index}" if index is not None else source, shown, "v4l2")
