"""Receives images: in memory within bounds of size and time, as multipart fields or as a raw body."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Receive

from streamer.config import ImagesConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FIELD", "Upload", "UploadMemory", "UploadRefused", "receive_images"]

FIELD = "image"
_OVERHEAD = 16 * 1024  # bytes of a multipart body besides its images, for each of them
_OTHER_PARTS = 16  # fields of other names, which are passed over


class UploadRefused(Exception):  # noqa: N818 - no error of this program: an answer
    """The request as a whole can't be used. status, detail: of the answer."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Upload:
    """One image as it came. digest: SHA-256 of `data`. too_large: it was cut off, and `data` is empty."""

    data: bytes
    digest: bytes
    too_large: bool = False


class UploadMemory:
    """Counts the bytes of all requests that are being received or worked on. For one thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.used = 0

    @contextmanager
    def lease(self) -> Iterator[Callable[[int], None]]:
        """For one request: a function that takes so many bytes more, and raises UploadRefused when there are none."""
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if self.used + size > self._limit:
                raise UploadRefused(503, "too many images are being received; try again later")
            self.used += size
            taken += size

        try:
            yield take
        finally:
            self.used -= taken


async def receive_images(
    headers: Mapping[str, str], receive: Receive, config: ImagesConfig, take: Callable[[int], None], *, most: int
) -> Sequence[Upload]:
    """At least one and at most `most` images. Raises UploadRefused; ConnectionError when the client has left.

    An image that is larger than it may be is received to its end, but not kept, if there may be several.
    """
    limit = most * (config.max_bytes + _OVERHEAD)
    length = headers.get("content-length")
    if length is not None and length.isdecimal() and int(length) > limit:
        raise UploadRefused(413, f"the body has {int(length)} bytes; an image may have {config.max_bytes}")
    kind, options = _content_type(headers.get("content-type", ""))
    reader: _RawBody | _MultipartBody
    if kind == "multipart/form-data":
        reader = _MultipartBody(options.get(b"boundary", b""), config.max_bytes, most)
    elif kind.startswith("image/") or kind == "application/octet-stream":
        reader = _RawBody(config.max_bytes)
    else:
        what = f"not {kind[:80]}" if kind else "which this request does not say"
        raise UploadRefused(415, f"send multipart/form-data with a field {FIELD}, or image/... itself, {what}")
    try:
        async with asyncio.timeout(config.upload_timeout):
            await _read(receive, reader, take, limit)
    except TimeoutError:
        raise UploadRefused(408, f"the body did not arrive within {config.upload_timeout:g} s") from None
    return reader.finish()


async def _read(receive: Receive, reader: _RawBody | _MultipartBody, take: Callable[[int], None], limit: int) -> None:
    received = 0
    more = True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the client left")
        chunk = message.get("body", b"")
        more = message.get("more_body", False)
        received += len(chunk)
        if received > limit:
            raise UploadRefused(413, "the body is larger than its images may be")
        take(len(chunk))
        reader.feed(chunk)


def _content_type(value: str) -> tuple[str, dict[bytes, bytes]]:
    kind, options = parse_options_header(value)
    return kind.decode("latin-1").lower(), options


class _Image:
    """The bytes of one image as they come."""

    __slots__ = ("_chunks", "_digest", "_limit", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def too_large(self) -> bool:
        return self.size > self._limit

    def feed(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.too_large:
            self._chunks.clear()
        else:
            self._chunks.append(chunk)
            # as the chunks come: of a whole large image at once it would hold up the loop
            self._digest.update(chunk)

    def finish(self) -> Upload:
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        return Upload(data, self._digest.digest(), self.too_large)


class _RawBody:
    """The body is the image."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._image = _Image(limit)

    def feed(self, chunk: bytes) -> None:
        self._image.feed(chunk)
        if self._image.too_large:
            raise UploadRefused(413, f"the image has more than {self._limit} bytes")

    def finish(self) -> Sequence[Upload]:
        return [self._image.finish()]


class _MultipartBody:
    """Keeps the fields called `image`, and passes over the others."""

    def __init__(self, boundary: bytes, limit: int, most: int) -> None:
        self._limit = limit
        self._most = most
        self._images: list[_Image] = []
        self._others: list[str] = []
        self._current: _Image | None = None
        self._complete = False
        self._name, self._value = b"", b""
        self._disposition = b""
        if not boundary:
            raise UploadRefused(400, "the Content-Type of the multipart body names no boundary")
        try:
            self._parser = MultipartParser(boundary, self._callbacks())
        except FormParserError as error:
            raise UploadRefused(400, f"not multipart/form-data: {error}") from None

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise UploadRefused(400, f"not multipart/form-data: {error}") from None

    def finish(self) -> Sequence[Upload]:
        if not self._complete:
            raise UploadRefused(400, "the multipart body is incomplete")
        if not self._images:
            found = f"; found {', '.join(self._others)}" if self._others else ""
            raise UploadRefused(400, f"there is no field called {FIELD}{found}")
        return [image.finish() for image in self._images]

    def _callbacks(self) -> Any:
        def header_field(data: bytes, start: int, end: int) -> None:
            self._name += data[start:end]

        def header_value(data: bytes, start: int, end: int) -> None:
            self._value += data[start:end]

        def part_data(data: bytes, start: int, end: int) -> None:
            if self._current is not None:
                self._current.feed(data[start:end])
                if self._most == 1 and self._current.too_large:
                    raise UploadRefused(413, f"the image has more than {self._limit} bytes")

        return {
            "on_part_begin": self._begin_part,
            "on_header_field": header_field,
            "on_header_value": header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_data,
            "on_part_data": part_data,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self._current = None
        self._name, self._value, self._disposition = b"", b"", b""

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name, self._value = b"", b""

    def _begin_data(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if name != FIELD:
            self._others.append(name[:40])
            if len(self._others) > _OTHER_PARTS:
                raise UploadRefused(400, "too many fields")
            return
        if len(self._images) == self._most:
            raise UploadRefused(413, f"more than {self._most} image{'s' if self._most > 1 else ''} in one request")
        self._current = _Image(self._limit)
        self._images.append(self._current)

    def _end(self) -> None:
        self._complete = True
