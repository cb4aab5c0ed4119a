"""One way to run a net, whatever runs it: ONNX files on onnxruntime, OpenVINO or OpenCV, Caffe files on OpenCV."""

from __future__ import annotations

import functools
import importlib.util
import logging
import os
import platform
import re
import sys
from pathlib import Path
from typing import Literal

from streamer.errors import ModelError
from streamer.inference.fastest import Contender, open_fastest
from streamer.inference.session import Precision, Session

__all__ = [
    "Runtime",
    "available_runtimes",
    "cores",
    "has_int8",
    "open_caffe_session",
    "open_session",
]

log = logging.getLogger(__name__)

Runtime = Literal["auto", "onnxruntime", "openvino", "opencv"]


def available_runtimes() -> tuple[Literal["onnxruntime", "openvino", "opencv"], ...]:
    """The runtimes that are installed; openvino is an extra."""
    return ("onnxruntime", *(("openvino",) if importlib.util.find_spec("openvino") else ()), "opencv")


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def has_int8(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this processor sums products of 8-bit numbers in one instruction; False where that can't be told.

    Without it, x86 processors go by way of 16 bits, in which large sums are cut off: slower, and not what was meant.
    """
    try:
        flags = set(re.findall(r"^(?:flags|Features)\s*: (.*)$", cpuinfo.read_text(), re.MULTILINE)[0].split())
    except (OSError, IndexError):
        return sys.platform == "darwin" and platform.machine() == "arm64"
    return not flags.isdisjoint({"avx512_vnni", "avx_vnni", "asimddp"})


def open_session(
    path: Path,
    *,
    runtime: Runtime = "auto",
    precision: Precision = "auto",
    threads: int | None = None,
    quantized: bool = False,
) -> Session:
    """A net from an ONNX file.

    runtime auto: the faster one of onnxruntime and, where it is installed, OpenVINO. precision auto: bfloat16 on
    OpenVINO where the processor has instructions for it, else float32. threads: how many threads will call `run` at the
    same time (one per core unless given); more may, but take turns. quantized: the file says what is to be computed in
    8 bits; precision is that of the rest. Raises ModelError: the file can't be read or isn't a net, the runtime isn't
    installed, or it can't compute in the precision that was asked for.
    """
    if runtime in {"onnxruntime", "opencv"} and precision == "bfloat16":
        raise ModelError(f"models.precision: bfloat16 needs models.runtime: openvino; {runtime} computes in float32")
    _readable(path)

    def on_onnxruntime() -> Contender:
        from streamer.inference.runtimes.onnxruntime_session import OnnxRuntimeSession

        return OnnxRuntimeSession(path, quantized=quantized)

    def on_openvino() -> Contender:
        from streamer.inference.runtimes.openvino_session import OpenVinoSession

        return OpenVinoSession(path, precision=precision, threads=threads or cores(), quantized=quantized)

    if runtime == "opencv":
        from streamer.inference.runtimes.opencv_session import OpenCvSession

        return OpenCvSession(path)
    has_openvino = "openvino" in available_runtimes()
    if runtime == "openvino" or precision == "bfloat16":
        if not has_openvino:
            asked = "models.runtime" if runtime == "openvino" else "models.precision"
            raise ModelError(f"{asked}: openvino is not installed: pip install openvino, or say auto")
        return on_openvino()
    if runtime == "onnxruntime" or not has_openvino:
        return on_onnxruntime()
    return open_fastest(path, {"onnxruntime": on_onnxruntime, "openvino": on_openvino}, asked=precision)


def open_caffe_session(weights: Path, layers: str) -> Session:
    """A net from a .caffemodel file and the text of its prototxt; it runs on OpenCV DNN, in float32.

    Raises ModelError: the file can't be read or isn't such a net, or OpenCV is too new to read it.
    """
    from streamer.inference.runtimes.caffe import CaffeSession

    _readable(weights)
    return CaffeSession(weights, layers)


def _readable(path: Path) -> None:
    """Raises ModelError in the same words for every runtime."""
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise ModelError(f"{path}: an empty file, not a net")
    except OSError as error:
        raise ModelError(f"{path}: can't be read: {error.strerror}") from None
