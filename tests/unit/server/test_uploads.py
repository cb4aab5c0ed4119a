from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.config import ImagesConfig
from streamer.server.uploads import Upload, UploadMemory, UploadRefused, receive_images

CONFIG = ImagesConfig(max_bytes=20_000, max_images=3, max_upload_memory=1024 * 1024)
FORM = {"content-type": "multipart/form-data; boundary=BOUNDARY"}
RAW = {"content-type": "image/png"}


def part(data: bytes, name: str = "image") -> bytes:
    return b'--BOUNDARY\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), data)


def receive(
    chunks: Sequence[bytes], headers: Mapping[str, str], *, most: int = 1, memory: UploadMemory | None = None
) -> Sequence[Upload]:
    """What is made of a body that comes in these chunks; after the last one nothing comes any more."""
    left = list(chunks)

    async def take_one() -> dict[str, Any]:
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    async def all_of_it() -> Sequence[Upload]:
        with (memory or UploadMemory(CONFIG.max_upload_memory)).lease() as take:
            return await receive_images(headers, take_one, CONFIG, take, most=most)

    return asyncio.run(all_of_it())


@settings(max_examples=60, deadline=None)
@given(images=st.lists(st.binary(max_size=300), min_size=1, max_size=3), size=st.integers(1, 200))
def test_images_come_out_as_they_went_in_however_the_body_is_cut(images: list[bytes], size: int) -> None:
    images = [image.replace(b"BOUNDARY", b"") for image in images]
    body = part(b"1", "other") + b"".join(map(part, images)) + b"--BOUNDARY--\r\n"
    chunks = [body[i : i + size] for i in range(0, len(body), size)]
    uploads = receive(chunks, FORM, most=3)
    assert [upload.data for upload in uploads] == images
    assert [upload.digest for upload in uploads] == [hashlib.sha256(image).digest() for image in images]


def test_of_several_images_only_the_one_that_is_too_large_is_marked() -> None:
    body = part(b"small") + part(bytes(20_001)) + part(b"small, too") + b"--BOUNDARY--\r\n"
    assert [upload.too_large for upload in receive([body], FORM, most=3)] == [False, True, False]


@pytest.mark.parametrize(
    ("chunks", "headers", "status"),
    [
        ([bytes(20_001)], RAW, 413),
        ([bytes(1000)] * 21, RAW, 413),
        ([b""], RAW | {"content-length": "99999999"}, 413),  # before a byte is read
        ([part(bytes(20_001))], FORM, 413),
        ([part(b"1") + part(b"2") + b"--BOUNDARY--\r\n"], FORM, 413),
        ([part(b"1", "img") + b"--BOUNDARY--\r\n"], FORM, 400),
        ([part(b"1")], FORM, 400),  # it does not end
        ([b"nonsense"], FORM, 400),
        ([b""], {"content-type": "multipart/form-data"}, 400),
        ([b""], {"content-type": "text/plain"}, 415),
        ([b""], {}, 415),
    ],
)
def test_refusals(chunks: Sequence[bytes], headers: Mapping[str, str], status: int) -> None:
    with pytest.raises(UploadRefused) as caught:
        receive(chunks, headers)
    assert caught.value.status == status


def test_memory_is_bounded_over_all_requests_and_given_back() -> None:
    memory = UploadMemory(30_000)
    with memory.lease() as take:
        take(15_000)
        with pytest.raises(UploadRefused) as caught:
            receive([bytes(16_000)], RAW, memory=memory)
        assert caught.value.status == 503
    assert memory.used == 0
    assert receive([bytes(16_000)], RAW, memory=memory)
    assert memory.used == 0


def test_a_body_that_does_not_come_is_given_up() -> None:
    async def never() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    config = ImagesConfig(upload_timeout=0.05)
    with pytest.raises(UploadRefused) as caught:
        asyncio.run(receive_images(RAW, never, config, lambda _: None, most=1))
    assert caught.value.status == 408


def test_a_client_that_leaves_is_a_connection_error() -> None:
    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    with pytest.raises(ConnectionError):
        asyncio.run(receive_images(RAW, gone, CONFIG, lambda _: None, most=1))
