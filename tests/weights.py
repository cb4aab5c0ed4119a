"""The real weights and media for tests: found on this machine, else fetched, else the test is skipped."""

from __future__ import annotations

import functools
from pathlib import Path

from streamer.config import ModelsConfig
from streamer.errors import ModelError
from streamer.inference.model_store import ModelStore
from tests.conftest import SHARED
from tests.requirements import require

__all__ = ["model_store", "weights"]

REPOSITORY = Path(__file__).resolve().parents[1]


@functools.cache
def model_store() -> ModelStore:
    """The weights as the program finds them when started in the repository, and those beside the checkout."""
    folders = (SHARED / "models",) if (SHARED / "models").is_dir() else ()
    return ModelStore(ModelsConfig(search_path=folders), folder=REPOSITORY / "models")


@functools.cache
def _obtain(name: str) -> tuple[Path | None, str]:
    try:
        return model_store().path(name), ""
    except ModelError as error:  # remembered, so that a machine without a network waits for each file only once
        return None, str(error)


def weights(name: str) -> Path:
    """The verified file of a name in models/manifest.yaml."""
    path, reason = _obtain(name)
    require(path is not None, reason)
    assert path is not None
    return path
