"""The image service of the whole program, as its users meet it."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest

from streamer.config import Config
from streamer.config_file import parse_config
from streamer.drawing.annotate import COLOURS
from streamer.inference.model_store import ModelStore
from streamer.offline import OfflineAnalysis
from streamer.pictures.picture import Pixels
from tests.requirements import require
from tests.system.image_client import Answer, hostile_uploads, post, post_image
from tests.system.program import Program, eventually, weights

pytestmark = [pytest.mark.system, pytest.mark.models, pytest.mark.timeout(300)]

JSON = "application/json"
NO_CAMERA = {"cameras": [{"id": "nothing", "source": "nothing.mp4"}]}


def configuration(**sections: Any) -> dict[str, Any]:
    return {**NO_CAMERA, "models": weights(), **sections}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One for all tests that need nothing special."""
    with Program(tmp_path_factory.mktemp("images"), configuration()) as running:
        yield running


@pytest.fixture(scope="module")
def settings() -> Config:
    import yaml

    return parse_config(yaml.safe_dump(configuration()), name="test")


@pytest.fixture(scope="module")
def crowd(settings: Config) -> Path:
    """A photograph of five people."""
    return ModelStore(settings.models).path("demo-crowd")


def pixels_of(data: bytes) -> Pixels:
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert bgr is not None
    return bgr.astype(np.uint8, copy=False)


def jpeg(bgr: Pixels, quality: int = 92) -> bytes:
    return cv2.imencode(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()


def variants(crowd: Path) -> Iterator[bytes]:
    """The photograph again and again, never twice the same."""
    bgr = pixels_of(crowd.read_bytes())
    for i in range(1000):
        bgr[0, 0] = (i % 256, i // 256, 0)
        yield cv2.imencode(".png", bgr[: bgr.shape[0] // 2])[1].tobytes()


def test_what_the_originals_client_did_still_works(program: Program, crowd: Path) -> None:
    data = crowd.read_bytes()
    answer = post_image(program.url, data)
    assert answer.status == 200
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["x-cache"] == "miss"
    again = post_image(program.url, data)
    assert again.headers["x-cache"] == "hit"
    assert again.body == answer.body
    result = post_image(program.url, data, accept=JSON).json
    annotated, photograph = pixels_of(answer.body), pixels_of(data)
    assert annotated.shape == photograph.shape
    assert result["resolution"] == {"width": photograph.shape[1], "height": photograph.shape[0]}
    assert len(result["objects"]) == 5
    for face in result["objects"]:
        # the box is there, in the colour of the gender that the result tells
        edge = annotated[round(face["y"] + face["h"] / 2), round(face["x"])]
        assert np.abs(edge.astype(int) - COLOURS[face["gender"]["label"]]).max() < 60
        assert 0 < face["age"]["years"] < 80
        assert face["age"]["model"]["name"]
        middle = slice(round(face["y"] + face["h"] * 0.4), round(face["y"] + face["h"] * 0.6))
        across = slice(round(face["x"] + face["w"] * 0.4), round(face["x"] + face["w"] * 0.6))
        assert np.abs(annotated[middle, across].astype(int) - photograph[middle, across]).mean() < 8  # the face is not


def test_as_many_faces_as_the_command_line_finds(program: Program, settings: Config, crowd: Path) -> None:
    analysis = OfflineAnalysis(settings, ModelStore(settings.models))
    ((_, _, result),) = analysis.pictures([crowd])
    found = post_image(program.url, crowd.read_bytes(), accept=JSON).json
    assert not isinstance(result, Exception)
    assert [round(track.box[0], 1) for track in result.tracks] == [face["x"] for face in found["objects"]]
    for track, face in zip(result.tracks, found["objects"], strict=True):
        assert face["age"]["years"] == pytest.approx(track.age, abs=0.11)


def test_a_raw_body_and_several_images_in_one_request(program: Program, crowd: Path) -> None:
    data = crowd.read_bytes()
    raw = post(program.url, "/analyze", data, {"Content-Type": "image/jpeg", "Accept": JSON})
    assert len(raw.json["objects"]) == 5
    grey = jpeg(np.full((200, 300, 3), 128, np.uint8))
    answer = post_image(program.url, data, b"no image", grey, data[:5000], data, path="/api/v1/analyze")
    assert answer.status == 200
    first, second, third, fourth, fifth = answer.json
    assert first["objects"] == fifth["objects"] == raw.json["objects"]
    assert second["status"] == 415
    assert third["objects"] == []
    assert third["resolution"] == {"width": 300, "height": 200}
    assert fourth["status"] == 422


def test_a_large_picture_is_shrunk_for_work_and_answered_in_its_own_pixels(program: Program, crowd: Path) -> None:
    small = pixels_of(crowd.read_bytes())
    large = jpeg(cv2.resize(small, None, fx=3000 / small.shape[1], fy=3000 / small.shape[1]).astype(np.uint8))
    scale = 3000 / small.shape[1]
    found = post_image(program.url, large, accept=JSON).json
    expected = post_image(program.url, crowd.read_bytes(), accept=JSON).json
    assert found["resolution"]["width"] == 3000
    assert len(found["objects"]) == len(expected["objects"])
    for face, small_face in zip(found["objects"], expected["objects"], strict=True):
        assert abs(face["x"] - small_face["x"] * scale) < 0.15 * face["w"]
        assert abs(face["h"] - small_face["h"] * scale) < 0.15 * face["h"]
    assert pixels_of(post_image(program.url, large).body).shape[1] == 3000
    assert pixels_of(post_image(program.url, large, path="/analyze?width=640").body).shape[1] == 640


def test_fifty_hostile_uploads_are_refused_fast_and_cost_no_memory(program: Program, crowd: Path) -> None:
    process = psutil.Process(program.pid)
    uploads = list(hostile_uploads())
    assert len(uploads) >= 50
    post_image(
        program.url, jpeg(np.zeros((4000, 6000, 3), np.uint8))
    )  # what an honest large picture takes is no growth
    before = process.memory_info().rss
    slow: list[tuple[str, float]] = []
    for upload in uploads:
        times = []
        for _ in range(5):
            begin = time.monotonic()
            answer = post(program.url, upload.path, upload.body, upload.headers, method=upload.method)
            times.append(time.monotonic() - begin)
            assert 400 <= answer.status < 500, (upload.what, answer.status)
            assert answer.headers["content-type"] == "application/problem+json", upload.what
            assert answer.json["status"] == answer.status, upload.what
        # A loaded machine may take longer once; that chunks are too many shows when 8 MiB of them have come
        if min(times) > (0.2 if isinstance(upload.body, bytes) else 1.0):
            slow.append((upload.what, min(times)))
    grown = (process.memory_info().rss - before) / 2**20
    assert grown < 50, f"{grown:.0f} MB"
    assert not slow
    assert len(post_image(program.url, crowd.read_bytes(), accept=JSON).json["objects"]) == 5
    errors = [line for line in program.log if "streamer" not in line and "http" not in line and line.strip()]
    assert not [line for line in program.log if "Traceback" in line], errors


def test_a_slow_upload_is_cut_off_and_one_that_leaves_is_counted(tmp_path: Path, crowd: Path) -> None:
    token = "a-token-of-enough-length"
    server = {"auth": {"token": token}}
    images = {"upload_timeout": 1, "queue_size": 2, "max_images": 2}
    with Program(tmp_path, configuration(server=server, images=images, privacy="blur")) as program:
        assert post_image(program.url, b"x").status == 401
        known = {"Authorization": f"Bearer {token}"}
        assert post_image(program.url, b"x", **known, Origin="http://elsewhere").status == 403
        blurred = pixels_of(post_image(program.url, crowd.read_bytes(), **known).body)
        found = post_image(program.url, crowd.read_bytes(), accept=JSON, **known).json
        for face in found["objects"]:
            x, y, w, h = (round(face[key]) for key in "xywh")
            inside = blurred[y + h // 4 : y + 3 * h // 4, x + w // 4 : x + 3 * w // 4]
            assert cv2.Laplacian(inside, cv2.CV_64F).std() < 6  # nothing but a soft gradient

        host = program.url.removeprefix("http://").split(":")
        with socket.create_connection((host[0], int(host[1])), 10) as slow:
            slow.sendall(_head(crowd, token))
            begin = time.monotonic()
            assert b" 408 " in slow.recv(1000).split(b"\r\n")[0]
            assert 0.9 < time.monotonic() - begin < 3
        with socket.create_connection((host[0], int(host[1])), 10) as leaving:
            leaving.sendall(_head(crowd, token))
        gone = 'streamer_image_requests_total{outcome="gone"}'
        eventually("counted as gone", lambda: _metric(program, gone, token) >= 1)

        answers = _at_once(program, list(zip(range(24), variants(crowd), strict=False)), known)
        refused = [a for a in answers if a.status == 503]
        assert {a.status for a in answers} == {200, 503}
        assert all(int(a.headers["retry-after"]) >= 1 and a.json["status"] == 503 for a in refused)
        assert post_image(program.url, crowd.read_bytes(), **known).status == 200


def _head(crowd: Path, token: str) -> bytes:
    """A request whose body stays away."""
    return (
        f"POST /analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: image/jpeg\r\nContent-Length: {crowd.stat().st_size}\r\n\r\n"
    ).encode() + crowd.read_bytes()[:1000]


def _metric(program: Program, name: str, token: str) -> float:
    answer = post(program.url, "/metrics", b"", {"Authorization": f"Bearer {token}"}, method="GET")
    found = re.search(rf"^{re.escape(name)} (\S+)$", answer.body.decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def _at_once(program: Program, images: list[tuple[int, bytes]], headers: dict[str, str]) -> list[Answer]:
    together = threading.Barrier(len(images))

    def send(image: bytes) -> Answer:
        together.wait(10)
        return post_image(program.url, image, **headers)

    with ThreadPoolExecutor(len(images)) as pool:
        return list(pool.map(send, [image for _, image in images]))


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def redis(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Debian's Redis, on a free port, in memory only."""
    server = shutil.which("redis-server")
    require(server is not None, "redis-server")
    assert server is not None
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    folder.mkdir()
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "very-secret", "--dir", "."]
    process = subprocess.Popen([server, *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually("Redis listens", lambda: _listens(port))
        yield f"redis://:very-secret@127.0.0.1:{port}/0", process
    finally:
        process.kill()
        process.wait(10)


def test_two_servers_share_a_redis_and_live_on_when_it_is_killed(tmp_path: Path, crowd: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    with redis(tmp_path / "redis") as (url, process):
        # in memory nothing is kept, so that every answer comes from Redis
        document = configuration(cache={"url": url, "size": 0})
        with Program(tmp_path / "a", document) as one, Program(tmp_path / "b", document) as two:
            first = post_image(one.url, crowd.read_bytes())
            shared = post_image(two.url, crowd.read_bytes())
            assert [first.headers["x-cache"], shared.headers["x-cache"]] == ["miss", "hit"]
            assert first.body == shared.body
            assert post_image(two.url, crowd.read_bytes(), path="/analyze?width=320").headers["x-cache"] == "miss"

            images = list(zip(range(12), variants(crowd), strict=False))
            stop = threading.Event()
            failures: list[Answer] = []
            counts = [0, 0]

            def keep_asking(n: int, program: Program) -> None:
                while not stop.is_set():
                    answer = post_image(program.url, images[counts[n] % len(images)][1])
                    counts[n] += 1
                    if answer.status != 200:
                        failures.append(answer)

            clients = [threading.Thread(target=keep_asking, args=(n, p)) for n, p in enumerate((one, two))]
            for client in clients:
                client.start()
            eventually("both are asked", lambda: min(counts) >= 15, 30)
            process.kill()
            process.wait(10)
            at_the_kill = list(counts)
            eventually("both go on", lambda: min(c - k for c, k in zip(counts, at_the_kill, strict=True)) >= 15, 30)
            stop.set()
            for client in clients:
                client.join(30)
            assert failures == []
            for program in (one, two):
                told = [line for line in program.log if "images are analysed again instead" in line]
                assert len(told) == 1
                assert "very-secret" not in "".join(program.log)
