"""Nets on onnxruntime, the default."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.inference.fastest import usual_shape
from streamer.inference.runtimes.parts import run_in_parts
from streamer.inference.session import Outputs

__all__ = ["OnnxRuntimeSession"]

_ONLY_ERRORS = 3  # its severity scale: 2 is warnings, of which every net causes dozens about its own weights


@functools.cache
def _onnxruntime() -> Any:
    """The package, with its usage reports switched off and its log reduced to errors.

    It begins to report to its makers while it is imported: calling `disable_telemetry_events` comes too late for that
    (seen with 1.30 and strace), so the environment variable that it reads then is set as well.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    onnxruntime.set_default_logger_severity(_ONLY_ERRORS)
    return onnxruntime


class OnnxRuntimeSession:
    """See `Session`. One intra-op thread: frames run in parallel on the pool's workers, so nets needn't."""

    runtime = "onnxruntime"

    def __init__(self, path: Path, *, quantized: bool = False) -> None:
        self.precision = "int8" if quantized else "float32"
        ort = _onnxruntime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = _ONLY_ERRORS
        self._path = path
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001  onnxruntime has no common base class
            raise ModelError(f"{path}: onnxruntime can't load this net: {error}") from None
        inputs = self._session.get_inputs()
        if len(inputs) != 1:
            raise ModelError(f"{path}: a net with one input is needed, this has {len(inputs)}")
        self._input = inputs[0].name
        self._outputs = [output.name for output in self._session.get_outputs()]

    def usual_shape(self) -> tuple[int, ...]:
        """See `Contender`."""
        return usual_shape([side if isinstance(side, int) else None for side in self._session.get_inputs()[0].shape])

    def run(self, blob: NDArray[np.float32]) -> Outputs:
        """See `Session.run`."""
        return run_in_parts(self._run, blob)

    def _run(self, blob: NDArray[np.float32]) -> Outputs:
        try:
            values = self._session.run(self._outputs, {self._input: blob})
        except Exception as error:  # noqa: BLE001
            raise ModelError(f"{self._path}: onnxruntime can't run this net on {blob.shape}: {error}") from None
        return dict(zip(self._outputs, values, strict=True))
