"""The original image service's way and ours, on the same images, in one run.

    python -m tests.benchmarks.images [--seconds 6] [--attributes auto dlib] [--batch-wait 0 0.002] [--classic]

The original answers one request after another: decode, SSD-res10, two 227x227 nets for each face, draw, encode
(`classic.py` beside the checkout). It is given its images in memory and no HTTP, which flatters it. Ours is the whole
program in a process of its own, asked over keep-alive connections by processes that take no part in the analysis, but
share its cores. Processor time for each image is what a busy machine disturbs least.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import multiprocessing
import os
import random
import re
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil

from tests.benchmarks.image_load import Load, drive, load_of, requests
from tests.benchmarks.machine import SHARED
from tests.system.program import Program, eventually, weights

CLIENTS = (1, 8, 64)
_IMAGE_FOR_JSON = {"Content-Type": "image/jpeg", "Accept": "application/json"}


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
    return load_of(times, sum(times), 0)


def _again_and_again(files: Sequence[bytes]) -> Any:
    while True:
        yield from files


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
    parser.add_argument("--workers", default="auto", help="threads of the pool, as in the configuration")
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
        "inference": {"workers": arguments.workers if arguments.workers == "auto" else int(arguments.workers)},
    }
    with Program(folder, config) as program:
        process = psutil.Process(program.pid)
        print(f"ours, batch_wait {wait * 1000:g} ms")
        for role, net in program.get("/api/v1/status")["models"].items():
            print(f"  {role}: {net['name']} on {net['runtime']} ({net['precision']})")
        print(f"  {_faces(program.url, files):.2f} faces an image")
        drive(program.url, requests(files, "image/jpeg"), 8, 2, distinct=True)
        for clients in CLIENTS:
            used, stages = sum(process.cpu_times()[:2]), _stages(program)
            load = drive(program.url, requests(files, "image/jpeg"), clients, arguments.seconds, distinct=True)
            report(f"ours, {clients} clients, JPEG", load, base)
            count = max(1.0, load.per_second * arguments.seconds)
            used = (sum(process.cpu_times()[:2]) - used) / count
            print(
                f"  {used * 1000:.1f} ms of processor time for each, {load.asking:.2f} for asking; memory "
                f"{process.memory_info().rss / 2**20:.0f} MB; ms by the clock: "
                + ", ".join(
                    f"{name} {1000 * (s - stages.get(name, 0)) / count:.2f}" for name, s in _stages(program).items()
                )
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


def _faces(url: str, files: Sequence[bytes]) -> float:
    """How many faces an image has, in the mean."""
    found = 0
    for data in files:
        asked = urllib.request.Request(f"{url}/analyze", data, _IMAGE_FOR_JSON)
        with urllib.request.urlopen(asked) as answer:
            found += len(json.load(answer)["objects"])
    return found / len(files)


def _stages(program: Program) -> dict[str, float]:
    """Seconds spent in each stage so far, by the clock."""
    sums = re.findall(r'streamer_image_stage_duration_seconds_sum{stage="(\w+)"} (\S+)', program.text("/metrics"))
    return {stage: float(seconds) for stage, seconds in sums}


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
