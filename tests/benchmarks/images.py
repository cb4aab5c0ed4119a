"""The original image service's way and ours, on the same images, in one run.

    python -m tests.benchmarks.images [--seconds 6] [--attributes auto dlib] [--batch-wait 0 0.002] [--classic]

The original answers one request after another: decode, SSD-res10, two 227x227 nets for each face, draw, encode
(`classic.py` beside the checkout). It is given its images in memory and no HTTP, which flatters it. Ours is the whole
program in a process of its own, asked over keep-alive connections by processes that take no part in the analysis.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import multiprocessing
import os
import random
import re
import socket
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import psutil

from tests.benchmarks.machine import SHARED
from tests.system.program import Program, eventually, weights

CLIENTS = (1, 8, 64)


class Load(NamedTuple):
    """What clients measured. Times in ms."""

    per_second: float
    p50: float
    p99: float
    errors: int


def images() -> list[bytes]:
    """The photographs, as files, in an order in which any few of them are like all of them."""
    paths = sorted([*(SHARED / "faces").glob("*.jpg"), *(SHARED / "detection").glob("*.jpg")])
    random.Random(0).shuffle(paths)
    return [path.read_bytes() for path in paths]


def classic() -> Any:
    """The reference implementation, with its nets."""
    spec = importlib.util.spec_from_file_location("classic", SHARED / "classic" / "classic.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.prepare()
    return module


def original(files: Sequence[bytes], seconds: float, threads: int) -> Load:
    """One request after another, with as many of OpenCV's threads as it likes best."""
    module = classic()
    cv2.setNumThreads(threads)
    times: list[float] = []
    faces = 0
    before = time.process_time()
    for n, data in enumerate(_again_and_again(files)):
        begin = time.perf_counter()
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        faces += module.detect_and_predict(pixels)[0]
        if n >= 3:  # the first ones set the nets up
            times.append(time.perf_counter() - begin)
        if sum(times) > seconds:
            break
    used = (time.process_time() - before) / (len(times) + 3)
    print(
        f"  original on {threads} of OpenCV's threads: {faces / (len(times) + 3):.2f} faces an image, "
        f"{used * 1000:.1f} ms of processor time for each"
    )
    return _load(times, sum(times), 0)


def _again_and_again(files: Sequence[bytes]) -> Any:
    while True:
        yield from files


def _load(times: Sequence[float], wall: float, errors: int) -> Load:
    p50, p99 = np.percentile(np.array(times) * 1000, [50, 99]) if times else (0.0, 0.0)
    return Load(round(len(times) / wall, 1), round(float(p50), 1), round(float(p99), 1), errors)


def requests(files: Sequence[bytes], accept: str) -> list[bytes]:
    """As the original's client sent them: one field of a form."""
    boundary = "----benchmark"
    made = []
    for data in files:
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        body = head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
        made.append(
            f"POST /analyze HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {accept}\r\n"
            f"Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
    return made


def drive(url: str, asked: Sequence[bytes], clients: int, seconds: float, *, distinct: bool) -> Load:
    """Closed loop over raw sockets, from one process for each 32 clients. distinct: no image twice."""
    host, port = url.removeprefix("http://").split(":")
    processes = max(1, clients // 32)
    results: multiprocessing.Queue[tuple[list[float], int]] = multiprocessing.Queue()
    start = multiprocessing.Barrier(processes + 1)
    workers = [
        multiprocessing.Process(
            target=_client,
            args=(host, int(port), asked, clients // processes, seconds, distinct, n, start, results),
        )
        for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    start.wait()
    outcomes = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    times = [t for each, _ in outcomes for t in each]
    return _load(times, seconds, sum(errors for _, errors in outcomes))


def _client(  # noqa: PLR0917 - handed to another process
    host: str,
    port: int,
    asked: Sequence[bytes],
    connections: int,
    seconds: float,
    distinct: bool,
    number: int,
    start: Any,
    results: Any,
) -> None:
    """One process with several connections, of which each sends when its answer has come."""
    import selectors

    selector = selectors.DefaultSelector()
    salt = int(time.time() * 1000) % 10**9 * 100 + number
    sent: dict[socket.socket, tuple[float, bytearray]] = {}
    sockets = [socket.create_connection((host, port)) for _ in range(connections)]
    turn = 0

    def send(sock: socket.socket) -> None:
        nonlocal turn
        request = asked[turn % len(asked)]
        if distinct:
            request = _salted(request, salt * 1_000_003 + turn)
        turn += 1
        sent[sock] = (time.perf_counter(), bytearray())
        sock.sendall(request)

    start.wait()
    until = time.perf_counter() + seconds
    for sock in sockets:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        selector.register(sock, selectors.EVENT_READ)
        send(sock)
    times: list[float] = []
    errors = 0
    while time.perf_counter() < until:
        for key, _ in selector.select(0.5):
            answered: Any = key.fileobj
            begun, got = sent[answered]
            got += answered.recv(1 << 18)
            head = got.find(b"\r\n\r\n")
            if head < 0:
                continue
            length = re.search(rb"content-length: (\d+)", bytes(got[:head]), re.IGNORECASE)
            if length is None or len(got) < head + 4 + int(length[1]):
                continue
            if got.startswith(b"HTTP/1.1 200"):
                times.append(time.perf_counter() - begun)
            else:
                errors += 1
            send(answered)
    for sock in sockets:
        sock.close()
    results.put((times, errors))


def _salted(request: bytes, salt: int) -> bytes:
    """The same image for a decoder, other bytes for a cache: something after its end, of which the length counts."""
    head, rest = request.split(b"\r\n\r\n", 1)
    extra = b"%020d" % (salt % 10**20)
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length is not None
    head = head.replace(length[0], b"Content-Length: %d" % (int(length[1]) + len(extra)))
    cut = request.rindex(b"\r\n--") - len(request)
    return head + b"\r\n\r\n" + rest[:cut] + extra + rest[cut:]


def camera_figures(program: Program) -> tuple[int, dict[str, int]]:
    """Frames analysed and dropped so far."""
    camera = program.camera("camera")
    return camera["analyzed"], camera["dropped"]


def report(name: str, load: Load, base: float | None = None) -> None:
    """One line."""
    times = f"  {load.per_second / base:.1f} x the original" if base else ""
    print(
        f"{name:34} {load.per_second:8.1f} /s   P50 {load.p50:7.1f} ms   P99 {load.p99:7.1f} ms "
        f"(x {load.p99 / max(load.p50, 0.01):.1f})   errors {load.errors}{times}",
        flush=True,
    )


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--attributes", nargs="*", default=["auto"], help="which nets, one after the other")
    parser.add_argument("--classic", action="store_true", help="also SSD-res10 and the layers of the original's nets")
    parser.add_argument("--camera", type=Path, default=SHARED / "clips" / "school_group_walk_7p_720p.mp4")
    parser.add_argument("--batch-wait", type=float, nargs="*", default=[0.002])
    parser.add_argument("--without-original", action="store_true")
    arguments = parser.parse_args()
    files = images()
    print(f"{len(files)} images, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    base = None
    if not arguments.without_original:
        best = max(
            (original(files, arguments.seconds, threads) for threads in (1, 2)), key=lambda load: load.per_second
        )
        report("original, one after another", best)
        base = best.per_second
    for attributes in arguments.attributes:
        for wait in arguments.batch_wait:
            with tempfile.TemporaryDirectory() as folder:
                _ours(Path(folder), files, arguments, attributes, wait, base)
    if arguments.classic:
        with tempfile.TemporaryDirectory() as folder, _classic_server(Path(folder)) as url:
            drive(url, requests(files, "image/jpeg"), 8, 2, distinct=True)
            for clients in CLIENTS:
                load = drive(url, requests(files, "image/jpeg"), clients, arguments.seconds, distinct=True)
                report(f"ours, classic nets, {clients} clients", load, base)


def _ours(  # noqa: PLR0917 - what one measurement is made of
    folder: Path,
    files: Sequence[bytes],
    arguments: argparse.Namespace,
    attributes: str,
    wait: float,
    base: float | None,
) -> None:
    config: dict[str, Any] = {
        "cameras": [{"id": "camera", "source": "none.mp4"}],
        "models": {**weights(), "runtime": arguments.runtime, "attributes": attributes},
        "images": {"batch_wait": wait, "queue_size": 256},
    }
    with Program(folder, config) as program:
        process = psutil.Process(program.pid)
        print(f"ours, batch_wait {wait * 1000:g} ms")
        for role, net in program.get("/api/v1/status")["models"].items():
            print(f"  {role}: {net['name']} on {net['runtime']} ({net['precision']})")
        drive(program.url, requests(files, "image/jpeg"), 8, 2, distinct=True)
        for clients in CLIENTS:
            used = sum(process.cpu_times()[:2])
            load = drive(program.url, requests(files, "image/jpeg"), clients, arguments.seconds, distinct=True)
            report(f"ours, {clients} clients, JPEG", load, base)
            used = (sum(process.cpu_times()[:2]) - used) / max(1, load.per_second * arguments.seconds)
            print(
                f"  {used * 1000:.1f} ms of processor time for each, memory {process.memory_info().rss / 2**20:.0f} MB"
            )
        load = drive(program.url, requests(files, "application/json"), 8, arguments.seconds, distinct=True)
        report("ours, 8 clients, JSON", load, base)
        for count in (1, 40):
            asked = requests(files[:count], "image/jpeg")
            drive(program.url, asked, 1, 4, distinct=False)
            used = sum(process.cpu_times()[:2])
            load = drive(program.url, asked, 16, arguments.seconds, distinct=False)
            used = (sum(process.cpu_times()[:2]) - used) / max(1, load.per_second * arguments.seconds)
            report(f"cache hits, 16 clients, {count} images", load)
            print(f"  {used * 1e6:.0f} us of processor time for each")
    if arguments.camera.exists():
        _beside_a_camera(folder, files, arguments, config)


@contextlib.contextmanager
def _classic_server(folder: Path) -> Iterator[str]:
    """Our service with the original's detector, and nets of the layers of the original's with random weights."""
    spawn = multiprocessing.get_context("spawn")
    addresses: multiprocessing.Queue[str] = spawn.Queue()
    process = spawn.Process(target=_serve_classic, args=(folder, addresses))
    process.start()
    try:
        yield addresses.get(timeout=120)
    finally:
        process.terminate()
        process.join()


def _serve_classic(folder: Path, addresses: Any) -> None:
    import asyncio

    from streamer.app import App
    from streamer.config import Config
    from streamer.inference.model_store import ModelStore
    from tests.caffe_nets import classic_attribute_nets

    models = {**weights(), "detector": "ssd-res10", "attributes": "levi-hassner"}
    models["search_path"] = [str(folder), *models.get("search_path", [])]
    config = Config.model_validate(
        {
            "cameras": [{"id": "camera", "source": "none.mp4"}],
            "models": models,
            "server": {"port": 0},
            "images": {"queue_size": 256},
        }
    )
    app = App(config, ModelStore(config.models, manifest=classic_attribute_nets(folder)))

    async def serve() -> None:
        addresses.put(f"http://127.0.0.1:{await app.start()}")
        await asyncio.Event().wait()

    asyncio.run(serve())


def _beside_a_camera(
    folder: Path, files: Sequence[bytes], arguments: argparse.Namespace, config: dict[str, Any]
) -> None:
    camera = {"cameras": [{"id": "camera", "source": str(arguments.camera)}]}
    with Program(folder, config | camera) as program:
        program.wait_for_state("camera", "live", 60)
        eventually("frames are analysed", lambda: camera_figures(program)[0] > 50, 60)
        for clients in (0, 8, 64):
            before, dropped = camera_figures(program)
            begin = time.monotonic()
            if clients:
                load = drive(program.url, requests(files, "image/jpeg"), clients, arguments.seconds, distinct=True)
                report(f"beside a live camera, {clients} clients", load)
            else:
                time.sleep(arguments.seconds)
            after, now = camera_figures(program)
            lost = {reason: n - dropped.get(reason, 0) for reason, n in now.items() if n > dropped.get(reason, 0)}
            fps = (after - before) / (time.monotonic() - begin)
            print(f"  the camera with {clients} clients: {fps:.1f} frames/s analysed, dropped {lost}")


if __name__ == "__main__":
    main()
