"""Which files of models/manifest.yaml a configuration runs on. Loads no runtime, so it can be asked before one is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from streamer.inference.config import ModelsConfig

__all__ = ["ATTRIBUTE_FILES", "weights_used"]

ATTRIBUTE_FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "dlib": ("dlib-age", "dlib-gender"),
    "faceres": ("faceres",),
    "pair": ("dlib-age", "dlib-gender", "faceres"),
    "levi-hassner": ("levi-hassner-age", "levi-hassner-gender"),
}
_DETECTOR_FILES: Final[Mapping[str, tuple[str, ...]]] = {
    "yunet": ("yunet",),
    "centerface": ("centerface",),
    "ssd-res10": ("ssd-res10-layers", "ssd-res10-weights"),
}


def weights_used(config: ModelsConfig) -> tuple[str, ...]:
    """Their names; for `auto`, of what is taken where all can be had."""
    detector = _DETECTOR_FILES["yunet" if config.detector == "auto" else config.detector]
    if config.attributes == "none":
        return detector
    attributes = ATTRIBUTE_FILES["pair" if config.attributes == "auto" else config.attributes]
    eight_bits = ("faceres-int8",) if "faceres" in attributes and config.precision == "auto" else ()
    return detector + attributes + eight_bits
