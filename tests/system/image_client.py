"""A client of the image service that sends exactly what it is told, and a list of uploads that nobody should send."""

from __future__ import annotations

import http.client
import io
import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

__all__ = ["Answer", "form", "hostile_uploads", "post", "post_image"]

BOUNDARY = "----------made-up-boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


class Answer(NamedTuple):
    """Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Hostile(NamedTuple):
    """A request that is to be refused. body: bytes, or chunks that are sent chunked."""

    what: str
    body: bytes | Sequence[bytes]
    headers: dict[str, str]
    method: str = "POST"
    path: str = "/analyze"


def form(*images: bytes, field: str = "image") -> bytes:
    """A multipart body, as the original's client made it."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{i}.jpg"\r\n'
        f"Content-Type: image/jpeg\r\n\r\n".encode()
        + image
        + b"\r\n"
        for i, image in enumerate(images)
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def post(
    url: str, path: str, body: bytes | Sequence[bytes], headers: dict[str, str], *, method: str = "POST"
) -> Answer:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        chunked = not isinstance(body, bytes)
        connection.request(method, path, body, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def post_image(url: str, *images: bytes, path: str = "/analyze", accept: str = "*/*", **headers: str) -> Answer:
    """Images as a form."""
    return post(url, path, form(*images), {"Content-Type": MULTIPART, "Accept": accept, **headers})


def _saved(kind: str, size: tuple[int, int] = (640, 480), **options: Any) -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (size[1] // 8, size[0] // 8, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).resize(size).save(out, kind, **options)
    return out.getvalue()


def _png(width: int, height: int, data: bytes, *, depth: int = 8, colour: int = 2) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _jpeg_of(width: int, height: int) -> bytes:
    """A small JPEG that says it is larger."""
    data = bytearray(_saved("JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def _images() -> Iterator[tuple[str, bytes]]:
    """Not one of them is a whole image of a size that is allowed."""
    jpeg, png, webp = _saved("JPEG"), _saved("PNG"), _saved("WEBP")
    progressive = _saved("JPEG", progressive=True)
    last = progressive.rindex(b"\xff\xda")
    yield "empty", b""
    yield "text", b"this is not an image"
    yield "html", b"<html><script>alert(1)</script></html>"
    yield "svg", b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>"
    yield "gif", b"GIF89a" + bytes(500)
    yield "pdf", b"%PDF-1.7\n" + bytes(500)
    yield "elf", b"\x7fELF" + bytes(5000)
    yield "zeros", bytes(1_000_000)
    yield "playlist", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"
    yield "mp4", b"\0\0\0\x20ftypisom" + bytes(500)
    for kind, data in (("jpeg", jpeg), ("png", png), ("webp", webp)):
        for share in (0.01, 0.3, 0.9):
            yield f"{kind} cut off at {share:.0%}", data[: max(5, int(len(data) * share))]
        if kind != "webp":  # whose decoder makes a picture of any bytes
            yield f"{kind} of zeros after its header", data[:40] + bytes(len(data) - 40)
    yield "jpeg magic only", b"\xff\xd8\xff\xe0"
    yield "jpeg of nothing but markers", b"\xff\xd8" + b"\xff\xfe\0\2" * 200_000
    yield "jpeg of nothing but fill bytes", b"\xff\xd8" + b"\xff" * 1_000_000
    yield "jpeg of 65500x65500", _jpeg_of(65500, 65500)
    yield "jpeg of 0x0", _jpeg_of(0, 0)
    yield "jpeg larger than its data", _jpeg_of(6000, 6000)
    yield "jpeg of 3000 scans", progressive[:last] + progressive[last:-2] * 3000 + b"\xff\xd9"
    yield "png of 50000x50000", _png(50_000, 50_000, zlib.compress(bytes(3_000_000)))
    yield "png of 4 gigapixels", _png(65_535, 65_535, zlib.compress(bytes(1000)))
    yield "png of a negative width", _png(0xFFFFFFFF, 10, zlib.compress(bytes(1000)))
    yield "png with no lines", _png(3000, 2000, zlib.compress(b""))
    yield "png of a wrong depth", _png(30, 20, zlib.compress(bytes(10_000)), depth=7)
    yield "webp of 16383x16383", webp[:12] + b"VP8L\x0a\0\0\0\x2f" + (0x0FFFFFFF).to_bytes(4, "little") + bytes(20_000)
    yield "9 MiB", jpeg + bytes(9 * 1024 * 1024)


def hostile_uploads() -> Iterator[Hostile]:
    """More than fifty."""
    jpeg = _saved("JPEG")
    kind = {"Content-Type": MULTIPART}
    raw = {"Content-Type": "image/jpeg"}
    for what, data in _images():
        yield Hostile(f"{what}, in a form", form(data), kind)
    for what, data in list(_images())[::4]:
        yield Hostile(f"{what}, as the body", data, raw)
    yield Hostile("another field", form(jpeg, field="img"), kind)
    yield Hostile("two images where one is asked for", form(jpeg, jpeg), kind)
    yield Hostile("a form without parts", f"--{BOUNDARY}--\r\n".encode(), kind)
    yield Hostile("a form that does not end", form(jpeg)[:-30], kind)
    yield Hostile("a form of something else", b"a=b&c=d", kind)
    yield Hostile("a form without a boundary", form(jpeg), {"Content-Type": "multipart/form-data"})
    yield Hostile("another boundary", form(jpeg), {"Content-Type": "multipart/form-data; boundary=other"})
    yield Hostile("a boundary of 5000", form(jpeg), {"Content-Type": f"multipart/form-data; boundary={'x' * 5000}"})
    yield Hostile("a header of 100 kB in a part", f"--{BOUNDARY}\r\nX-A: {'a' * 100_000}".encode(), kind)
    yield Hostile("5000 fields", b"".join(form(b"", field=f"f{i}")[: -len(BOUNDARY) - 6] for i in range(5000)), kind)
    yield Hostile("no content type", jpeg, {})
    yield Hostile("json", b"{}", {"Content-Type": "application/json"})
    yield Hostile("urlencoded", b"image=1", {"Content-Type": "application/x-www-form-urlencoded"})
    yield Hostile("a wrong width", form(jpeg), kind, path="/analyze?width=9999999999")
    yield Hostile("a wrong quality", form(jpeg), kind, path="/analyze?quality=best")
    yield Hostile("GET", b"", {}, "GET")
    yield Hostile("PUT", form(jpeg), kind, "PUT")
    yield Hostile("DELETE", b"", {}, "DELETE")
    yield Hostile("chunks without end", [bytes(65536)] * 400, {**raw, "Transfer-Encoding": "chunked"})
    yield Hostile("17 images", form(*[jpeg] * 17), kind, path="/api/v1/analyze")
