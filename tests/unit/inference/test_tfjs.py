"""The conversion of TensorFlow.js graph models: each operation against the same in numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.inference.runtime import available_runtimes, open_session
from streamer.inference.tfjs import graph_model_to_onnx
from tests.graph_models import Node, convolution, dense, graph_model, node, placeholder

Array = NDArray[Any]


def random(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Array]:
    """Converts a graph and runs it: `output` for x; both (N, height, width, C), or (N, C)."""

    def converted(
        nodes: Sequence[Node], weights: Mapping[str, Array], x: Array, output: str, runtime: str = "onnxruntime"
    ) -> Array:
        path = tmp_path / "net.onnx"
        path.write_bytes(graph_model_to_onnx(*graph_model([placeholder(*x.shape[1:]), *nodes], weights), {"y": output}))
        session = open_session(path, runtime=runtime, precision="float32")  # type: ignore[arg-type]
        value = session.run(np.ascontiguousarray(x.transpose(0, 3, 1, 2)))["y"]
        return value.transpose(0, 2, 3, 1) if value.ndim == 4 else value

    return converted


def convolved(x: Array, kernel: Array, strides: Sequence[int], *, same: bool, dilation: int = 1) -> Array:
    """TensorFlow's conv2d, written from its definition. kernel: (height, width, in, out)."""
    spans = [(size - 1) * dilation + 1 for size in kernel.shape[:2]]
    if same:
        made = [-(-size // stride) for size, stride in zip(x.shape[1:3], strides, strict=True)]
        totals = [max((m - 1) * s + k - n, 0) for m, s, k, n in zip(made, strides, spans, x.shape[1:3], strict=True)]
        x = np.pad(x, [(0, 0), *((total // 2, total - total // 2) for total in totals), (0, 0)])
    made = [(size - span) // stride + 1 for size, span, stride in zip(x.shape[1:3], spans, strides, strict=True)]
    out = np.zeros((len(x), *made, kernel.shape[3]), np.float32)
    for i in range(made[0]):
        for j in range(made[1]):
            top, left = i * strides[0], j * strides[1]
            part = x[:, top : top + spans[0] : dilation, left : left + spans[1] : dilation]
            out[:, i, j] = np.tensordot(part, kernel, 3)
    return out


CASES = [
    # height, width, kernel height and width, strides, padding, dilation
    (8, 8, 3, 3, (1, 1), "SAME", 1),
    (8, 8, 3, 3, (2, 2), "SAME", 1),  # one row more below than above
    (7, 7, 3, 3, (2, 2), "SAME", 1),
    (7, 8, 3, 3, (2, 2), "SAME", 1),
    (9, 7, 5, 2, (3, 2), "SAME", 1),
    (8, 7, 2, 2, (2, 2), "SAME", 1),
    (8, 8, 1, 1, (2, 2), "SAME", 1),  # a stride longer than the kernel
    (8, 8, 3, 3, (1, 1), "SAME", 2),
    (8, 7, 3, 3, (2, 1), "VALID", 1),
]


@pytest.mark.parametrize(("height", "width", "rows", "columns", "strides", "padding", "dilation"), CASES)
@pytest.mark.parametrize("runtime", available_runtimes())
def test_convolution(  # noqa: PLR0917  a row of the table
    run: Callable[..., Array], height: int, width: int, rows: int, columns: int, strides: tuple[int, int], padding: str,
    dilation: int, runtime: str,
) -> None:  # fmt: skip
    x, kernel = random(2, height, width, 3), random(rows, columns, 3, 5)
    nodes = [convolution("Conv2D", "c", "x", strides=strides, padding=padding, dilation=dilation)]
    expected = convolved(x, kernel, strides, same=padding == "SAME", dilation=dilation)
    np.testing.assert_allclose(run(nodes, {"c/kernel": kernel}, x, "c", runtime), expected, atol=1e-4)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(("size", "stride"), [(8, 1), (8, 2), (7, 2)])
@pytest.mark.parametrize("runtime", available_runtimes())
def test_depthwise_convolution(run: Callable[..., Array], times: int, size: int, stride: int, runtime: str) -> None:
    x, kernel = random(2, size, size, 3), random(3, 3, 3, times)
    nodes = [convolution("DepthwiseConv2dNative", "d", "x", strides=(stride, stride))]
    each = [convolved(x[..., c : c + 1], kernel[:, :, c : c + 1], (stride, stride), same=True) for c in range(3)]
    expected = np.concatenate(each, axis=3)
    np.testing.assert_allclose(run(nodes, {"d/kernel": kernel}, x, "d", runtime), expected, atol=1e-4)


X = random(2, 4, 5, 3)
FOUR = np.array([4], np.float32)
CONSTANTS = {"c": random(3), "s": np.array(0.5, np.float32), "low": np.array(-0.3, np.float32), "four": FOUR}


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([node("y", "Add", "x", "c")], X + CONSTANTS["c"]),
        ([node("y", "Add", "c", "x")], X + CONSTANTS["c"]),
        ([node("y", "Mul", "x", "c")], X * CONSTANTS["c"]),
        ([node("y", "Mul", "x", "four")], X * 4),
        ([node("y", "Add", "x", "x")], X + X),
        ([node("a", "Relu", "x"), node("y", "Mul", "a", "x")], np.maximum(X, 0) * X),
        ([node("y", "Relu", "x:0", "^c")], np.maximum(X, 0)),
        ([node("y", "Minimum", "x", "s")], np.minimum(X, 0.5)),
        ([node("y", "Maximum", "low", "x")], np.maximum(X, -0.3)),
        ([node("a", "Relu", "x"), node("b", "Minimum", "a", "s"), node("y", "Maximum", "b", "low")], X.clip(0, 0.5)),
        ([node("a", "Minimum", "x", "low"), node("y", "Maximum", "a", "s")], np.full_like(X, 0.5)),
        ([node("a", "Minimum", "x", "low"), node("y", "Add", "a", "a")], 2 * np.minimum(X, -0.3)),
        ([node("y", "Sigmoid", "x")], 1 / (1 + np.exp(-X))),
    ],
)
def test_operation_on_pictures(run: Callable[..., Array], nodes: list[Node], expected: Array) -> None:
    np.testing.assert_allclose(run(nodes, CONSTANTS, X, "y"), expected, atol=1e-6)


def test_limits_become_one_operation() -> None:
    nodes = [node("a", "Relu", "x"), node("b", "Minimum", "a", "s"), node("y", "Maximum", "b", "low")]
    converted = onnx.load_from_string(
        graph_model_to_onnx(*graph_model([placeholder(4, 5, 3), *nodes], CONSTANTS), {"y": "y"})
    )
    assert [made.op_type for made in converted.graph.node] == ["Clip"]


@pytest.mark.parametrize("op", ["Conv2D", "DepthwiseConv2dNative"])
def test_factors_and_summands_go_into_the_convolution(run: Callable[..., Array], op: str) -> None:
    kernel, factor, summand = random(3, 3, 3, 3 if op == "Conv2D" else 1), random(3), random(3) + 1
    weights = {"k/kernel": kernel, "f": factor, "s": summand}
    nodes = [convolution(op, "k", "x"), node("m", "Mul", "k", "f"), node("a", "Add", "m", "s"), node("y", "Relu", "a")]
    expected = np.maximum(run(nodes[:1], weights, X, "k") * factor + summand, 0)
    np.testing.assert_allclose(run(nodes, weights, X, "y"), expected, atol=1e-5)
    made = onnx.load_from_string(graph_model_to_onnx(*graph_model([placeholder(4, 5, 3), *nodes], weights), {"y": "y"}))
    assert [each.op_type for each in made.graph.node] == ["Conv", "Clip"]


def test_convolution_that_is_used_twice_stays_as_it_is(run: Callable[..., Array]) -> None:
    weights = {"k/kernel": random(1, 1, 3, 3), "f": random(3)}
    nodes = [convolution("Conv2D", "k", "x"), node("m", "Mul", "k", "f"), node("y", "Add", "m", "k")]
    plain = X @ weights["k/kernel"][0, 0]
    np.testing.assert_allclose(run(nodes, weights, X, "y"), plain * weights["f"] + plain, atol=1e-5)


HEAD = [
    node("pooled", "Mean", "x", "axes", keep_dims={"b": False}),
    dense("hidden", "pooled", "BiasAdd", "Relu"),
    dense("said", "hidden", "BiasAdd"),
    node("y", "Softmax", "said"),
]
HEAD_WEIGHTS = {
    "axes": np.array([1, 2], np.int32),
    "hidden/kernel": random(3, 4),
    "hidden/bias": random(4),
    "said/kernel": random(4, 6),
    "said/bias": random(6),
}


@pytest.mark.parametrize("runtime", available_runtimes())
def test_mean_dense_and_softmax(run: Callable[..., Array], runtime: str) -> None:
    w = HEAD_WEIGHTS
    hidden = np.maximum(X.mean(axis=(1, 2)) @ w["hidden/kernel"] + w["hidden/bias"], 0)
    said = np.exp(hidden @ w["said/kernel"] + w["said/bias"])
    np.testing.assert_allclose(
        run(HEAD, w, X, "y", runtime), said / said.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-6
    )


def test_net_for_a_smaller_picture_is_that_of_a_graph_which_takes_one() -> None:
    weights = {"c/kernel": random(3, 3, 2, 4), "axes": np.array([1, 2], np.int32)}
    nodes = [convolution("Conv2D", "c", "x", strides=(2, 2)), node("m", "Mean", "c", "axes")]  # padded unequally
    large, small = (graph_model([placeholder(side, side, 2), *nodes], weights) for side in (11, 6))
    assert graph_model_to_onnx(*large, {"y": "m"}, side=6) == graph_model_to_onnx(*small, {"y": "m"})


def test_what_only_leads_to_other_outputs_is_cut_off() -> None:
    extra = [node("features", "Sigmoid", "pooled"), node("odd", "FancyOperation", "features")]
    whole = graph_model([placeholder(4, 5, 3), *HEAD, *extra], HEAD_WEIGHTS)
    lean = graph_model([placeholder(4, 5, 3), *HEAD], HEAD_WEIGHTS)
    assert graph_model_to_onnx(*whole, {"age": "y"}) == graph_model_to_onnx(*lean, {"age": "y"})
    net = onnx.load_from_string(graph_model_to_onnx(*whole, {"age": "y"}))
    assert [output.name for output in net.graph.output] == ["age"]


def test_half_precision_weights_are_widened() -> None:
    weights = {"k/kernel": random(1, 1, 3, 3).astype(np.float16).astype(np.float32)}
    nodes = [placeholder(4, 5, 3), convolution("Conv2D", "k", "x")]
    half, full = (graph_model(nodes, weights, half=half) for half in (True, False))
    assert len(half[1]) < len(full[1])
    assert graph_model_to_onnx(*half, {"y": "k"}) == graph_model_to_onnx(*full, {"y": "k"})


@pytest.mark.parametrize(
    ("nodes", "output", "problem"),
    [
        ([node("y", "Tanh", "x")], "y", r"operation Tanh \(y\) isn't translated"),
        ([], "y", "no node y"),
        ([node("y", "Mean", "x", "four")], "y", "mean over all places"),
        ([node("y", "Softmax", "x")], "y", "softmax over"),
        ([convolution("Conv2D", "k", "x", padding="EXPLICIT")], "k", "EXPLICIT"),
        ([node("y", "Add", "x", "five")], "y", r"constant of shape \(5,\)"),
        ([node("y", "Minimum", "x", "c")], "y", "limit isn't one constant"),
        ([node("y", "Relu", "lost"), node("lost", "Const")], "y", "no weights for lost"),
    ],
)
def test_what_cannot_be_translated_is_an_error(nodes: list[Node], output: str, problem: str) -> None:
    weights = {**CONSTANTS, "k/kernel": random(1, 1, 3, 3), "five": random(5)}
    with pytest.raises(ModelError, match=problem):
        graph_model_to_onnx(*graph_model([placeholder(4, 5, 3), *nodes], weights), {"y": output})


def test_weights_of_another_length_are_an_error() -> None:
    model, weights = graph_model([placeholder(4, 5, 3), node("y", "Add", "x", "c")], {"c": random(3)})
    with pytest.raises(ModelError, match="fill 12 bytes, but 13"):
        graph_model_to_onnx(model, weights + b"x", {"y": "y"})
