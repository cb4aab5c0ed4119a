"""What every runtime behind `Session` does, whichever it is."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from streamer.errors import ModelError
from streamer.inference.runtime import Runtime, available_runtimes, open_session
from tests.nets import convolution_net
from tests.requirements import require
from tests.weights import weights

RUNTIMES: tuple[Runtime, ...] = ("onnxruntime", "openvino", "opencv")


@pytest.fixture(params=RUNTIMES)
def runtime(request: pytest.FixtureRequest) -> Runtime:
    name: Runtime = request.param
    require(name in available_runtimes(), f"the runtime {name}")
    return name


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return convolution_net(tmp_path / "tiny.onnx")


def blob(*shape: int, seed: int = 0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


def test_outputs_come_by_name_and_are_what_the_net_computes(runtime: Runtime, net: Path) -> None:
    session = open_session(net, runtime=runtime, precision="float32")
    pixels = blob(1, 3, 32, 64)
    outputs = session.run(pixels)
    assert set(outputs) == {"tripled", "grey"}
    assert all(value.dtype == np.float32 for value in outputs.values())
    np.testing.assert_allclose(outputs["tripled"], pixels * 3, rtol=1e-5)
    np.testing.assert_allclose(outputs["grey"], pixels.sum(axis=1, keepdims=True), rtol=1e-5)


def test_session_says_what_it_is(runtime: Runtime, net: Path) -> None:
    session = open_session(net, runtime=runtime, precision="float32")
    assert (session.runtime, session.precision) == (runtime, "float32")


@pytest.mark.parametrize("shapes", [[(1, 3, 32, 32), (1, 3, 64, 32), (1, 3, 32, 32)], [(1, 3, 8, 8), (5, 3, 8, 8)]])
def test_one_session_takes_every_size_and_batch(
    runtime: Runtime, net: Path, shapes: list[tuple[int, int, int, int]]
) -> None:
    session = open_session(net, runtime=runtime, precision="float32")
    for shape in shapes:
        pixels = blob(*shape)
        np.testing.assert_allclose(session.run(pixels)["tripled"], pixels * 3, rtol=1e-5)


def test_outputs_outlive_the_next_run(runtime: Runtime, net: Path) -> None:
    session = open_session(net, runtime=runtime, precision="float32")
    first = session.run(blob(1, 3, 8, 8, seed=1))["tripled"]
    kept = first.copy()
    session.run(blob(1, 3, 8, 8, seed=2))
    np.testing.assert_array_equal(first, kept)


def test_threads_that_share_a_session_get_their_own_results(runtime: Runtime, net: Path) -> None:
    session = open_session(net, runtime=runtime, precision="float32", threads=2)

    def work(seed: int) -> bool:
        pixels = blob(1, 3, 16 + 8 * (seed % 3), 32, seed=seed)
        return bool(np.allclose(session.run(pixels)["tripled"], pixels * 3, rtol=1e-5))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(80)))


def test_sizes_that_come_often_and_those_between_them_are_answered_alike(runtime: Runtime, net: Path) -> None:
    session = open_session(net, runtime=runtime, precision="float32", threads=2)
    often, between = blob(1, 3, 16, 32, seed=1), blob(2, 3, 8, 8, seed=2)

    def work(_: int) -> bool:
        same = [np.array_equal(session.run(pixels)["tripled"], pixels * 3) for pixels in (often, often, between)]
        return all(same)

    with ThreadPoolExecutor(2) as pool:
        assert all(pool.map(work, range(40)))


def test_numbers_of_pictures_that_come_late_take_no_more_memory(runtime: Runtime) -> None:
    session = open_session(weights("faceres"), runtime=runtime, precision="float32", threads=1)
    pixels = blob(16, 3, 160, 160)
    for number in (1, 2, 4):
        session.run(pixels[:number])
    process = psutil.Process()
    before = process.memory_info().rss
    for number in (3, *range(5, 17), *range(5, 17)):
        session.run(pixels[:number])
    assert process.memory_info().rss - before < 20e6


def test_damaged_file_is_an_error_that_names_it(runtime: Runtime, tmp_path: Path) -> None:
    whole = convolution_net(tmp_path / "whole.onnx").read_bytes()
    damages = {
        "empty": b"",
        "truncated": whole[: len(whole) // 2],
        "text": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
        "unknown-operation": whole.replace(b"Conv", b"Xonv"),
        "missing-weights": whole.replace(b"\x08three", b"\x08thrae").replace(b"B\x05three", b"B\x05thrae"),
    }
    for name, content in damages.items():
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(content)
        with pytest.raises(ModelError, match=f"{name}.onnx"):
            open_session(path, runtime=runtime, precision="float32")


def test_missing_file_is_an_error_that_names_it(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"none\.onnx: can't be read"):
        open_session(tmp_path / "none.onnx", runtime=runtime)


def test_input_that_does_not_fit_is_an_error_that_names_the_net(runtime: Runtime, net: Path) -> None:
    session = open_session(net, runtime=runtime, precision="float32")
    with pytest.raises(ModelError, match=r"tiny\.onnx"):
        session.run(blob(1, 4, 8, 8))


def test_session_works_after_an_input_that_did_not_fit(runtime: Runtime, net: Path) -> None:
    session = open_session(net, runtime=runtime, precision="float32")
    with pytest.raises(ModelError):
        session.run(blob(1, 4, 8, 8))
    pixels = blob(1, 3, 8, 8)
    np.testing.assert_allclose(session.run(pixels)["tripled"], pixels * 3, rtol=1e-5)


@pytest.mark.parametrize("name", ["onnxruntime", "opencv"])
def test_bfloat16_is_refused_where_it_would_not_run(name: Runtime, net: Path) -> None:
    with pytest.raises(ModelError, match=r"models\.precision: bfloat16 needs models\.runtime: openvino"):
        open_session(net, runtime=name, precision="bfloat16")


def test_auto_takes_one_that_is_installed_and_takes_it_again(net: Path) -> None:
    session = open_session(net)
    assert session.runtime in set(available_runtimes()) - {"opencv"}
    assert open_session(net).runtime == session.runtime


def test_auto_precision_is_bfloat16_where_openvino_and_the_processor_have_it(net: Path) -> None:
    require("openvino" in available_runtimes(), "the runtime openvino")
    from streamer.inference.runtimes.openvino_session import has_bfloat16

    session = open_session(net, runtime="openvino", precision="auto")
    assert session.precision == ("bfloat16" if has_bfloat16() else "float32")
    if not has_bfloat16():
        with pytest.raises(ModelError, match="no bfloat16"):
            open_session(net, runtime="openvino", precision="bfloat16")


def test_runtime_reports_nothing_to_its_makers(runtime: Runtime, net: Path, tmp_path: Path) -> None:
    program = (
        "import sys, threading; from pathlib import Path; from streamer.inference.runtime import open_session; "
        f"open_session(Path({str(net)!r}), runtime={runtime!r}); "
        "print('openvino_telemetry' in sys.modules, threading.active_count())"
    )
    home = tmp_path / "home"
    home.mkdir()
    # without what makes these packages quiet by themselves; where they keep ids and unsent reports is below home
    environment = {name: value for name, value in os.environ.items() if name not in {"CI", "ORT_DISABLE_TELEMETRY"}}
    environment |= {"HOME": str(home), "USERPROFILE": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == ["False", "1"]  # no thread that would send
    assert not list(home.iterdir())
