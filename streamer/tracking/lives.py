"""What a tracker remembers of one face, and when that is enough for an id."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from streamer.config import TrackingConfig
from streamer.tracking.appearance import LastingAppearance
from streamer.tracking.found_faces import FoundFace
from streamer.tracking.motion import Box, BoxMotion, measure, scaled
from streamer.tracking.stillness import Stillness, shape_of

__all__ = ["Life"]

MEMORY = 0.7  # s after which a look counts 1/e as much for or against an unconfirmed face
SEEN_SHARE = 0.5  # of the recent looks must have found a face before it is confirmed
GIVE_UP_SHARE = 0.4  # below which it is forgotten
PATIENCE = 0.6  # s unseen after which an unconfirmed face is forgotten
CLEAR = 0.7  # score from which landmarks and looks are trusted
ROUNDING = 1e-6  # s; timestamps are rounded


class Life:
    """One face, from its first detection on. `id` is None until it is confirmed."""

    __slots__ = (
        "_found",  # its newest detection
        "_looks",  # recent looks, fading with time
        "_score_sum",  # recent scores, fading alike
        "_seen",  # recent looks that found the face, fading alike
        "appearance",
        "detection",  # which detection of the newest frame it is, or None
        "first_box",
        "first_seen",
        "hidden",  # behind another face, as far as is known, when it was lost
        "hits",  # detections in all
        "id",
        "last_seen",
        "looked_at",  # time of the newest frame in which faces were looked for
        "miss",  # how far the newest detection lay from where it was expected, in face sizes
        "motion",
        "seen_in_last_look",
        "stillness",
    )

    def __init__(self, face: FoundFace, at: float) -> None:
        self.id: int | None = None
        self.first_seen = self.last_seen = self.looked_at = at
        self.first_box = face.box
        self.motion = BoxMotion(face.measured)
        self.stillness = Stillness()
        self.appearance = LastingAppearance()
        self.hidden = False
        self._found = face
        self.detection: int | None = face.place
        self.seen_in_last_look = True
        self._watch(face, at)
        self.hits = 1
        self.miss = 0.0
        self._looks = self._seen = 1.0
        self._score_sum = face.score

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

    def see(self, face: FoundFace, at: float) -> None:
        """The face was found in the frame being looked through."""
        self.miss = self.motion.miss(face.measured)
        self.motion.correct(face.measured)
        self._found = face
        self.hidden = False
        self.last_seen = at
        self.hits += 1
        self.detection = face.place
        self.seen_in_last_look = True
        self._watch(face, at)
        if self.id is None:
            self._seen += 1.0
            self._score_sum += face.score

    def _watch(self, face: FoundFace, at: float) -> None:
        """See what it looks like, and whether it moves within itself; half hidden faces tell nothing."""
        if face.appearance is not None and face.score >= CLEAR:
            self.appearance.add(face.appearance, at)
        if face.landmarks_seen and face.score >= CLEAR and self.stillness.due(at):
            x0, y0, x1, y1 = face.box
            size = math.sqrt(max(x1 - x0, 0.0) * max(y1 - y0, 0.0))
            self.stillness.add(shape_of(face.landmarks.tolist(), size), at)

    def shift(self, seconds: float) -> None:
        """The timeline has jumped: move all times along."""
        self.first_seen += seconds
        self.last_seen += seconds
        self.looked_at += seconds
        self.stillness.shift(seconds)
        self.appearance.shift(seconds)

    def go_on_from(self, lost: Life) -> None:
        """It turns out to be the rest of a track that was lost."""
        self.id, self.first_seen, self.first_box = lost.id, lost.first_seen, lost.first_box
        self.stillness = lost.stillness

    @property
    def last_box(self) -> Box:
        """Of the newest detection."""
        return self._found.box

    @property
    def score(self) -> float:
        """Of the newest detection."""
        return self._found.score

    @property
    def hopeless(self) -> bool:
        """Unconfirmed, and missed too often or for too long to be worth keeping."""
        if self.id is not None or self.seen_in_last_look:
            return False
        return self._seen < GIVE_UP_SHARE * self._looks or self.looked_at - self.last_seen > PATIENCE

    def ready(self, config: TrackingConfig, confirm_score: float, at: float) -> bool:
        """Whether it has earned an id: seen now, often, for long enough, and with this score in the mean."""
        return (
            self.detection is not None
            and self.hits >= config.confirm_hits
            and at - self.first_seen >= config.confirm_after - ROUNDING
            and self._seen >= SEEN_SHARE * self._looks
            and self._score_sum >= confirm_score * self._seen
        )

    def rescale(self, across: float, down: float) -> None:
        """The picture has so many times its pixels now."""
        self.motion.rescale(across, down)
        self.first_box = scaled(self.first_box, across, down)
        box = scaled(self._found.box, across, down)
        landmarks = (self._found.landmarks * (across, down)).astype(np.float32)
        self._found = self._found._replace(box=box, measured=measure(box), landmarks=landmarks)

    def landmarks_in(self, box: Box) -> NDArray[np.float32]:
        """(5, 2) pixels: as found in the newest frame, or moved and scaled with the box since then."""
        landmarks = self._found.landmarks
        if self.detection is not None:
            return landmarks
        old, new = np.array(self._found.box, np.float32), np.array(box, np.float32)
        scale = (new[2:] - new[:2]) / np.maximum(old[2:] - old[:2], 0.01)
        moved: NDArray[np.float32] = ((landmarks - old[:2]) * scale + new[:2]).astype(np.float32)
        return moved
