"""Nets on OpenCV's DNN module, which is always there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.inference.runtimes.parts import run_in_parts
from streamer.inference.session import Outputs

__all__ = ["OpenCvSession"]


class _Net(NamedTuple):
    net: cv2.dnn.Net
    outputs: tuple[str, ...]


class OpenCvSession:
    """See `Session`. Each thread that is at work has a net of its own: setting the input and running are two calls.

    The nets are lent, so that there are never more of them, with their weights, than threads were at work at once.
    OpenCV's own threads are switched off for the whole process when the first session opens; it has no setting for
    one net. That is right for everything else here too: work is spread over cores by the pool's workers.
    """

    runtime = "opencv"
    precision = "float32"

    def __init__(self, path: Path, load: Callable[[], cv2.dnn.Net] | None = None) -> None:
        """path: an ONNX file. load: reads a net of another kind, from this path; may raise cv2.error."""
        cv2.setNumThreads(1)
        self._path = path
        self._load = load or (lambda: cv2.dnn.readNetFromONNX(str(path)))
        self._idle = [self._make()]  # made now, so that a bad file is noticed; appended to and popped, which is atomic

    def run(self, blob: NDArray[np.float32]) -> Outputs:
        """See `Session.run`."""
        return run_in_parts(self._run, blob)

    def _run(self, blob: NDArray[np.float32]) -> Outputs:
        with self._lent() as (net, names):
            try:
                net.setInput(blob)
                values = net.forward(names)
            except cv2.error as error:
                raise ModelError(f"{self._path}: OpenCV can't run this net on {blob.shape}: {error.err}") from None
            # copied: they are views of the net's buffers, which its next run overwrites
            return {name: np.array(value, np.float32) for name, value in zip(names, values, strict=True)}

    @contextlib.contextmanager
    def _lent(self) -> Iterator[_Net]:
        """A net that nobody else uses meanwhile. Raises ModelError."""
        try:
            net = self._idle.pop()
        except IndexError:
            net = self._make()
        try:
            yield net
        finally:
            self._idle.append(net)

    def _make(self) -> _Net:
        try:
            net = self._load()
            return _Net(net, tuple(net.getUnconnectedOutLayersNames()))
        except cv2.error as error:
            raise ModelError(f"{self._path}: OpenCV can't load this net: {error.err or error}") from None
        except OSError as error:
            raise ModelError(f"{self._path}: can't be read: {error.strerror}") from None
