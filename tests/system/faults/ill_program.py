"""The program, with nets that fall ill when they are told to: `python -m tests.system.faults.ill_program run …`.

What they are told stands in the file that STREAMER_TEST_ILLNESS names: `WIDTH NET ILLNESS`, of the pictures that are so
wide (`*`: of all), and the nets that find faces (`detector`) or read them (`attributes`). Empty: they are well.

raise: an error. nan: no number. hang: no answer for a minute. late: none for three seconds, once, and then one that
nobody can take for true: a face where there is none, or an age of 120.
"""

from __future__ import annotations

import copy
import os
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import streamer.app
from streamer.cli import main
from streamer.inference.attributes import AttributeModel, open_attribute_model
from streamer.inference.detector import Detector
from streamer.inference.detectors import open_detector
from streamer.inference.session import Session
from streamer.pictures.picture import Picture, Pixels
from streamer.types import Detections, FaceReading

_HANG_SECONDS, _LATE_SECONDS = 60.0, 3.0
_BOX = (100.0, 60.0, 260.0, 260.0)
_INVENTED_FACE = Detections(
    np.array([_BOX], np.float32),
    np.array([0.99], np.float32),
    np.array([[(148, 140), (212, 140), (180, 180), (153, 220), (207, 220)]], np.float32),
)
_INVENTED_READING = FaceReading(age=120.0, age_spread=1.0, p_female=1.0, quality=1.0)


class SpoiledSession:
    """Has a net say nothing but what isn't a number."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def run(self, blob: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """See `Session.run`."""
        return {name: np.full_like(values, np.nan) for name, values in self._session.run(blob).items()}


class Illness:
    """Of one kind of nets."""

    def __init__(self, net: str, told: Path) -> None:
        self._net = net
        self._told = told
        self._on_time = threading.Lock()  # never released: it is late once

    def strikes(self, width: int) -> str:
        """Raises, or waits, if that is what it is told of pictures so wide; returns what else is to be done."""
        widths, net, illness = (*self._told.read_text().split(" "), "", "", "")[:3]
        if net != self._net or widths not in {"*", str(width)}:
            return ""
        if illness == "raise":
            raise RuntimeError("the net is ill")
        if illness == "hang":
            threading.Event().wait(_HANG_SECONDS)
        if illness == "late":
            if not self._on_time.acquire(blocking=False):
                return ""
            threading.Event().wait(_LATE_SECONDS)
            sys.stderr.write(f"the {self._net} comes back late\n")
        return illness


class IllDetector:
    """The real one, except while it is ill."""

    def __init__(self, well: Detector, illness: Illness) -> None:
        self._well = well
        self._illness = illness
        spoiled: Any = copy.copy(well)
        spoiled.session = SpoiledSession(well.session)
        self._spoiled: Detector = spoiled

    def __getattr__(self, name: str) -> Any:
        return getattr(self._well, name)

    def detect(self, picture: Picture, *, widest: int | None = None) -> Detections:
        """See `Detector.detect`."""
        illness = self._illness.strikes(picture.width)
        if illness == "late":
            return _INVENTED_FACE
        return (self._spoiled if illness == "nan" else self._well).detect(picture, widest=widest)


class IllAttributes:
    """The real ones, except while they are ill."""

    def __init__(self, well: AttributeModel, illness: Illness) -> None:
        self._well = well
        self._illness = illness
        spoiled: Any = copy.copy(well)
        spoiled._nets = tuple(map(_spoiled, spoiled._nets))
        self._spoiled: AttributeModel = spoiled

    def __getattr__(self, name: str) -> Any:
        return getattr(self._well, name)

    def read(self, pixels: Pixels, faces: Detections) -> list[FaceReading]:
        """See `AttributeModel.read`."""
        illness = self._illness.strikes(pixels.shape[1])
        if illness == "late":
            return [_INVENTED_READING] * len(faces)
        return (self._spoiled if illness == "nan" else self._well).read(pixels, faces)


def _spoiled(net: Any) -> Any:
    spoiled = copy.copy(net)
    spoiled.sessions = tuple(map(SpoiledSession, net.sessions))
    return spoiled


def _make_ill(told: Path) -> None:
    def detector(*args: Any, **more: Any) -> IllDetector:
        return IllDetector(open_detector(*args, **more), Illness("detector", told))

    def attributes(*args: Any, **more: Any) -> IllAttributes:
        opened = open_attribute_model(*args, **more)
        assert opened is not None
        return IllAttributes(opened, Illness("attributes", told))

    vars(streamer.app).update(open_detector=detector, open_attribute_model=attributes)


if __name__ == "__main__":
    _make_ill(Path(os.environ["STREAMER_TEST_ILLNESS"]))
    main()
