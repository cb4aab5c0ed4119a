"""Caffe files for tests: nets of any layers with random weights, as a .caffemodel that OpenCV reads."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streamer.inference.manifest import Manifest, load_manifest

__all__ = ["classic_attribute_nets", "write_caffemodel"]

Weights = Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]

_DOUBT = 0.02  # of the last kernel: pixels are large numbers, and without it the nets would be sure of everything

# Fields of NetParameter, LayerParameter, V1LayerParameter, BlobProto and BlobShape in Caffe's caffe.proto
_NET_LAYER, _NET_V1_LAYER = 100, 2
_NAME, _TYPE, _BLOBS = 1, 2, 7
_V1_NAME, _V1_TYPE, _V1_BLOBS = 4, 5, 6
_V1_KINDS = {"Convolution": 4, "InnerProduct": 14}
_BLOB_DATA, _BLOB_SHAPE, _SHAPE_DIM = 5, 7, 1
_V1_BLOB_DIMS = (1, 2, 3, 4)  # num, channels, height, width
_VARINT, _BYTES = 0, 2  # wire types

# The layers with weights of the nets of Levi and Hassner, and the shapes of those, but for the last one's classes
_SHAPES = {
    "conv1": (96, 3, 7, 7),
    "conv2": (256, 96, 5, 5),
    "conv3": (384, 256, 3, 3),
    "fc6": (512, 384 * 7 * 7),
    "fc7": (512, 512),
}


def write_caffemodel(path: Path, weights: Weights, *, old_format: bool = False) -> None:
    """Each layer's kernel and bias by its name. old_format: with layers as Caffe filed them before 2015."""
    write = _old_layer if old_format else _layer
    path.write_bytes(b"".join(write(name, kernel, bias) for name, (kernel, bias) in weights.items()))


def classic_attribute_nets(folder: Path, seed: int = 0, *, old_format: bool = False) -> Manifest:
    """age_net.caffemodel and gender_net.caffemodel in a folder, with the published layers and random weights.

    Returns the program's manifest with their digests in place of those of the trained nets: a store made with it takes
    them for the real ones.
    """
    random = np.random.default_rng(seed)
    manifest = dict(load_manifest())
    for name, classes in (("levi-hassner-age", 8), ("levi-hassner-gender", 2)):
        entry = manifest[name]
        shapes = {**_SHAPES, "fc8": (classes, 512)}
        weights = {layer: (_kernel(random, shape), _bias(random, shape[0])) for layer, shape in shapes.items()}
        weights["fc8"][0][:] *= _DOUBT
        write_caffemodel(folder / entry.file, weights, old_format=old_format)
        content = (folder / entry.file).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        manifest[name] = entry.model_copy(update={"size": len(content), "sha256": digest})
    return manifest


def _kernel(random: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Scaled so that what goes in keeps its size on its way through (He and others, 2015)."""
    return random.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)


def _bias(random: np.random.Generator, size: int) -> NDArray[np.float32]:
    return random.normal(0, 0.1, size).astype(np.float32)


def _layer(name: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> bytes:
    blobs = b"".join(_message(_BLOBS, _blob(values)) for values in (kernel, bias))
    return _message(_NET_LAYER, _message(_NAME, name.encode()) + _message(_TYPE, _kind(kernel).encode()) + blobs)


def _old_layer(name: str, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> bytes:
    blobs = b"".join(_message(_V1_BLOBS, _old_blob(values)) for values in (kernel, bias))
    kind = _number(_V1_TYPE, _V1_KINDS[_kind(kernel)])
    return _message(_NET_V1_LAYER, _message(_V1_NAME, name.encode()) + kind + blobs)


def _kind(kernel: NDArray[np.float32]) -> str:
    return "Convolution" if kernel.ndim == 4 else "InnerProduct"


def _blob(values: NDArray[np.float32]) -> bytes:
    shape = _message(_SHAPE_DIM, b"".join(map(_varint, values.shape)))
    return _message(_BLOB_SHAPE, shape) + _message(_BLOB_DATA, values.astype("<f4").tobytes())


def _old_blob(values: NDArray[np.float32]) -> bytes:
    four = (1,) * (4 - values.ndim) + values.shape
    sizes = b"".join(_number(field, size) for field, size in zip(_V1_BLOB_DIMS, four, strict=True))
    return sizes + _message(_BLOB_DATA, values.astype("<f4").tobytes())


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that more follow."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
