"""Which face detector is opened."""

from __future__ import annotations

import logging

from streamer.config import InferenceConfig, ModelsConfig
from streamer.errors import ModelError
from streamer.inference.centerface import CenterFace
from streamer.inference.detector import Detector
from streamer.inference.model_store import ModelStore
from streamer.inference.runtime import cores, open_caffe_session, open_session
from streamer.inference.ssd import SsdRes10
from streamer.inference.tiles import TiledDetector
from streamer.inference.yunet import YuNet

__all__ = ["open_detector", "weights_of"]

log = logging.getLogger(__name__)

# Lowest score of a face where the configuration leaves it open
_THRESHOLDS = {"yunet": 0.6, "centerface": 0.6, "ssd-res10": 0.5}


def open_detector(config: ModelsConfig, inference: InferenceConfig, store: ModelStore) -> Detector:
    """The detector that the configuration asks for, fetched if need be. Raises ModelError.

    auto: YuNet if it is on this machine, else CenterFace if that is; else whichever can be fetched, YuNet first.
    """
    detector = _open(config, inference, store)
    if inference.tiles == "none":
        return detector
    width = detector.width if isinstance(detector, SsdRes10) else inference.detect_width
    return TiledDetector(detector, grid=inference.tile_grid, width=width)


def _open(config: ModelsConfig, inference: InferenceConfig, store: ModelStore) -> Detector:
    name = _choose(store) if config.detector == "auto" else config.detector
    threshold = _THRESHOLDS[name] if inference.detect_threshold is None else inference.detect_threshold
    if name == "ssd-res10":
        layers = store.path("ssd-res10-layers").read_text(encoding="utf-8")
        return SsdRes10(open_caffe_session(store.path(weights_of(name)), layers), threshold=threshold)
    path = store.path(name)
    threads = cores() if inference.workers == "auto" else min(inference.workers, cores())
    session = open_session(path, runtime=config.runtime, precision=config.precision, threads=threads)
    kind = YuNet if name == "yunet" else CenterFace
    return kind(session, width=inference.detect_width, threshold=threshold)


def weights_of(name: str) -> str:
    """The name of a detector's weights in models/manifest.yaml."""
    return "ssd-res10-weights" if name == "ssd-res10" else name


def _choose(store: ModelStore) -> str:
    """The detector for `auto`; it is on this machine afterwards. Raises ModelError."""
    if store.find("yunet"):
        return "yunet"
    if store.find("centerface"):
        log.warning("faces are found by centerface: yunet is not on this machine. `streamer models pull yunet` gets it")
        return "centerface"
    try:
        store.path("yunet")
    except ModelError as yunet:
        try:
            store.path("centerface")
        except ModelError as centerface:
            raise ModelError(f"no face detector can be had. {yunet}. {centerface}") from None
        log.warning("faces are found by centerface, which costs several times as much: %s", yunet)
        return "centerface"
    return "yunet"
