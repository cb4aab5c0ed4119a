"""Nets on OpenVINO, an optional extra: faster where the processor computes in bfloat16."""

from __future__ import annotations

import functools
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.inference.fastest import usual_shape
from streamer.inference.runtimes.parts import run_in_parts
from streamer.inference.session import Outputs, Precision

__all__ = ["OpenVinoSession", "has_bfloat16"]

_HINTS = {"float32": "f32", "bfloat16": "bf16"}
# Runs of one input size after which the net is compiled for it, and for how many sizes it is
_OFTEN = 16
_MOST_SIZES = 4

_loading = threading.Lock()


def _core() -> Any:
    """OpenVINO's entry point."""
    with _loading:
        return _load()


@functools.cache
def _load() -> Any:
    """Import OpenVINO, and have it set up what it shares between threads.

    Importing the package sends a usage report to its makers, without asking, if its telemetry package is found: so
    that one is hidden from it, in which case it goes without.
    """
    hidden = "openvino_telemetry"
    known = hidden in sys.modules
    if not known:
        sys.modules[hidden] = None  # type: ignore[assignment]  # documented to make an import fail
    try:
        import openvino
    finally:
        if not known:
            del sys.modules[hidden]
    # It prepares for numpy in its first use of an array, and hangs for ever if two threads make that first use at the
    # same time: one waits for the interpreter's lock, holding one of its own that the other waits for.
    _ = openvino.Tensor(np.zeros((1, 1, 1, 1), np.float32), shared_memory=True).data.copy()
    return openvino.Core()


def has_bfloat16() -> bool:
    """Whether this processor has instructions for it, as OpenVINO sees it."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoSession:
    """See `Session`.

    A net that takes any input size is compiled for any, and once more for each of the first sizes that come often:
    known beforehand, the size saves the detectors a fifth of their time in bfloat16. That takes one thread some 0.2 s,
    once, while others go on as before. A free number of pictures alone costs nothing.

    The net gets a stream of one core for every thread that will call: calls on the same stream would wait for each
    other.
    """

    runtime = "openvino"

    def __init__(self, path: Path, *, precision: Precision, threads: int, quantized: bool = False) -> None:
        if precision == "auto":
            precision = "bfloat16" if has_bfloat16() else "float32"
        elif precision == "bfloat16" and not has_bfloat16():
            raise ModelError("models.precision: this processor has no bfloat16 instructions; use auto or float32")
        self._path = path
        self._local = threading.local()
        self._settings = {
            "INFERENCE_PRECISION_HINT": _HINTS[precision],
            "NUM_STREAMS": threads,
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,
        }
        try:
            model = _core().read_model(str(path))
            # taken before compiling, which gives outputs further names
            self._outputs = [output.get_any_name() for output in model.outputs]
            self._compiled = _core().compile_model(model, "CPU", self._settings)
        except Exception as error:  # noqa: BLE001  it raises bare RuntimeErrors and more
            raise ModelError(f"{path}: OpenVINO can't load this net: {_short(error)}") from None
        if len(self._compiled.inputs) != 1:
            raise ModelError(f"{path}: a net with one input is needed, this has {len(self._compiled.inputs)}")
        runs_in = self._compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
        self.precision = "int8" if quantized else {"f32": "float32", "bf16": "bfloat16"}.get(runs_in, runs_in)
        any_size = any(side.is_dynamic for side in list(model.inputs[0].partial_shape)[2:])
        self._model = model if any_size else None
        self._fitted: dict[tuple[int, ...], Any] = {}  # nets compiled for one shape
        self._uses: Counter[tuple[int, ...]] = Counter()
        self._fitting = threading.Lock()

    def usual_shape(self) -> tuple[int, ...]:
        """See `Contender`."""
        sides = self._compiled.inputs[0].partial_shape
        return usual_shape([None if side.is_dynamic else side.get_length() for side in sides])

    def run(self, blob: NDArray[np.float32]) -> Outputs:
        """See `Session.run`."""
        return run_in_parts(self._run, blob)

    def _run(self, blob: NDArray[np.float32]) -> Outputs:
        fitted = self._fitted.get(blob.shape)
        request = self._request(blob.shape if fitted else (), fitted or self._compiled)
        try:
            request.infer({0: blob}, share_inputs=True)
            # copied: the request's own tensors are overwritten by this thread's next call
            values = [request.get_output_tensor(i).data.copy() for i in range(len(self._outputs))]
        except Exception as error:  # noqa: BLE001
            raise ModelError(f"{self._path}: OpenVINO can't run this net on {blob.shape}: {_short(error)}") from None
        if fitted is None and self._model is not None:
            self._fit(blob.shape)
        return dict(zip(self._outputs, values, strict=True))

    def _request(self, shape: tuple[int, ...], compiled: Any) -> Any:
        """This thread's own, for what was compiled for a shape."""
        requests: dict[tuple[int, ...], Any] = self._local.__dict__.setdefault("requests", {})
        if shape not in requests:
            requests[shape] = compiled.create_infer_request()
        return requests[shape]

    def _fit(self, shape: tuple[int, ...]) -> None:
        """Count a run of this shape and, once there were many, compile the net for it, unless it is being done."""
        if len(self._fitted) >= _MOST_SIZES or not self._fitting.acquire(blocking=False):
            return
        try:
            self._uses[shape] += 1
            if self._uses[shape] >= _OFTEN and shape not in self._fitted and self._model is not None:
                model = self._model.clone()
                model.reshape(list(shape))
                self._fitted[shape] = _core().compile_model(model, "CPU", self._settings)
        finally:
            self._fitting.release()


def _short(error: Exception) -> str:
    """The last line of OpenVINO's message: the ones before it are places in its source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
