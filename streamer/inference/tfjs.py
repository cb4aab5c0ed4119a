"""Turns a TensorFlow.js graph model into ONNX: the operations that a MobileNet with dense heads is made of."""

from __future__ import annotations

import base64
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError

__all__ = ["graph_model_to_onnx"]

Array = NDArray[Any]

_OPSET = 13
_IR_VERSION = 8
_STORED = {"float32": np.float32, "float16": np.float16, "int32": np.int32}


def graph_model_to_onnx(model: bytes, weights: bytes, outputs: Mapping[str, str], *, side: int | None = None) -> bytes:
    """An ONNX net of a model.json and its one file of weights. Equal inputs give equal bytes.

    outputs: name in the ONNX net → node of the graph; whatever none of them needs is left out. The graph works on
    (N, height, width, C), the ONNX net on (N, C, height, width), with N free. A factor or a summand for each channel
    goes into the convolution before it, and limits on either side become one Clip: not all runtimes see to that
    themselves. side: height and width of the input, pixels; as the graph says unless given, which is possible where the
    graph takes the mean over all places before its dense layers. Raises ModelError for what it can't translate.
    """
    document: dict[str, Any] = json.loads(model)
    nodes = {node["name"]: node for node in document["modelTopology"]["node"]}
    needed = _needed(nodes, outputs.values())
    uses = Counter([*outputs.values(), *(name for node in needed for name in _inputs(nodes[node]))])
    translation = _Translation(uses, _weights(document["weightsManifest"], weights), side)
    for name in needed:
        translation.translate(nodes[name])
    return translation.finish(outputs)


def _weights(manifest: Sequence[Mapping[str, Any]], stored: bytes) -> dict[str, Array]:
    """The constants by name; those that were stored as float16 are widened, which changes no value."""
    weights: dict[str, Array] = {}
    offset = 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        kind = entry.get("quantization", entry)["dtype"]
        if kind not in _STORED:
            raise ModelError(f"the graph model's weights {entry['name']} are {kind}, which isn't translated")
        count = math.prod(entry["shape"])
        values = np.frombuffer(stored, np.dtype(_STORED[kind]).newbyteorder("<"), count, offset)
        offset += values.nbytes
        weights[entry["name"]] = values.astype(entry["dtype"]).reshape(entry["shape"])
    if offset != len(stored):
        raise ModelError(f"the graph model's weights fill {offset} bytes, but {len(stored)} were given")
    return weights


def _needed(nodes: Mapping[str, Mapping[str, Any]], outputs: Iterable[str]) -> list[str]:
    """The nodes that the outputs depend on, each after its inputs."""
    graph: dict[str, list[str]] = {}
    todo = list(outputs)
    while todo:
        name = todo.pop()
        if name not in graph:
            if name not in nodes:
                raise ModelError(f"the graph model has no node {name}")
            graph[name] = _inputs(nodes[name])
            todo += graph[name]
    return list(TopologicalSorter(graph).static_order())


def _inputs(node: Mapping[str, Any]) -> list[str]:
    return [name.removesuffix(":0") for name in node.get("input", ()) if not name.startswith("^")]


@dataclass(slots=True)
class _Node:
    """An ONNX node in the making. weights: appended to its inputs in this order."""

    op: str
    inputs: list[str]
    weights: dict[str, Array] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)


class _Translation:
    """Goes through the graph once, making an ONNX node of each."""

    def __init__(self, uses: Mapping[str, int], constants: Mapping[str, Array], side: int | None) -> None:
        """uses: how often each value is needed, be it by a node or as an output. side: of the input, if not its own."""
        self._uses = uses
        self._constants = constants
        self._side = side
        self._made: dict[str, _Node] = {}  # by the name of what it makes, in order
        self._shapes: dict[str, tuple[int, ...]] = {}  # (C, height, width) or (C,)
        self._graph_inputs: list[str] = []

    def translate(self, node: Mapping[str, Any]) -> None:
        """One node; all that it needs has been translated. Raises ModelError."""
        if node["op"] == "Const":
            if node["name"] not in self._constants:
                raise ModelError(f"the graph model has no weights for {node['name']}")
            return
        translator = getattr(self, f"_{node['op'].strip('_').lower()}", None)
        if translator is None:
            raise ModelError(f"the graph model's operation {node['op']} ({node['name']}) isn't translated")
        translator(node["name"], _inputs(node), node.get("attr", {}))

    def finish(self, outputs: Mapping[str, str]) -> bytes:
        """The whole net, serialised."""
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        names = {node: name for name, node in outputs.items()}
        made, weights = [], []
        for value, node in self._made.items():
            inputs = [names.get(name, name) for name in node.inputs]
            for role, array in node.weights.items():
                inputs.append(f"{value}/{role}")
                # made contiguous where it isn't; ascontiguousarray would turn a scalar into a vector
                weights.append(numpy_helper.from_array(np.array(array, np.float32, order="C"), inputs[-1]))
            made.append(helper.make_node(node.op, inputs, [names.get(value, value)], name=value, **node.attributes))

        def described(name: str, value: str) -> onnx.ValueInfoProto:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *self._shapes[value]])

        graph = helper.make_graph(
            made,
            "graph_model",
            [described(name, name) for name in self._graph_inputs],
            [described(name, value) for name, value in outputs.items()],
            initializer=weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
        onnx.checker.check_model(model)
        return model.SerializeToString(deterministic=True)  # type: ignore[no-any-return]

    def _placeholder(self, name: str, _: Sequence[str], attributes: Mapping[str, Any]) -> None:
        dims = [int(dim["size"]) for dim in attributes["shape"]["shape"]["dim"]]
        if len(dims) != 4 or min(dims[1:]) < 1:
            raise ModelError(f"the graph model's input {name} is {dims}; (N, height, width, C) is needed")
        self._shapes[name] = (dims[3], self._side or dims[1], self._side or dims[2])
        self._graph_inputs.append(name)

    def _conv2d(self, name: str, inputs: Sequence[str], attributes: Mapping[str, Any]) -> None:
        kernel = self._constants[inputs[1]]  # (height, width, in, out)
        self._convolve(name, inputs[0], kernel.transpose(3, 2, 0, 1), 1, attributes)

    def _depthwiseconv2dnative(self, name: str, inputs: Sequence[str], attributes: Mapping[str, Any]) -> None:
        kernel = self._constants[inputs[1]]  # (height, width, in, out for each in)
        height, width, channels, times = kernel.shape
        kernel = kernel.transpose(2, 3, 0, 1).reshape(channels * times, 1, height, width)
        self._convolve(name, inputs[0], kernel, channels, attributes)

    def _convolve(self, name: str, source: str, kernel: Array, groups: int, attributes: Mapping[str, Any]) -> None:
        """kernel: (out, in of a group, height, width)."""
        padding = _text(attributes["padding"]["s"])
        if _text(attributes["data_format"]["s"]) != "NHWC" or padding not in {"SAME", "VALID"}:
            raise ModelError(f"the graph model's {name} isn't translated: {padding}, or channels first")
        strides = _spatial(attributes["strides"])
        dilations = _spatial(attributes["dilations"]) if "dilations" in attributes else [1, 1]
        spans = [(size - 1) * dilation + 1 for size, dilation in zip(kernel.shape[2:], dilations, strict=True)]
        sizes, before, after = [], [], []
        for size, stride, span in zip(self._shapes[source][1:], strides, spans, strict=True):
            made = -(-size // stride) if padding == "SAME" else (size - span) // stride + 1
            total = max((made - 1) * stride + span - size, 0)
            sizes.append(made)
            before.append(total // 2)  # the odd one goes after: right and below
            after.append(total - total // 2)
        self._made[name] = _Node(
            "Conv",
            [source],
            {"kernel": kernel},
            {
                "kernel_shape": list(kernel.shape[2:]),
                "strides": strides,
                "dilations": dilations,
                "pads": before + after,
                "group": groups,
            },
        )
        self._shapes[name] = (len(kernel), *sizes)

    def _add(self, name: str, inputs: Sequence[str], _: Mapping[str, Any]) -> None:
        self._combine("Add", name, inputs)

    def _mul(self, name: str, inputs: Sequence[str], _: Mapping[str, Any]) -> None:
        self._combine("Mul", name, inputs)

    def _combine(self, op: str, name: str, inputs: Sequence[str]) -> None:
        sources, constants = self._parted(inputs)
        shape = self._shapes[sources[0]]
        self._shapes[name] = shape
        if not constants:
            if shape != self._shapes[sources[1]]:
                raise ModelError(f"the graph model's {name} combines unequal shapes, which isn't translated")
            self._made[name] = _Node(op, sources)
            return
        values = np.asarray(constants[0], np.float32)
        if values.shape not in {(), (1,), shape[:1]}:
            raise ModelError(f"the graph model's {name} has a constant of shape {values.shape}, which isn't translated")
        if (conv := self._sole(sources[0], "Conv")) is None:
            values = values.reshape(values.shape + (1,) * (len(shape) - 1)) if values.ndim else values
            self._made[name] = _Node(op, sources, {"constant": values})
            return
        kernel, bias = conv.weights["kernel"], conv.weights.get("bias", np.zeros(shape[:1], np.float32))
        values = np.broadcast_to(values, shape[:1])
        if op == "Mul":
            conv.weights = {"kernel": kernel * values[:, None, None, None], "bias": bias * values}
        else:
            conv.weights = {"kernel": kernel, "bias": bias + values}
        self._made[name] = conv

    def _relu(self, name: str, inputs: Sequence[str], _: Mapping[str, Any]) -> None:
        self._limit(name, inputs[0], least=0.0)

    def _minimum(self, name: str, inputs: Sequence[str], _: Mapping[str, Any]) -> None:
        source, value = self._with_scalar(name, inputs)
        self._limit(name, source, most=value)

    def _maximum(self, name: str, inputs: Sequence[str], _: Mapping[str, Any]) -> None:
        source, value = self._with_scalar(name, inputs)
        self._limit(name, source, least=value)

    def _limit(self, name: str, source: str, *, least: float = -math.inf, most: float = math.inf) -> None:
        """Keep values within limits, together with the limits that they were just kept within."""
        self._shapes[name] = self._shapes[source]
        if (earlier := self._sole(source, "Clip")) is not None:
            low, high = float(earlier.weights["least"]), float(earlier.weights["most"])
            # each new limit is laid on what came out of the old ones
            source, least, most = earlier.inputs[0], max(min(low, most), least), min(max(high, least), most)
        self._made[name] = _Node("Clip", [source], {"least": np.array(least), "most": np.array(most)})

    def _mean(self, name: str, inputs: Sequence[str], attributes: Mapping[str, Any]) -> None:
        axes = sorted(self._constants[inputs[1]].ravel().tolist())
        if axes != [1, 2] or attributes.get("keep_dims", {}).get("b", False):
            raise ModelError(f"the graph model's {name} isn't translated: only a mean over all places of a picture is")
        self._made[f"{name}/kept"] = _Node("GlobalAveragePool", [inputs[0]])
        self._made[name] = _Node("Flatten", [f"{name}/kept"], attributes={"axis": 1})
        self._shapes[name] = self._shapes[inputs[0]][:1]

    def _fusedmatmul(self, name: str, inputs: Sequence[str], attributes: Mapping[str, Any]) -> None:
        after = [_text(op) for op in attributes["fused_ops"]["list"]["s"]]
        if after not in (["BiasAdd"], ["BiasAdd", "Relu"]) or attributes.get("transpose_a", {}).get("b", False):
            raise ModelError(f"the graph model's {name} isn't translated: {after}")
        kernel = self._constants[inputs[1]]
        kernel = kernel.T if attributes.get("transpose_b", {}).get("b", False) else kernel  # (in, out)
        made = f"{name}/dense" if "Relu" in after else name
        self._made[made] = _Node("Gemm", [inputs[0]], {"kernel": kernel, "bias": self._constants[inputs[2]]})
        self._shapes[made] = kernel.shape[1:]
        if "Relu" in after:
            self._limit(name, made, least=0.0)

    def _sigmoid(self, name: str, inputs: Sequence[str], _: Mapping[str, Any]) -> None:
        self._made[name] = _Node("Sigmoid", [inputs[0]])
        self._shapes[name] = self._shapes[inputs[0]]

    def _softmax(self, name: str, inputs: Sequence[str], _: Mapping[str, Any]) -> None:
        if len(self._shapes[inputs[0]]) != 1:
            raise ModelError(f"the graph model's {name} isn't translated: only a softmax over (N, classes) is")
        self._made[name] = _Node("Softmax", [inputs[0]], attributes={"axis": 1})
        self._shapes[name] = self._shapes[inputs[0]]

    def _parted(self, inputs: Sequence[str]) -> tuple[list[str], list[Array]]:
        """Which inputs are computed, and the values of those that are constant."""
        constants = [self._constants[name] for name in inputs if name in self._constants]
        return [name for name in inputs if name not in self._constants], constants

    def _with_scalar(self, name: str, inputs: Sequence[str]) -> tuple[str, float]:
        sources, constants = self._parted(inputs)
        if len(constants) != 1 or constants[0].size != 1:
            raise ModelError(f"the graph model's {name} isn't translated: its limit isn't one constant")
        return sources[0], float(constants[0].item())

    def _sole(self, value: str, op: str) -> _Node | None:
        """The node that makes a value, taken out for its only user to replace; None if it is another or has more."""
        node = self._made.get(value)
        if node is None or node.op != op or self._uses[value] != 1:
            return None
        return self._made.pop(value)


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode()


def _spatial(attribute: Mapping[str, Any]) -> list[int]:
    """Height and width of (N, height, width, C)."""
    return [int(value) for value in attribute["list"]["i"]][1:3]
