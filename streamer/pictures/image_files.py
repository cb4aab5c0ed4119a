"""Picture files and uploads become pixels: the header is read first, and decides whether anything is decoded."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from streamer.errors import ImageError, SourceError
from streamer.pictures.picture import ArrayPicture, Picture, Pixels

__all__ = ["ImageHeader", "decode_image", "read_header", "read_picture"]

Kind = Literal["jpeg", "png", "webp"]

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
# Of a JPEG before its pixels. Cameras write a dozen; an ICC profile or a depth map takes up to 255 more.
_MOST_SEGMENTS = 2000
# Of a progressive JPEG, each of which goes over the whole picture: encoders write about ten, and a file of a few MB
# can hold thousands, which keep a decoder busy for minutes.
_MOST_SCANS = 100
# A marker, after whatever fills the gap before it, of which libjpeg skips any amount
_MARKER = re.compile(rb"\xff[^\xff\x00]")
_LONGEST_GAP = 64 * 1024
# Of a JPEG that isn't progressive: each block of 64 pixels takes at least two bits, and libjpeg makes grey of what is
# missing
_MOST_PIXELS_PER_BYTE = 64 * 8 // 2
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


@dataclass(frozen=True, slots=True)
class ImageHeader:
    """What a file says about itself. width, height: pixels as stored, before it is turned upright.

    scans_from: where a JPEG's first scan begins. progressive: whether it may have many.
    """

    kind: Kind
    width: int
    height: int
    scans_from: int = 0
    progressive: bool = False

    @property
    def pixels(self) -> int:
        """Of the whole picture."""
        return self.width * self.height

    def reduction(self, needed: float) -> Literal[1, 2, 4, 8]:
        """By how much it can be shrunk while it is decoded, which only JPEG can. needed: least size / full size."""
        if self.kind == "jpeg":
            for factor in (8, 4, 2):
                if factor * needed <= 1:
                    return factor
        return 1


def read_header(data: bytes) -> ImageHeader:
    """Of a JPEG, PNG or WebP. Raises ImageError. Reads little of the data, whatever it is."""
    if not data:
        raise ImageError("empty", "the image is empty")
    if data.startswith(_JPEG):
        header = _jpeg_header(data)
    elif data.startswith(_PNG):
        header = _png_header(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        header = _webp_header(data)
    else:
        raise ImageError("unsupported", "not an image that can be read: send JPEG, PNG or WebP")
    if not (header.width and header.height):
        raise ImageError("damaged", f"the image says that it is {header.width}x{header.height} pixels")
    return header


def decode_image(data: bytes, header: ImageHeader, *, reduction: Literal[1, 2, 4, 8] = 1) -> Pixels:
    """(height, width, 3) BGR, turned upright; alpha is dropped, 16 bit, grey and CMYK are converted.

    reduction: as `header.reduction` allows; sides are divided by it and rounded up. Raises ImageError.
    """
    if header.kind == "jpeg":
        _check_scans(data, header)
    bgr = _decode(data, _REDUCED[reduction])
    if bgr is None:
        raise ImageError("damaged", "the image is damaged or incomplete")
    said = (-(-header.height // reduction), -(-header.width // reduction))
    if bgr.shape[:2] not in {said, said[::-1]}:
        raise ImageError("damaged", "the image is not of the size that its header says")
    return bgr


def read_picture(path: Path) -> Picture:
    """A picture file of any kind that OpenCV reads, turned upright. Raises SourceError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}", retry=False) from None
    bgr = None
    try:
        bgr = decode_image(data, read_header(data))
    except ImageError as error:
        if error.fault == "unsupported":
            bgr = _decode(data, cv2.IMREAD_COLOR)
    if bgr is None:
        raise SourceError(
            f"{path}: not a picture that can be read (JPEG, PNG, WebP, BMP, TIFF), or damaged", retry=False
        )
    return ArrayPicture(bgr)


def _decode(data: bytes, flags: int) -> Pixels | None:
    try:
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    return None if bgr is None else bgr.astype(np.uint8, copy=False)


def _png_header(data: bytes) -> ImageHeader:
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise ImageError("damaged", "the PNG has no header")
    if data.rfind(b"IEND", len(data) - 64 * 1024 if len(data) > 64 * 1024 else 0) < 0:
        # libpng would say so on standard error
        raise ImageError("damaged", "the PNG is incomplete")
    width, height = struct.unpack_from(">II", data, 16)
    return ImageHeader("png", width, height)


def _webp_header(data: bytes) -> ImageHeader:
    if len(data) < 30 or struct.unpack_from("<I", data, 4)[0] + 8 > len(data):
        raise ImageError("damaged", "the WebP is incomplete")
    chunk = data[12:16]
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    elif chunk == b"VP8L" and data[20] == 0x2F:
        bits = struct.unpack_from("<I", data, 21)[0]
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif chunk == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    else:
        raise ImageError("damaged", "the WebP holds no picture")
    return ImageHeader("webp", width, height)


def _jpeg_header(data: bytes) -> ImageHeader:
    """Goes from marker to marker as libjpeg does, to the first frame header and on to its first scan."""
    at, frame, progressive = 2, None, False
    for _ in range(_MOST_SEGMENTS):
        found = _MARKER.search(data, at, at + _LONGEST_GAP)
        if found is None or found.start() + 9 > len(data):
            break
        at = found.start()
        marker = data[at + 1]
        if marker in _STANDALONE:
            at += 2
            continue
        if marker == _END_OF_IMAGE:
            break
        length = struct.unpack_from(">H", data, at + 2)[0]
        if marker in _START_OF_FRAME:
            frame, progressive = struct.unpack_from(">HH", data, at + 5), marker in {0xC2, 0xC6, 0xCA, 0xCE}
        if marker == _START_OF_SCAN and frame is not None:
            return ImageHeader("jpeg", frame[1], frame[0], scans_from=at, progressive=progressive)
        at += 2 + max(2, length)
    raise ImageError("damaged", "the JPEG has no picture in it")


def _check_scans(data: bytes, header: ImageHeader) -> None:
    """Older OpenCVs fill what is missing of a truncated JPEG with grey; nothing may go over a picture for minutes."""
    if data.rfind(b"\xff\xd9", header.scans_from) < 0:
        raise ImageError("damaged", "the JPEG is incomplete")
    if header.progressive:
        # In a scan, 0xFF is followed by 0 or a restart marker: what is counted is scans, but for a chance in a table
        at = header.scans_from
        for _ in range(_MOST_SCANS):
            at = data.find(b"\xff\xda", at + 2)
            if at < 0:
                return
        raise ImageError("damaged", f"the JPEG has more than {_MOST_SCANS} scans")
    if len(data) - header.scans_from < header.pixels // _MOST_PIXELS_PER_BYTE:
        raise ImageError("damaged", "the JPEG is incomplete")
