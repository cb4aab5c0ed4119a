"""A followed face together with what its looks say of it."""

from __future__ import annotations

from dataclasses import replace

from streamer.tracking.smoothing import AttributeEstimate
from streamer.types import FaceReading, Track

__all__ = ["described"]


def described(track: Track, estimate: AttributeEstimate, reading: FaceReading | None) -> Track:
    """The track with an estimate of age and gender, and the newest look as it was."""
    return replace(
        track,
        age=estimate.age,
        age_low=estimate.age_low,
        age_high=estimate.age_high,
        gender=estimate.gender,
        gender_confidence=estimate.gender_confidence,
        samples=estimate.samples,
        reading=reading,
        age_group=estimate.age_group,
    )
