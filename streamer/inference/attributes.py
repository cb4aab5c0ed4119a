"""Attribute models: what each can do, and which one is opened."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from streamer.config import ModelsConfig
from streamer.errors import ModelError
from streamer.inference.calibrated import CalibratedAttributes
from streamer.inference.calibration import calibration_of
from streamer.inference.levi_hassner import VOCABULARY, LeviHassnerAttributes
from streamer.inference.levi_hassner_net import open_levi_hassner_net
from streamer.inference.model_store import ModelStore
from streamer.inference.nets import DlibNets, FaceResNet, Net
from streamer.inference.runtime import has_int8, open_session
from streamer.inference.session import Session
from streamer.inference.weights_used import ATTRIBUTE_FILES
from streamer.pictures.picture import Pixels
from streamer.types import Detections, FaceReading

__all__ = [
    "AttributeModel",
    "BatchReader",
    "attribute_files",
    "open_attribute_model",
    "read_pictures",
]

log = logging.getLogger(__name__)


class AttributeModel(Protocol):
    """Reads age and gender. Safe to call from several threads at once."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""

    @property
    def sessions(self) -> tuple[Session, ...]:
        """What runs its nets."""

    def read(self, pixels: Pixels, faces: Detections) -> list[FaceReading]:
        """One reading for each face, in their order.

        pixels: the whole picture at full size, (height, width, 3) BGR uint8. faces: in pixels of it; they may lie
        partly outside. A face that can't be cut out (wholly outside, or landmarks that are no face) is read from
        nothing and gets quality 0. Raises ModelError if a net returns nonsense.
        """


@runtime_checkable
class BatchReader(Protocol):
    """An attribute model that reads the faces of several pictures in one go, because its nets gain from it."""

    def read_batch(self, pictures: Sequence[tuple[Pixels, Detections]]) -> list[list[FaceReading]]:
        """As `AttributeModel.read` for each picture, in their order."""


def read_pictures(model: AttributeModel, pictures: Sequence[tuple[Pixels, Detections]]) -> list[list[FaceReading]]:
    """The readings of each picture's faces, in one call where the model can do that. Raises ModelError."""
    if isinstance(model, BatchReader):
        return model.read_batch(pictures)
    return [model.read(pixels, faces) for pixels, faces in pictures]


def attribute_files(name: str) -> tuple[str, ...]:
    """The names in models/manifest.yaml of the nets of an attribute model."""
    return ATTRIBUTE_FILES[name]


def open_attribute_model(
    config: ModelsConfig, store: ModelStore, *, threads: int | None = None
) -> AttributeModel | None:
    """The attribute nets that the configuration asks for, fetched if need be; None for `none`. Raises ModelError.

    auto: both nets, or dlib's alone where the other one can't be had, which is logged. threads: how many will read at
    the same time; one per core unless given.
    """
    if config.attributes == "none":
        return None
    name = _available(store) if config.attributes == "auto" else config.attributes
    paths = [store.path(file) for file in ATTRIBUTE_FILES[name]]
    if name == "levi-hassner":
        age, gender = (
            open_levi_hassner_net(path, classes, runtime=config.runtime, precision=config.precision, threads=threads)
            for path, classes in zip(paths, (len(VOCABULARY.age_groups), 2), strict=True)
        )
        return LeviHassnerAttributes(age, gender)

    def opened(path: Path) -> Session:
        return open_session(path, runtime=config.runtime, precision=config.precision, threads=threads)

    nets: list[Net] = []
    if name != "faceres":
        nets.append(DlibNets(opened(paths[0]), opened(paths[1])))
    if name != "dlib":
        eight_bits = _in_eight_bits(config, store)
        if eight_bits is None:
            nets.append(FaceResNet(opened(paths[-1])))
        else:
            nets.append(FaceResNet(open_session(eight_bits, runtime=config.runtime, threads=threads, quantized=True)))
    return CalibratedAttributes(name, nets, calibration_of(name))


def _in_eight_bits(config: ModelsConfig, store: ModelStore) -> Path | None:
    """faceres in 8 bits, where that is faster and nothing else was asked for."""
    if config.precision != "auto" or config.runtime == "opencv" or not has_int8():
        return None
    try:
        return store.path("faceres-int8")
    except ModelError as error:
        log.warning("age and gender are not read in 8 bits, which costs nearly twice as much: %s", error)
        return None


def _available(store: ModelStore) -> str:
    """pair where its second net can be had, else dlib."""
    try:
        store.path("faceres")
    except ModelError as error:
        log.warning("age and gender are read by one net (dlib) instead of two, which is less often right: %s", error)
        return "dlib"
    return "pair"
