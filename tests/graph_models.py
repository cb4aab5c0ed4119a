"""Tiny TensorFlow.js graph models for tests: a model.json and its weights, made from a list of nodes."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Node", "convolution", "dense", "graph_model", "node", "placeholder"]

Node = dict[str, Any]


def node(name: str, op: str, *inputs: str, **attr: Any) -> Node:
    """One node of a graph."""
    return {"name": name, "op": op, "input": list(inputs), "attr": attr}


def placeholder(height: int, width: int, channels: int) -> Node:
    """The input, called x."""
    sizes = [{"size": str(size)} for size in (-1, height, width, channels)]
    return node("x", "Placeholder", shape={"shape": {"dim": sizes}})


def convolution(
    op: str, name: str, source: str, *, strides: tuple[int, int] = (1, 1), padding: str = "SAME", dilation: int = 1
) -> Node:
    """A convolution whose kernel is called NAME/kernel."""

    def whole(height: int, width: int) -> dict[str, Any]:
        return {"list": {"i": ["1", str(height), str(width), "1"]}}

    return node(
        name,
        op,
        source,
        f"{name}/kernel",
        strides=whole(*strides),
        dilations=whole(dilation, dilation),
        padding={"s": _encoded(padding)},
        data_format={"s": _encoded("NHWC")},
    )


def dense(name: str, source: str, *after: str) -> Node:
    """A _FusedMatMul with NAME/kernel and NAME/bias, and what is done to its result."""
    fused = {"list": {"s": [_encoded(op) for op in after]}}
    return node(name, "_FusedMatMul", source, f"{name}/kernel", f"{name}/bias", fused_ops=fused)


def graph_model(
    nodes: Sequence[Node], weights: Mapping[str, NDArray[Any]], *, half: bool = False
) -> tuple[bytes, bytes]:
    """The two files. half: float32 weights are stored as float16."""
    entries, stored = [], b""
    for name, values in weights.items():
        entry: dict[str, Any] = {"name": name, "shape": list(values.shape), "dtype": values.dtype.name}
        if half and values.dtype == np.float32:
            entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
            stored += values.astype("<f2").tobytes()
        else:
            stored += values.tobytes()
        entries.append(entry)
    everything = [*(node(name, "Const") for name in weights), *nodes]
    document = {
        "modelTopology": {"node": everything},
        "weightsManifest": [{"paths": ["weights.bin"], "weights": entries}],
    }
    return json.dumps(document).encode(), stored


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
