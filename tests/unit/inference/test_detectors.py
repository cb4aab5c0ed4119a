"""Which detector `auto` takes. The nets are tiny stand-ins: none of them is run."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from streamer.config import InferenceConfig, ModelsConfig
from streamer.errors import ModelError
from streamer.inference.detector import Detector
from streamer.inference.detectors import open_detector
from streamer.inference.manifest import Manifest, load_manifest
from streamer.inference.model_store import ModelStore
from tests.nets import convolution_net
from tests.unit.inference.wheels import make_wheel, offline_index

Open = Callable[..., Detector]


@pytest.fixture
def net(tmp_path: Path) -> bytes:
    return convolution_net(tmp_path / "net.onnx").read_bytes()


@pytest.fixture
def manifest(tmp_path: Path, net: bytes) -> Manifest:
    """YuNet is in the wheel yunet-wheel, CenterFace in centerface-wheel."""
    lines = []
    for name in ("yunet", "centerface"):
        lines += [f"{name}:", f"  title: {name}", f"  file: {name}.onnx", f"  size: {len(net)}", "  licence: MIT"]
        lines += [f"  sha256: {hashlib.sha256(net).hexdigest()}", "  sources:"]
        lines += [f"    - wheel: {name}-wheel==1.0", "      member: net.onnx"]
    path = tmp_path / "manifest.yaml"
    path.write_text("\n".join(lines))
    return load_manifest(path)


@pytest.fixture
def open_it(tmp_path: Path, net: bytes, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens a detector where some nets are on this machine and some can be fetched."""

    def open_(*, local: tuple[str, ...] = (), remote: tuple[str, ...] = (), **config: object) -> Detector:
        for folder in (tmp_path / "models", tmp_path / "index"):
            folder.mkdir()
        for name in local:
            (tmp_path / "models" / f"{name}.onnx").write_bytes(net)
        for name in remote:
            make_wheel(tmp_path / "index", f"{name}_wheel", "1.0", {"net.onnx": net})
        for name, value in offline_index(tmp_path / "index").items():
            monkeypatch.setenv(name, value)
        models = ModelsConfig.model_validate({"runtime": "onnxruntime", **config})
        store = ModelStore(models, folder=tmp_path / "models", cache=tmp_path / "cache", manifest=manifest)
        return open_detector(models, InferenceConfig(), store)

    return open_


@pytest.mark.parametrize(
    ("local", "remote", "expected"),
    [
        (("yunet", "centerface"), (), "yunet"),
        (("yunet",), ("centerface",), "yunet"),
        (("centerface",), ("yunet",), "centerface"),  # nothing is fetched where something will do
        ((), ("yunet", "centerface"), "yunet"),
        ((), ("centerface",), "centerface"),
    ],
)
def test_auto_takes_yunet_else_centerface_and_prefers_what_is_here(
    open_it: Open, local: tuple[str, ...], remote: tuple[str, ...], expected: str
) -> None:
    assert open_it(local=local, remote=remote).name == expected


def test_auto_says_why_it_takes_centerface(open_it: Open, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        open_it(remote=("centerface",))
    (message,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "centerface" in message
    assert "yunet-wheel==1.0" in message


def test_auto_without_any_detector_names_both(open_it: Open) -> None:
    with pytest.raises(ModelError, match="no face detector can be had") as caught:
        open_it()
    assert "yunet.onnx" in str(caught.value)
    assert "centerface.onnx" in str(caught.value)


def test_auto_offline_takes_what_is_here(open_it: Open) -> None:
    assert open_it(local=("centerface",), remote=("yunet",), offline=True).name == "centerface"


@pytest.mark.parametrize("name", ["yunet", "centerface"])
def test_named_detector_is_taken_and_no_other(open_it: Open, name: str) -> None:
    assert open_it(local=("yunet", "centerface"), detector=name).name == name


def test_named_detector_that_cannot_be_had_is_an_error(open_it: Open) -> None:
    with pytest.raises(ModelError, match=r"yunet\.onnx can't be had"):
        open_it(local=("centerface",), detector="yunet")


def test_damaged_file_is_an_error_and_not_a_reason_for_the_other_detector(open_it: Open, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "yunet.onnx").write_bytes(b"broken")
    with pytest.raises(ModelError, match="damaged"):
        open_it(local=("centerface",), search_path=[tmp_path / "site"])
