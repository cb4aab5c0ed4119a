"""The texts that come with the package: the default configuration and the list of models."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

__all__ = ["resource_path", "resource_text"]

# Where they lie in a checkout; the wheel holds copies under streamer/data/.
_IN_CHECKOUT = {"config.yaml": "config.yaml", "manifest.yaml": "models/manifest.yaml"}


def resource_path(name: str) -> Path:
    """Where `config.yaml` or `manifest.yaml` lies."""
    packaged = Path(str(files("streamer") / "data" / name))
    return packaged if packaged.is_file() else Path(__file__).resolve().parents[1] / _IN_CHECKOUT[name]


def resource_text(name: str) -> str:
    """Its text."""
    return resource_path(name).read_text(encoding="utf-8")
