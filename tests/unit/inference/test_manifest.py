"""models/manifest.yaml and its schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamer.errors import ModelError
from streamer.inference.manifest import load_manifest

GOOD = """
net:
  title: A net
  file: net.onnx
  size: 10
  sha256: {digest}
  licence: MIT
  sources:
    - url: https://example.org/net.onnx
""".format(digest="a" * 64)


def load(tmp_path: Path, text: str) -> str:
    path = tmp_path / "manifest.yaml"
    path.write_text(text)
    return load_manifest(path)["net"].file


def test_own_manifest_names_the_detectors_the_attribute_nets_and_the_demo() -> None:
    names = set(load_manifest())
    assert names >= {"yunet", "centerface", "dlib-age", "dlib-gender", "demo-woman", "demo-man", "demo-crowd"}
    assert names >= {"ssd-res10-layers", "ssd-res10-weights"}


def test_no_two_files_of_the_own_manifest_share_a_name() -> None:
    files = [entry.file for entry in load_manifest().values() if entry.made_from is None]
    files += [entry.convert.result.file for entry in load_manifest().values() if entry.convert]
    assert len(files) == len(set(files))


def test_what_is_made_from_another_entry_starts_with_its_result() -> None:
    manifest = load_manifest()
    made = [(entry, manifest[entry.made_from]) for entry in manifest.values() if entry.made_from is not None]
    assert made
    for entry, origin in made:
        assert (entry.file, entry.size, entry.sha256) == (origin.used.file, origin.used.size, origin.used.sha256)


def test_every_file_of_the_own_manifest_has_a_card() -> None:
    cards = (Path(__file__).resolve().parents[3] / "models" / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in cards for name in load_manifest())


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("net.onnx\n  size", "../net.onnx\n  size", r"net\.file"),
        ("net.onnx\n  size", "/etc/passwd\n  size", r"net\.file"),
        ("net.onnx\n  size", ".hidden\n  size", r"net\.file"),
        ("size: 10", "size: 0", r"net\.size"),
        ("aaaa", "XXXX", r"net\.sha256"),
        ("https:", "http:", "only https"),
        ("- url: https://example.org/net.onnx", "- wheel: net", r"net\.sources\.0\.wheel"),
        (
            "- url: https://example.org/net.onnx",
            "- wheel: --index-url=x==1\n      member: a",
            r"net\.sources\.0\.wheel",
        ),
        ("- url: https://example.org/net.onnx", "- wheel: net==1", "either a url, or a wheel"),
        ("licence: MIT", "colour: blue", "net"),
        ("\n    - url: https://example.org/net.onnx", " []", "a source, or the page"),
    ],
)
def test_manifest_that_breaks_the_schema_is_an_error_that_says_where(
    tmp_path: Path, old: str, new: str, where: str
) -> None:
    assert load(tmp_path, GOOD) == "net.onnx"
    with pytest.raises(ModelError, match=where):
        load(tmp_path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize("text", ["{", "- a", "\x00", "net: 5"])
def test_what_is_no_manifest_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ModelError, match="not a manifest"):
        load(tmp_path, text)


def test_missing_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Install streamer again"):
        load_manifest(tmp_path / "none.yaml")
