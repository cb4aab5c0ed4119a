"""The layers of the nets of Levi and Hassner (2015): as the list that readers of Caffe files take, and as ONNX.

From "Age and Gender Classification Using Convolutional Neural Networks". Layers bear the names under which the weights
are filed. Dropout is left out: it does nothing outside of training.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from streamer.inference.runtime import Runtime, open_caffe_session, open_session
from streamer.inference.runtimes.caffe import Weights, read_caffe_weights
from streamer.inference.session import Precision, Session

__all__ = ["layers", "onnx_net", "open_levi_hassner_net"]

_SIDE = 227  # pixels of the input
_LAST = 3  # of the convolutions: it alone isn't normalised
_OPSET, _IR_VERSION = 13, 8


class _Convolution(NamedTuple):
    """One of the three, each followed by a ReLU, a pooling over 3 x 3 every 2, and a normalisation."""

    number: int
    bottom: str
    channels: int
    kernel: int
    stride: int
    pad: int
    pooled: str


_CONVOLUTIONS = (
    _Convolution(1, "data", 96, 7, 4, 0, "pool1"),
    _Convolution(2, "norm1", 256, 5, 1, 2, "pool2"),
    _Convolution(_LAST, "norm2", 384, 3, 1, 1, "pool5"),
)
_HIDDEN = ((6, "pool5", 512), (7, "fc6", 512))  # number, bottom, outputs of the dense layers before the last
_NORM_SIZE, _NORM_ALPHA, _NORM_BETA = 5, 0.0001, 0.75  # over channels, by the mean of squares
_WITH_WEIGHTS = ("conv1", "conv2", "conv3", "fc6", "fc7", "fc8")


def open_levi_hassner_net(
    weights: Path, classes: int, *, runtime: Runtime, precision: Precision, threads: int | None = None
) -> Session:
    """A net from its .caffemodel: on `runtime: opencv` as it is, on the others as ONNX, at half the cost and less.

    Arguments and errors as those of `open_session`. Any runtime needs an OpenCV that reads Caffe files.
    """
    if runtime == "opencv":
        return open_caffe_session(weights, layers(classes))
    stored = read_caffe_weights(weights, layers(classes), _WITH_WEIGHTS)
    with tempfile.TemporaryDirectory(prefix="streamer-") as folder:
        converted = Path(folder) / weights.with_suffix(".onnx").name
        converted.write_bytes(onnx_net(stored, classes))
        return open_session(converted, runtime=runtime, precision=precision, threads=threads)


def onnx_net(weights: Weights, classes: int) -> bytes:
    """The same net in ONNX: (N, 3, 227, 227) float32 in, (N, classes) probabilities out.

    weights: kernel and bias by layer. All of its operations have the same meaning in Caffe, but for one: a pooling that
    doesn't divide its input takes what is left over as well, which ONNX calls ceil_mode.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[onnx.NodeProto] = []
    stored: list[onnx.TensorProto] = []

    def add(op: str, source: str, made: str, layer: str = "", **attributes: Any) -> None:
        names = [f"{layer}/{role}" for role in ("kernel", "bias")] if layer else []
        stored.extend(numpy_helper.from_array(a, n) for a, n in zip(weights.get(layer, ()), names, strict=True))
        nodes.append(helper.make_node(op, [source, *names], [made], name=made, **attributes))

    for each in _CONVOLUTIONS:
        name, relu = f"conv{each.number}", f"relu{each.number}"
        add("Conv", each.bottom, name, name, strides=[each.stride] * 2, pads=[each.pad] * 4)
        add("Relu", name, relu)
        add("MaxPool", relu, each.pooled, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
        if each.number != _LAST:
            norm = f"norm{each.number}"
            add("LRN", each.pooled, norm, size=_NORM_SIZE, alpha=_NORM_ALPHA, beta=_NORM_BETA, bias=1.0)
    add("Flatten", "pool5", "flat", axis=1)
    for source, name in (("flat", "fc6"), ("relu6", "fc7"), ("relu7", "fc8")):
        add("Gemm", source, name, name, transB=1)
        if name != "fc8":
            add("Relu", name, f"relu{name[2:]}")
    add("Softmax", "fc8", "prob", axis=1)
    taken = helper.make_tensor_value_info("data", TensorProto.FLOAT, ["batch", 3, _SIDE, _SIDE])
    made = helper.make_tensor_value_info("prob", TensorProto.FLOAT, ["batch", classes])
    graph = helper.make_graph(nodes, "levi_hassner", [taken], [made], initializer=stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    return model.SerializeToString()  # type: ignore[no-any-return]


def layers(classes: int) -> str:
    """The nets' prototxt."""
    blocks = [
        *(line for each in _CONVOLUTIONS for line in _convolution(each)),
        *(line for each in _HIDDEN for line in _hidden(*each)),
        _dense("fc8", "fc7", classes),
        _layer("prob", "Softmax", "fc8"),
    ]
    shape = " ".join(f"dim: {size}" for size in (1, 3, _SIDE, _SIDE))
    return "\n".join([f'input: "data"\ninput_shape {{ {shape} }}', *blocks, ""])


def _layer(name: str, kind: str, bottom: str, parameters: str = "", *, top: str | None = None) -> str:
    return f'layer {{ name: "{name}" type: "{kind}" bottom: "{bottom}" top: "{top or name}" {parameters} }}'


def _convolution(each: _Convolution) -> list[str]:
    name = f"conv{each.number}"
    window = f"kernel_size: {each.kernel} stride: {each.stride} pad: {each.pad}"
    norm = f"local_size: {_NORM_SIZE} alpha: {_NORM_ALPHA} beta: {_NORM_BETA}"
    made = [
        _layer(name, "Convolution", each.bottom, f"convolution_param {{ num_output: {each.channels} {window} }}"),
        _layer(f"relu{each.number}", "ReLU", name, top=name),
        _layer(each.pooled, "Pooling", name, "pooling_param { pool: MAX kernel_size: 3 stride: 2 }"),
    ]
    if each.number != _LAST:
        made.append(_layer(f"norm{each.number}", "LRN", each.pooled, f"lrn_param {{ {norm} }}"))
    return made


def _hidden(number: int, bottom: str, outputs: int) -> list[str]:
    name = f"fc{number}"
    return [_dense(name, bottom, outputs), _layer(f"relu{number}", "ReLU", name, top=name)]


def _dense(name: str, bottom: str, outputs: int) -> str:
    return _layer(name, "InnerProduct", bottom, f"inner_product_param {{ num_output: {outputs} }}")
