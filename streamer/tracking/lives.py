"""What a tracker remembers of one face besides its motion, and when that is enough for an id."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from streamer.config import TrackingConfig

__all__ = ["Life"]

MEMORY = 0.7  # s after which a look counts 1/e as much for or against an unconfirmed face
SEEN_SHARE = 0.5  # of the recent looks must have found a face before it is confirmed
GIVE_UP_SHARE = 0.4  # below which it is forgotten


class Life:
    """One face, from its first detection on. `id` is None until it is confirmed."""

    __slots__ = (
        "_found_box",  # where the newest detection was
        "_landmarks",  # and its landmarks
        "_looks",  # recent looks, fading with time
        "_score_sum",  # recent scores, fading alike
        "_seen",  # recent looks that found the face, fading alike
        "detection",  # which detection of the newest frame it is, or None
        "first_seen",
        "hits",  # detections in all
        "id",
        "last_seen",
        "looked_at",  # time of the newest frame in which faces were looked for
        "score",  # of the newest detection
        "seen_in_last_look",
    )

    def __init__(self, at: float) -> None:
        self.id: int | None = None
        self.first_seen = self.last_seen = self.looked_at = at
        self.score = 0.0
        self.hits = 0
        self.detection: int | None = None
        self.seen_in_last_look = False
        self._looks = 1.0
        self._seen = 0.0
        self._score_sum = 0.0
        self._found_box: NDArray[np.float32] = np.zeros(4, np.float32)
        self._landmarks: NDArray[np.float32] = np.zeros((5, 2), np.float32)

    def look(self, at: float) -> None:
        """A new frame is looked through; `see` follows if the face is in it."""
        self.detection = None
        self.seen_in_last_look = False
        if self.id is None:
            fade = math.exp((self.looked_at - at) / MEMORY)
            self._looks = self._looks * fade + 1.0
            self._seen *= fade
            self._score_sum *= fade
        self.looked_at = at

    def see(
        self, at: float, score: float, landmarks: NDArray[np.float32], box: NDArray[np.float32], detection: int
    ) -> None:
        """The face was found in the frame being looked through."""
        self.last_seen = at
        self.score = score
        self.hits += 1
        self.detection = detection
        self.seen_in_last_look = True
        self._found_box, self._landmarks = box, landmarks
        if self.id is None:
            self._seen += 1.0
            self._score_sum += score

    def shift(self, seconds: float) -> None:
        """The timeline has jumped: move all times along."""
        self.first_seen += seconds
        self.last_seen += seconds
        self.looked_at += seconds

    @property
    def steady(self) -> bool:
        """Found often enough in recent looks to be kept while unconfirmed."""
        return self._seen >= GIVE_UP_SHARE * self._looks

    def ready(self, config: TrackingConfig, at: float) -> bool:
        """Whether it has earned an id: seen now, often, for long enough, and clearly."""
        return (
            self.detection is not None
            and self.hits >= config.confirm_hits
            and at - self.first_seen >= config.confirm_after - 1e-6  # timestamps are rounded
            and self._seen >= SEEN_SHARE * self._looks
            and self._score_sum >= config.confirm_score * self._seen
        )

    def landmarks_in(self, box: tuple[float, float, float, float]) -> NDArray[np.float32]:
        """(5, 2) pixels: as found in the newest frame, or moved and scaled with the box since then."""
        if self.detection is not None:
            return self._landmarks
        old, new = self._found_box, np.array(box, np.float32)
        scale = (new[2:] - new[:2]) / np.maximum(old[2:] - old[:2], 0.01)
        moved: NDArray[np.float32] = ((self._landmarks - old[:2]) * scale + new[:2]).astype(np.float32)
        return moved
