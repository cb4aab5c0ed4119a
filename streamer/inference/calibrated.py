"""Reads age and gender of faces with one or two nets, calibrated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from streamer.inference.align import face_chip
from streamer.inference.calibration import Calibration, trust
from streamer.inference.nets import CHIP, Net
from streamer.inference.quality import LEAST_DETAIL, chip_quality, detail, look_quality
from streamer.inference.session import Session
from streamer.pictures.picture import Pixels
from streamer.types import Detections, FaceReading

__all__ = ["CalibratedAttributes"]

_BATCH = 16  # faces at most in one call: bounds memory; larger batches gain nothing
_NOTHING = FaceReading(age=35.0, age_spread=30.0, p_female=0.5, quality=0.0)  # what is known of a look that isn't read


@dataclass(frozen=True, slots=True)
class _Look:
    """One face, cut out for each net."""

    faces: tuple[Pixels, ...]
    quality: float
    trust: float


class CalibratedAttributes:
    """See `AttributeModel`. A look without any detail isn't read, and has quality 0."""

    def __init__(self, name: str, nets: Sequence[Net], calibration: Calibration) -> None:
        """calibration: of these nets, in this order."""
        self.name = name
        self.sessions: tuple[Session, ...] = tuple(session for net in nets for session in net.sessions)
        self._nets = tuple(nets)
        self._calibration = calibration

    def read(self, pixels: Pixels, faces: Detections) -> list[FaceReading]:
        """See `AttributeModel.read`."""
        return self.read_batch([(pixels, faces)])[0]

    def read_batch(self, pictures: Sequence[tuple[Pixels, Detections]]) -> list[list[FaceReading]]:
        """See `BatchReader`."""
        looks = [self._look(pixels, faces, i) for pixels, faces in pictures for i in range(len(faces))]
        readings = self._readings([look for look in looks if look is not None])
        each = iter([next(readings) if look is not None else _NOTHING for look in looks])
        return [list(islice(each, len(faces))) for _, faces in pictures]

    def _look(self, pixels: Pixels, faces: Detections, i: int) -> _Look | None:
        """A face made ready, or None if there is nothing to be read."""
        box, landmarks = faces.boxes[i], faces.landmarks[i]
        try:
            chip = face_chip(pixels, landmarks, CHIP)
            sharpness = detail(chip)
            if sharpness < LEAST_DETAIL:
                return None
            cut = tuple(net.cut(pixels, box, landmarks, chip) for net in self._nets)
        except ValueError:
            return None
        seen = landmarks if faces.landmarks_seen else None
        quality = look_quality(box, seen, float(faces.scores[i])) * chip_quality(chip, sharpness)
        return _Look(cut, quality, trust(sharpness))

    def _readings(self, looks: Sequence[_Look]) -> Iterator[FaceReading]:
        """A reading of each. Raises ModelError."""
        for start in range(0, len(looks), _BATCH):
            batch = looks[start : start + _BATCH]
            said = [net.say(np.stack([look.faces[n] for look in batch])) for n, net in enumerate(self._nets)]
            read = self._calibration.read(said, np.array([look.trust for look in batch]))
            for look, age, spread, p_female in zip(batch, *read, strict=True):
                yield FaceReading(float(age), float(spread), float(p_female), look.quality)
