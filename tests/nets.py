"""Tiny ONNX nets for tests: what they compute is known, and no weights are needed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["constant_net", "convolution_net", "weights_as_inputs_net"]


def convolution_net(path: Path) -> Path:
    """Input (N, 3, h, w); outputs `tripled`, the input times three, and `grey` (N, 1, h, w), its channels' sum."""
    sums = numpy_helper.from_array(np.ones((1, 3, 1, 1), np.float32), "sums")
    three = numpy_helper.from_array(np.array([3], np.float32), "three")
    nodes = [
        helper.make_node("Mul", ["pixels", "three"], ["tripled"]),
        helper.make_node("Conv", ["pixels", "sums"], ["grey"], kernel_shape=[1, 1]),
    ]
    shape: Sequence[str | int] = ["n", 3, "h", "w"]
    outputs: dict[str, Sequence[str | int]] = {"tripled": shape, "grey": ["n", 1, "h", "w"]}
    return _save(path, nodes, {"pixels": shape}, outputs, [sums, three])


def constant_net(path: Path, values: Sequence[float], size: int) -> Path:
    """Input (N, 3, size, size); for each it says `values`, whatever it sees: (N, len(values))."""
    said = numpy_helper.from_array(np.array(values, np.float32).reshape(1, -1), "said")
    none = numpy_helper.from_array(np.zeros((3, len(values)), np.float32), "none")
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["means"]),
        helper.make_node("Flatten", ["means"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "none"], ["nothing"]),
        helper.make_node("Add", ["nothing", "said"], ["probabilities"]),
    ]
    inputs: dict[str, Sequence[str | int]] = {"pixels": ["n", 3, size, size]}
    return _save(path, nodes, inputs, {"probabilities": ["n", len(values)]}, [said, none])


def weights_as_inputs_net(path: Path) -> Path:
    """As old exporters wrote nets: the weights are also listed as inputs, and the input has a fixed shape."""
    kernel = numpy_helper.from_array(np.full((1, 3, 1, 1), 2, np.float32), "kernel")
    nodes = [helper.make_node("Conv", ["pixels", "kernel"], ["map"], kernel_shape=[1, 1])]
    inputs: dict[str, Sequence[str | int]] = {"pixels": [10, 3, 32, 32], "kernel": [1, 3, 1, 1]}
    return _save(path, nodes, inputs, {"map": [10, 1, 32, 32]}, [kernel])


def _save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, Sequence[str | int]],
    outputs: dict[str, Sequence[str | int]],
    weights: Sequence[onnx.TensorProto],
) -> Path:
    def values(shapes: dict[str, Sequence[str | int]]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]

    graph = helper.make_graph(nodes, "tiny", values(inputs), values(outputs), initializer=weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path
