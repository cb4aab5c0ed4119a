"""The program, with a detector that falls ill when it is told to: `python -m tests.system.faults.ill_program run …`.

What it is told stands in the file that STREAMER_TEST_ILLNESS names: `WIDTH raise`, `WIDTH hang` or `WIDTH nan`, of the
pictures of the camera whose pictures are so wide; empty: it is well.
"""

from __future__ import annotations

import copy
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import streamer.app
from streamer.cli import main
from streamer.inference.detector import Detector
from streamer.inference.detectors import open_detector
from streamer.inference.session import Session
from streamer.pictures.picture import Picture
from streamer.types import Detections

_HANG_SECONDS = 60.0


class SpoiledSession:
    """Has a net say nothing but what isn't a number."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self, blob: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """See `Session.run`."""
        return {name: np.full_like(values, np.nan) for name, values in self._session.run(blob).items()}


class IllDetector:
    """The real one, except while it is ill."""

    def __init__(self, well: Detector, told: Path) -> None:
        self._well = well
        self._told = told
        spoiled: Any = copy.copy(well)
        spoiled.session = SpoiledSession(well.session)
        self._spoiled: Detector = spoiled

    def __getattr__(self, name: str) -> Any:
        return getattr(self._well, name)

    def detect(self, picture: Picture, *, widest: int | None = None) -> Detections:
        """See `Detector.detect`."""
        width, _, illness = self._told.read_text().partition(" ")
        if width == str(picture.width):
            if illness == "raise":
                raise RuntimeError("the net is ill")
            if illness == "hang":
                threading.Event().wait(_HANG_SECONDS)
            if illness == "nan":
                return self._spoiled.detect(picture, widest=widest)
        return self._well.detect(picture, widest=widest)


def _open(*args: Any, **more: Any) -> IllDetector:
    return IllDetector(open_detector(*args, **more), Path(os.environ["STREAMER_TEST_ILLNESS"]))


if __name__ == "__main__":
    vars(streamer.app)["open_detector"] = _open
    main()
