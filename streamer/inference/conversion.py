"""Rewrites a fetched net once, so that the runtimes can do their best with it."""

from __future__ import annotations

import io
from pathlib import Path

from streamer.errors import ModelError
from streamer.inference.fetching import keep
from streamer.inference.manifest import Conversion
from streamer.inference.quantization import quantized
from streamer.inference.tfjs import graph_model_to_onnx

__all__ = ["convert"]


def convert(original: Path, conversion: Conversion, target: Path, *, layers: Path | None = None) -> None:
    """Write the converted file to `target`. layers: the file of that name in the conversion, where it needs one.

    The result is checked byte for byte: onnx 1.17 to 1.23, with protobuf in C and in Python, write the same bytes.
    Raises ModelError.
    """
    if conversion.step == "quantize":
        rewritten = quantized(original.read_bytes())
    elif layers is None:
        rewritten = _free_input_shape(original)
    else:
        rewritten = graph_model_to_onnx(
            layers.read_bytes(), original.read_bytes(), conversion.outputs, side=conversion.side
        )
    try:
        keep(io.BytesIO(rewritten), conversion.result, target)
    except ModelError as error:
        raise ModelError(
            f"{original} was converted ({conversion.step}), but the result is not the known one: {error}. "
            "The installed onnx package writes other bytes: install another version of it"
        ) from None


def _free_input_shape(original: Path) -> bytes:
    """Strip the weights from the graph's inputs, where they block constant folding, and free height and width."""
    import onnx

    model = onnx.load(str(original))
    graph = model.graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
    for values, prefix in ((graph.input, ""), (graph.output, "map_")):
        for value in values:
            dims = value.type.tensor_type.shape.dim
            for axis, name in ((0, "batch"), (2, f"{prefix}height"), (3, f"{prefix}width")):
                dims[axis].dim_param = name
    return model.SerializeToString(deterministic=True)  # type: ignore[no-any-return]
