from __future__ import annotations

import io
import struct
import time
import zlib
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from streamer.errors import ImageError
from streamer.pictures.image_files import ImageHeader, decode_image, read_header
from streamer.pictures.picture import Pixels


def scene(width: int = 96, height: int = 64) -> Pixels:
    """Red at the left, blue at the right, darker below."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    bgr = np.stack([255 * x, 40 + 0 * x, 255 * (1 - x)], axis=2) * (1 - 0.5 * y[..., None])
    return bgr.astype(np.uint8)


def saved(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(scene()[..., ::-1]).convert(mode).save(out, kind, **options)
    return out.getvalue()


def decoded(data: bytes) -> Pixels:
    return decode_image(data, read_header(data))


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


def png16(channels: int) -> bytes:
    deep = scene().astype(np.uint16) * 257
    if channels == 1:
        deep = deep[..., 2]
    elif channels == 4:
        deep = np.dstack([deep, np.full(deep.shape[:2], 65535, np.uint16)])
    return cv2.imencode(".png", deep)[1].tobytes()


@pytest.mark.parametrize(
    ("data", "tolerance"),
    [
        (saved("JPEG", quality=95), 6),
        (saved("JPEG", quality=95, progressive=True), 6),
        (saved("JPEG", "CMYK", quality=95), 8),
        (saved("PNG"), 1),
        (saved("PNG", "RGBA"), 1),
        (saved("PNG", "P"), 40),  # 256 colours
        (png16(3), 1),
        (png16(4), 1),
        (saved("WEBP", lossless=True), 2),
        (saved("WEBP", "RGBA", lossless=True), 2),
        (saved("WEBP", quality=95), 10),
    ],
)
def test_colours_come_out_as_they_went_in(data: bytes, tolerance: int) -> None:
    header, pixels = read_header(data), decoded(data)
    assert (header.width, header.height) == (96, 64)
    assert pixels.shape == (64, 96, 3)
    assert np.abs(pixels.astype(int) - scene()).mean() < tolerance


@pytest.mark.parametrize("data", [saved("JPEG", "L"), saved("PNG", "L"), saved("PNG", "LA"), png16(1)])
def test_grey_pictures_have_three_equal_channels(data: bytes) -> None:
    pixels = decoded(data)
    assert pixels.shape == (64, 96, 3)
    assert (pixels[..., 0] == pixels[..., 2]).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_the_picture_upright(kind: str, orientation: int) -> None:
    upright = scene()
    # what a camera stores that was held so
    stored: dict[int, Pixels] = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: np.rot90(upright, 3),
    }
    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(stored[orientation][..., ::-1])).save(
        out, kind, exif=exif(orientation), quality=95
    )
    pixels = decoded(out.getvalue())
    assert pixels.shape == upright.shape
    assert np.abs(pixels.astype(int) - upright).mean() < 10


@pytest.mark.parametrize(
    ("needed", "reduction"), [(1.0, 1), (0.51, 1), (0.5, 2), (0.3, 2), (0.25, 4), (0.1, 8), (0.01, 8)]
)
def test_a_jpeg_is_shrunk_while_decoding_but_never_below_what_is_needed(needed: float, reduction: int) -> None:
    header = ImageHeader("jpeg", 97, 65)
    assert header.reduction(needed) == reduction
    assert ImageHeader("png", 97, 65).reduction(needed) == 1


@pytest.mark.parametrize("reduction", [1, 2, 4, 8])
def test_reduced_sides_are_rounded_up(reduction: Any) -> None:
    data = cv2.imencode(".jpg", scene(97, 65))[1].tobytes()
    pixels = decode_image(data, read_header(data), reduction=reduction)
    assert pixels.shape[:2] == (-(-65 // reduction), -(-97 // reduction))


def png_bomb(width: int, height: int) -> bytes:
    """A few bytes that say they are gigapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


def test_the_size_is_known_before_anything_is_decoded() -> None:
    header = read_header(png_bomb(50_000, 50_000))
    assert header.pixels == 2_500_000_000
    jpeg = bytearray(saved("JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 60_000, 60_000)
    assert read_header(bytes(jpeg)).pixels == 3_600_000_000


def many_scans(scans: int) -> bytes:
    jpeg = saved("JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    return jpeg[:last] + jpeg[last:-2] * scans + b"\xff\xd9"


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "empty"),
        (b"hello, this is text", "unsupported"),
        (b"GIF89a" + bytes(100), "unsupported"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported"),
        (b"\xff\xd8\xff", "damaged"),
        (b"\xff\xd8\xff\xe0", "damaged"),
        (saved("JPEG")[:200], "damaged"),
        (saved("JPEG")[:-400], "damaged"),
        (saved("PNG")[:-20], "damaged"),
        (saved("PNG")[:20], "damaged"),
        (saved("WEBP")[:-20], "damaged"),
        (saved("WEBP")[:14], "damaged"),
        (b"RIFF\x20\0\0\0WEBPJUNK" + bytes(100), "damaged"),
        (png_bomb(0, 10), "damaged"),
        (png_bomb(3000, 2000), "damaged"),  # its pixels are missing
        (b"\xff\xd8" + b"\xff" * 5_000_000, "damaged"),
        (b"\xff\xd8" + b"\xff\xfe\0\2" * 1_000_000, "damaged"),
        (many_scans(2000), "damaged"),
    ],
)
def test_what_can_not_be_read_is_told_within_50_ms(data: bytes, fault: str) -> None:
    begin = time.process_time()
    with pytest.raises(ImageError) as caught:
        decoded(data)
    assert caught.value.fault == fault
    assert time.process_time() - begin < 0.05
