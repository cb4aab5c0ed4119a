"""The wire, version 1: what a viewer may say, and how messages to it are framed. No socket, clock or thread.

Text messages are JSON objects with a `type`. A binary message is one picture: the length of its header (uint32, big
endian), the header (JSON in UTF-8: the `result` that the picture shows), and the JPEG.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from streamer import __version__
from streamer.errors import ProtocolError
from streamer.redaction import redact_document
from streamer.server.encoding import camera_object, event_object, result_body
from streamer.types import CameraStatus, Event, Result

__all__ = [
    "MAX_MESSAGE",
    "MESSAGE_TYPES",
    "SUBPROTOCOL",
    "VERSION",
    "ClientMessage",
    "Ping",
    "Subscribe",
    "encode_error",
    "encode_event",
    "encode_hello",
    "encode_picture",
    "encode_pong",
    "encode_result",
    "encode_stats",
    "finish_result",
    "parse_client_message",
    "picture_rest",
    "picture_start",
    "split_picture",
]

VERSION: Final = 1
SUBPROTOCOL: Final = "streamer.v1"
MAX_MESSAGE: Final = 64 * 1024  # bytes of one message from a viewer

_HEADER_LENGTH: Final = struct.Struct(">I")
_LARGEST_HEADER: Final = 16 * 1024 * 1024
_UNION_ARM: Final = re.compile(r"literal\[|tuple\[|constrained|int$|float$|bool$")


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Subscribe(_Message):
    """What the viewer wants from now on, in place of what it wanted before.

    cameras: ids, or "*" for all that the viewer may see. frames: pictures with boxes and labels, without, or no
    pictures but only results. max_fps: of each camera, a second. width: of pictures, pixels, never more than the
    camera's own. quality: of JPEGs.
    events: whether events of these cameras are sent; "*" for those of every camera that it may see.
    """

    type: Literal["subscribe"]
    cameras: Literal["*"] | Annotated[tuple[Annotated[str, Field(max_length=63)], ...], Field(max_length=256)] = "*"
    frames: Literal["annotated", "clean", "none"] = "none"
    max_fps: float | None = Field(default=None, gt=0, le=240)
    width: int | None = Field(default=None, ge=64, le=4096)
    quality: int = Field(default=80, ge=10, le=95)
    events: bool | Literal["*"] = True


class Ping(_Message):
    """Asks for a `pong` with the same number, such as the viewer's clock."""

    type: Literal["ping"]
    t: float | Annotated[int, Field(ge=-(2**53), le=2**53)]


ClientMessage = Subscribe | Ping
_MESSAGES: Final[Mapping[str, TypeAdapter[Any]]] = {"subscribe": TypeAdapter(Subscribe), "ping": TypeAdapter(Ping)}
MESSAGE_TYPES: Final = tuple(_MESSAGES)


def parse_client_message(text: str) -> ClientMessage:
    """Raises ProtocolError with the code `malformed`, `unknown_type` or `invalid`."""
    if not text:
        raise ProtocolError("malformed", "messages are text and not empty")
    try:
        document = from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise ProtocolError("malformed", f"not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ProtocolError("malformed", "a message is a JSON object with a type")
    kind = document.get("type")
    adapter = _MESSAGES.get(kind) if isinstance(kind, str) else None
    if adapter is None:
        raise ProtocolError("unknown_type", f"type must be one of {', '.join(_MESSAGES)}, found {_show(kind)}")
    try:
        # From the text: a strict schema takes a JSON list as a tuple, a Python list it would not
        message: ClientMessage = adapter.validate_json(text)
    except ValidationError as error:
        raise ProtocolError("invalid", _describe(error)) from None
    return message


def _describe(error: ValidationError) -> str:
    details = error.errors(include_url=False, include_context=False)
    first = details[0]
    # pydantic puts the arms of a union into the path: they are no keys
    path = ".".join(str(part) for part in first["loc"] if not _UNION_ARM.match(str(part)))
    if first["type"] == "extra_forbidden":
        return f"{path}: unknown key"
    if first["type"] == "missing":
        return f"{path}: missing"
    return f"{path}: {first['msg'][:1].lower()}{first['msg'][1:]}, found {_show(first['input'])}"


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


def encode_hello(cameras: Iterable[CameraStatus], *, privacy: str, role: str, session: bool) -> str:
    """The first message to a viewer. cameras: those that it may see. role: of its token; without tokens 'admin'.

    session: whether it signed in on the login page, and so can sign out.
    """
    about = {"version": VERSION, "server": __version__, "privacy": privacy, "role": role, "session": session}
    return _text({"type": "hello", **about, "cameras": [camera_object(status) for status in cameras]})


def encode_result(result: Result, *, model: str, age_ms: float) -> str:
    """A whole `result`. For many viewers, encode `result_body` once and finish it for each with `finish_result`."""
    return finish_result(result_body(result, model), age_ms).decode()


def finish_result(body: bytes, age_ms: float) -> bytes:
    """A `result` out of its body and the age of the frame at this moment, in milliseconds."""
    return _result_start(age_ms) + body[1:]


def _result_start(age_ms: float) -> bytes:
    return b'{"type":"result","age_ms":%.1f,' % age_ms


def encode_picture(header: bytes, jpeg: bytes) -> bytes:
    """A binary message. header: the finished `result` that the picture shows."""
    return b"".join((_HEADER_LENGTH.pack(len(header)), header, jpeg))


def picture_start(body: bytes, age_ms: float) -> bytes:
    """What of a picture's message differs from viewer to viewer; what follows it is `picture_rest`."""
    start = _result_start(age_ms)
    return _HEADER_LENGTH.pack(len(start) + len(body) - 1) + start


def picture_rest(body: bytes, jpeg: bytes) -> bytes:
    """What of a picture's message is the same for all viewers: the most of it. body: of the result that it shows."""
    return b"".join((memoryview(body)[1:], jpeg))


def split_picture(message: bytes) -> tuple[dict[str, Any], bytes]:
    """The result and the JPEG of a binary message. Raises ProtocolError."""
    if len(message) < _HEADER_LENGTH.size:
        raise ProtocolError("malformed", f"a picture's message has at least 4 bytes, not {len(message)}")
    (length,) = _HEADER_LENGTH.unpack_from(message)
    end = _HEADER_LENGTH.size + length
    if length > _LARGEST_HEADER or end > len(message):
        raise ProtocolError("malformed", f"a header of {length} bytes in a message of {len(message)}")
    try:
        header = from_json(message[_HEADER_LENGTH.size : end])
    except ValueError as error:
        raise ProtocolError("malformed", f"the picture's header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise ProtocolError("malformed", "the picture's header is not a JSON object")
    return header, message[end:]


def encode_event(event: Event, *, model: str) -> str:
    """An `event`."""
    return _text({"type": "event", **event_object(event, model)})


def encode_stats(figures: Mapping[str, Any]) -> str:
    """The `stats` of `streamer.server.statistics`."""
    return _text({"type": "stats", **figures})


def encode_pong(t: float) -> str:
    """The answer to a `ping`."""
    return _text({"type": "pong", "t": t})


def encode_error(code: str, message: str) -> str:
    """What was wrong with a message of the viewer."""
    return _text({"type": "error", "code": code, "message": message})


def _text(document: Mapping[str, Any]) -> str:
    return to_json(redact_document(document), inf_nan_mode="null").decode()
