"""Makes the convolutions of an ONNX net compute in 8 bits, where the net itself says how large its values can get."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = ["quantized"]

_LARGEST = 127  # of a weight; -128 is left out, so that weights are symmetric
_LEVELS = 255  # of a value, above 0


def quantized(net: bytes) -> bytes:
    """The net with every convolution whose input is limited, to 0 below and a finite value above, in INT8.

    In the form that onnxruntime and OpenVINO know (QuantizeLinear and DequantizeLinear around float operations): values
    are unsigned with one scale for all, their limit / 255; weights are signed with a scale for each output channel.
    Nothing has to be measured: a net with limited activations (ReLU6) uses their whole range. What has no such input
    stays as it is. Equal inputs give equal bytes. Raises ModelError where there is nothing to do.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(net)
    graph = model.graph
    rewriting = _Rewriting({tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer})
    nodes = [each for node in graph.node for each in rewriting.of(node)]
    if not rewriting.convolutions:
        raise ModelError(
            "no convolution of this net has an input that is limited on either side: it can't be quantised"
        )
    needed = {name for node in nodes for name in node.input}
    weights = [numpy_helper.from_array(array, name) for name, array in rewriting.weights.items() if name in needed]
    for field, values in ((graph.node, nodes), (graph.initializer, weights)):
        del field[:]
        field.extend(values)
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)  # type: ignore[no-any-return]


class _Rewriting:
    """Goes through a graph once, in its order. weights: of the old graph and of the new one."""

    def __init__(self, weights: dict[str, NDArray[Any]]) -> None:
        self.weights = weights
        self.convolutions = 0
        self._limits: dict[str, float] = {}  # by value: 0 to this
        self._rounded: dict[str, str] = {}  # by value: the same in 256 steps

    def of(self, node: NodeProto) -> Iterator[NodeProto]:
        """What stands for a node."""
        if node.op_type == "Clip":
            least, most = (float(self.weights[name]) for name in node.input[1:])
            if least == 0 and 0 < most < math.inf:
                self._limits[node.output[0]] = most
        elif node.op_type == "Conv" and node.input[0] in self._limits:
            self.convolutions += 1
            yield from self._round(node.input[0])
            yield from self._in_eight_bits(node)
        elif node.op_type == "GlobalAveragePool" and node.input[0] in self._limits:
            yield from self._round(node.input[0])
            node.input[0] = self._rounded[node.input[0]]
        yield node

    def _round(self, value: str) -> Iterator[NodeProto]:
        """Steps of a value, once."""
        if value in self._rounded:
            return
        steps, self._rounded[value] = f"{value}/steps", f"{value}/rounded"
        by = self._constants(value, np.array(self._limits[value] / _LEVELS, np.float32), np.array(0, np.uint8))
        yield _node("QuantizeLinear", [value, *by], steps)
        yield _node("DequantizeLinear", [steps, *by], self._rounded[value])

    def _in_eight_bits(self, node: NodeProto) -> Iterator[NodeProto]:
        """The kernel and the bias of a convolution in whole numbers; the node is made to take them."""
        value, kernel, bias = node.input
        floats = self.weights[kernel]
        scale = np.abs(floats).max(axis=(1, 2, 3)) / np.float32(_LARGEST)
        scale = np.where(scale > 0, scale, np.float32(1))
        whole = np.rint(floats / scale[:, None, None, None]).astype(np.int8)
        # runtimes add it to sums of products before those are scaled back
        bias_scale = scale * np.float32(self._limits[value] / _LEVELS)
        whole_bias = np.rint(self.weights[bias] / bias_scale).astype(np.int32)
        for name, numbers, by in ((kernel, whole, scale), (bias, whole_bias, bias_scale)):
            self.weights[f"{name}/whole"] = numbers
            constants = self._constants(name, by, np.zeros(len(by), numbers.dtype))
            yield _node("DequantizeLinear", [f"{name}/whole", *constants], f"{name}/rounded", axis=0)
        node.input[:] = [self._rounded[value], f"{kernel}/rounded", f"{bias}/rounded"]

    def _constants(self, name: str, scale: NDArray[Any], zero: NDArray[Any]) -> list[str]:
        """Keeps a scale and the whole number that stands for 0; their names."""
        names = [f"{name}/scale", f"{name}/zero"]
        self.weights.update(zip(names, (scale, zero), strict=True))
        return names


def _node(op: str, inputs: list[str], output: str, **attributes: Any) -> NodeProto:
    from onnx import helper

    return helper.make_node(op, inputs, [output], name=output, **attributes)
