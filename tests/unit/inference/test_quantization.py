"""Convolutions in 8 bits: what is rewritten, and how near to the float net its results are on every runtime."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from streamer.errors import ModelError
from streamer.inference.quantization import quantized
from streamer.inference.runtime import Runtime, available_runtimes, has_int8, open_session

CHANNELS = 8


def net(*, limit: float | None = 6.0) -> bytes:
    """x → convolution → Clip to 0…limit → depthwise convolution → Clip → convolution → mean over all places."""
    random = np.random.default_rng(0)
    nodes, weights = [], {"least": np.array(0, np.float32), "most": np.array(limit or np.inf, np.float32)}
    value = "x"
    for i, (out, groups) in enumerate(((CHANNELS, 1), (CHANNELS, CHANNELS), (4, 1))):
        inside = (3 if i == 0 else CHANNELS) // groups
        weights[f"k{i}"] = random.normal(0, 1 / np.sqrt(inside), (out, inside, 1, 1)).astype(np.float32)
        weights[f"b{i}"] = random.normal(1, 0.2, out).astype(np.float32)
        nodes.append(helper.make_node("Conv", [value, f"k{i}", f"b{i}"], [f"c{i}"], group=groups, kernel_shape=[1, 1]))
        nodes.append(helper.make_node("Clip", [f"c{i}", "least", "most"], [f"l{i}"]))
        value = f"l{i}"
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["y"]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 16, 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 4, 1, 1])],
        initializer=[numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(model.SerializeToString(deterministic=True))


def test_convolutions_of_limited_values_get_whole_weights_and_the_first_stays_as_it_is() -> None:
    graph = onnx.load_from_string(quantized(net())).graph
    assert Counter(node.op_type for node in graph.node)["QuantizeLinear"] == 3
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    assert kinds["k0"] == TensorProto.FLOAT
    assert kinds["k1/whole"] == kinds["k2/whole"] == TensorProto.INT8
    assert not {"k1", "k2", "b1", "b2"} & set(kinds)


def test_weights_of_each_output_channel_use_all_of_its_127_steps() -> None:
    graph = onnx.load_from_string(quantized(net())).graph
    (kernel,) = (numpy_helper.to_array(tensor) for tensor in graph.initializer if tensor.name == "k2/whole")
    assert (np.abs(kernel.astype(int)).max(axis=(1, 2, 3)) == 127).all()


def test_equal_nets_give_equal_bytes() -> None:
    assert quantized(net()) == quantized(net())


def test_net_without_limits_cannot_be_quantised() -> None:
    with pytest.raises(ModelError, match="limited on either side"):
        quantized(net(limit=None))


@pytest.mark.parametrize("runtime", [runtime for runtime in available_runtimes() if runtime != "opencv"])
def test_result_is_that_of_the_float_net_to_a_hundredth_of_the_limit(tmp_path: Path, runtime: Runtime) -> None:
    x = np.random.default_rng(1).normal(0, 1, (2, 3, 16, 16)).astype(np.float32)
    said = {}
    for name, content in (("float", net()), ("whole", quantized(net()))):
        path = tmp_path / f"{name}.onnx"
        path.write_bytes(content)
        session = open_session(path, runtime=runtime, precision="float32", quantized=name == "whole")
        assert session.precision == ("int8" if name == "whole" else "float32")
        said[name] = session.run(x)["y"]
    assert said["float"].std() > 0.2
    assert np.abs(said["float"] - said["whole"]).max() < 0.06


@pytest.mark.parametrize(
    ("cpuinfo", "known"),
    [
        ("processor: 0\nflags\t\t: fpu avx2 avx512_vnni\nbugs\t: avx_vnni\n", True),
        ("processor: 0\nflags\t\t: fpu avx2 avx_vnni\n", True),
        ("processor: 0\nFeatures\t: fp asimd asimddp\n", True),
        ("processor: 0\nflags\t\t: fpu avx2 avx512f\nbugs\t: avx_vnni\n", False),
    ],
)
def test_instructions_for_8_bits_are_read_from_what_the_processor_says(
    tmp_path: Path, cpuinfo: str, known: bool
) -> None:
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    assert has_int8(tmp_path / "cpuinfo") is known
