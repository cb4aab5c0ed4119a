"""The texts that come with the package: the default configuration and the list of models."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

__all__ = ["resource_text"]

# Where they lie in a checkout; the wheel holds copies under streamer/data/.
_IN_CHECKOUT = {"config.yaml": "config.yaml", "manifest.yaml": "models/manifest.yaml"}


def resource_text(name: str) -> str:
    """The text of `config.yaml` or `manifest.yaml`."""
    packaged = files("streamer") / "data" / name
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).resolve().parents[1] / _IN_CHECKOUT[name]).read_text(encoding="utf-8")
