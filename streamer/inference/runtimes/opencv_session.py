"""Nets on OpenCV's DNN module, which is always there."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.errors import ModelError
from streamer.inference.runtime import Outputs

__all__ = ["OpenCvSession"]


class OpenCvSession:
    """See `Session`. Each thread has a net of its own: setting the input and running are two calls on one object.

    OpenCV's own threads are switched off for the whole process when the first session opens; it has no setting for
    one net. That is right for everything else here too: work is spread over cores by the pool's workers.
    """

    runtime = "opencv"
    precision = "float32"

    def __init__(self, path: Path) -> None:
        cv2.setNumThreads(1)
        self._path = path
        self._local = threading.local()
        self._net()  # so that a bad file is noticed now

    def run(self, blob: NDArray[np.float32]) -> Outputs:
        """See `Session.run`."""
        net, names = self._net()
        try:
            net.setInput(blob)
            values = net.forward(names)
        except cv2.error as error:
            raise ModelError(f"{self._path}: OpenCV can't run this net on {blob.shape}: {error.err}") from None
        # copied: they are views of the net's buffers, which this thread's next call overwrites
        return {name: np.array(value, np.float32) for name, value in zip(names, values, strict=True)}

    def _net(self) -> tuple[cv2.dnn.Net, list[str]]:
        """This thread's net and the names of its outputs. Raises ModelError."""
        made: tuple[cv2.dnn.Net, list[str]] | None = self._local.__dict__.get("net")
        if made is None:
            try:
                net = cv2.dnn.readNetFromONNX(str(self._path))
            except cv2.error as error:
                raise ModelError(f"{self._path}: OpenCV can't load this net: {error.err or error}") from None
            made = self._local.net = net, list(net.getUnconnectedOutLayersNames())
        return made
