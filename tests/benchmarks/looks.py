"""What the nets say about the labelled photographs, before any calibration: one look at each central face."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streamer.config import InferenceConfig
from streamer.inference.align import face_chip
from streamer.inference.calibration import Said, trust
from streamer.inference.detectors import open_detector
from streamer.inference.nets import CHIP, DlibNets, FaceResNet, Net
from streamer.inference.quality import detail
from streamer.inference.runtime import open_session
from streamer.pictures.picture import ArrayPicture
from tests.benchmarks.machine import Way, model_store, models_config, read_picture
from tests.benchmarks.photographs import Label, central, read_labels

__all__ = ["MODELS", "Looks", "look_at", "open_nets"]

MODELS: dict[str, tuple[str, ...]] = {"dlib": ("dlib",), "faceres": ("faceres",), "pair": ("dlib", "faceres")}
"""Which nets each attribute model consists of."""


class Looks(NamedTuple):
    """N faces that were found. said: by net; missed: photographs in which no face was found."""

    names: list[str]
    labels: list[Label]
    said: dict[str, Said]
    trusts: NDArray[np.float64]
    missed: list[str]

    def of(self, model: str, index: NDArray[np.intp] | None = None) -> list[Said]:
        """What the nets of a model say about some faces."""
        chosen = np.arange(len(self.names)) if index is None else index
        return [Said(self.said[net].ages[chosen], self.said[net].p_female[chosen]) for net in MODELS[model]]


def open_nets(way: Way) -> dict[str, Net]:
    """Both nets, on one runtime; FaceRes in 8 bits where the precision is left open."""
    store = model_store()
    eight_bits = way.precision == "auto"
    age, gender, faceres = (
        open_session(store.path(name), runtime=way.runtime, precision=way.precision, quantized=name == "faceres-int8")
        for name in ("dlib-age", "dlib-gender", "faceres-int8" if eight_bits else "faceres")
    )
    return {"dlib": DlibNets(age, gender), "faceres": FaceResNet(faceres)}


def look_at(folder: Path, way: Way) -> Looks:
    """Both nets on the central face of each photograph."""
    labels, nets = read_labels(folder), open_nets(way)
    detector = open_detector(models_config(way), InferenceConfig(), model_store())
    names: list[str] = []
    cut: dict[str, list[NDArray[np.uint8]]] = {net: [] for net in nets}
    trusts = []
    for name in labels:
        pixels = read_picture(folder / name)
        faces = detector.detect(ArrayPicture(pixels))
        if not len(faces):
            continue
        i = central(faces.boxes, pixels.shape[1], pixels.shape[0])
        names.append(name)
        chip = face_chip(pixels, faces.landmarks[i], CHIP)
        trusts.append(trust(detail(chip)))
        for net, reader in nets.items():
            cut[net].append(reader.cut(pixels, faces.boxes[i], faces.landmarks[i], chip))
    said = {}
    for net, reader in nets.items():
        parts = [reader.say(np.stack(cut[net][start : start + 16])) for start in range(0, len(names), 16)]
        said[net] = Said(np.concatenate([p.ages for p in parts]), np.concatenate([p.p_female for p in parts]))
    missed = sorted(set(labels) - set(names))
    return Looks(names, [labels[name] for name in names], said, np.array(trusts), missed)
