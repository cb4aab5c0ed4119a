"""The records that travel from camera to viewer. All are frozen, slotted, and validated where they are made.

Coordinates are pixels of the camera's own picture, origin top left, x to the right, y down. `captured_at` and every
time inside a `Track` lie on the camera's timeline: seconds that never go back. For a live camera it is
`time.monotonic()` at the moment of capture, for a file read offline it is the media time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # picture needs OpenCV and PyAV, which a program that only uses the client can do without
    from streamer.pictures.picture import Picture

__all__ = [
    "Box",
    "CameraState",
    "CameraStatus",
    "Detections",
    "Event",
    "EventKind",
    "FaceReading",
    "Frame",
    "Gender",
    "OccupancyMinute",
    "Result",
    "Track",
    "Vocabulary",
]

Gender = Literal["female", "male", "unknown"]

Box = tuple[float, float, float, float]
"""x0 y0 x1 y1, pixels."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture of one camera.

    seq: counts the frames that the camera delivered, from 0, without gaps. pts: media time in seconds, as the stream
    says; it may jump. captured_at: see the module. wall_time: UTC, seconds since the epoch.
    """

    camera: str
    seq: int
    pts: float
    captured_at: float
    wall_time: float
    picture: Picture

    @property
    def width(self) -> int:
        """Pixels."""
        return self.picture.width

    @property
    def height(self) -> int:
        """Pixels."""
        return self.picture.height


@dataclass(frozen=True, slots=True)
class Detections:
    """Faces found in one frame, column by column. N may be 0; nothing but the last is optional.

    boxes: (N, 4) float32, x0 y0 x1 y1. scores: (N,) float32, 0–1. landmarks: (N, 5, 2) float32, x y of right eye, left
    eye, nose tip, right mouth corner, left mouth corner, right and left as the subject has them. landmarks_seen: False
    where the detector finds none and puts those of an upright frontal face into each box: they say where to cut, but
    are no evidence of how a face is turned. appearances: (N, 48) float32, what each face looks like, coarsely (see
    `streamer.tracking.appearance`), zeros where that isn't known; None: of none is it.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    landmarks_seen: bool = True
    appearances: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        n = len(self.scores)
        shapes = (self.boxes.shape, self.scores.shape, self.landmarks.shape)
        if shapes != ((n, 4), (n,), (n, 5, 2)):
            raise ValueError(f"detections of {n} faces need shapes ({n}, 4), ({n},), ({n}, 5, 2), not {shapes}")
        columns = [self.boxes, self.scores, self.landmarks]
        if self.appearances is not None:
            if self.appearances.shape != (n, 48):
                raise ValueError(f"appearances of {n} faces need a shape ({n}, 48), not {self.appearances.shape}")
            columns.append(self.appearances)
        for column in columns:
            if column.dtype != np.float32:
                raise ValueError(f"detections are float32, not {column.dtype}")
            if not np.isfinite(column).all():
                raise ValueError("detections hold a value that is not a finite number")

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def none(cls) -> Detections:
        """No face."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))

    def select(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Detections:
        """The faces at these places, in this order."""
        looks = None if self.appearances is None else self.appearances[index]
        return Detections(self.boxes[index], self.scores[index], self.landmarks[index], self.landmarks_seen, looks)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of attribute nets that have their own, which then stand on pictures and on the wire.

    It has no word for doubt: the likelier gender is told from the first look on, and its confidence says how sure it
    is. age_groups: the only ages that the nets know, youngest first.
    """

    female: str
    male: str
    age_groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FaceReading:
    """What the attribute nets read in one look at one face.

    age: mean of the predicted distribution (dlib: without its tails), years. age_spread: its standard deviation, years.
    p_female: 0–1.
    quality: 0–1, how far this look can be trusted (size, frontality, sharpness, detector score).
    vocabulary: None for nets that read years. p_groups: the probability of each of its age groups.
    """

    age: float
    age_spread: float
    p_female: float
    quality: float
    vocabulary: Vocabulary | None = None
    p_groups: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not (0 <= self.age <= 130 and self.age_spread >= 0):
            raise ValueError(f"not an age: {self.age} ± {self.age_spread}")
        if not (0 <= self.p_female <= 1 and 0 <= self.quality <= 1):
            raise ValueError(f"p_female {self.p_female} and quality {self.quality} must lie in 0–1")
        groups = () if self.vocabulary is None else self.vocabulary.age_groups
        if len(self.p_groups) != len(groups):
            raise ValueError(f"{len(self.p_groups)} probabilities for {len(groups)} age groups")


@dataclass(frozen=True, slots=True)
class Track:
    """A confirmed face as it stands in one frame: one visit, followed from frame to frame.

    box: x0 y0 x1 y1. landmarks: (5, 2) float32, ordered as in `Detections`. first_seen, last_seen: camera timeline;
    last_seen lies before the frame's own time while the track coasts, unseen, on its motion model; in a frame in which
    no faces were looked for, one that the last look found counts as seen. age: years, or None before the first usable
    look; age_low to age_high is the range in which the true age is expected. samples: looks that the age and gender
    rest on. reading: the newest single look, unsmoothed. age_group: the likeliest of the nets'
    age groups, where they have a vocabulary. static: a picture of a face, such as a poster: it has kept its shape for
    long. counted: it counts as a visit, which a static picture doesn't unless asked for. first_box: where it was first
    seen, before it was confirmed; None: not known.
    """

    id: int
    box: Box
    landmarks: NDArray[np.float32]
    score: float
    first_seen: float
    last_seen: float
    age: float | None = None
    age_low: float | None = None
    age_high: float | None = None
    gender: Gender = "unknown"
    gender_confidence: float = 0.0
    samples: int = 0
    reading: FaceReading | None = None
    age_group: str | None = None
    static: bool = False
    counted: bool = True
    first_box: Box | None = None

    def __post_init__(self) -> None:
        if self.last_seen < self.first_seen:
            raise ValueError(
                f"track {self.id} was last seen {self.first_seen - self.last_seen} s before it was first seen"
            )
        if (self.age is None) != (self.samples == 0):
            raise ValueError(f"track {self.id} has {self.samples} samples and age {self.age}")

    @property
    def age_label(self) -> str | None:
        """The age in a word, such as `25-32`, or in the nets' own words; None before the first usable look."""
        if self.age is None or self.age_group is not None:
            return self.age_group
        low = self.age if self.age_low is None else self.age_low
        high = self.age if self.age_high is None else self.age_high
        return f"{round(low)}-{round(high)}"

    @property
    def gender_label(self) -> str:
        """The gender in a word: `female`, `male`, or the nets' own for them; `unknown`."""
        words = self.reading.vocabulary if self.reading else None
        if words is None or self.gender == "unknown":
            return self.gender
        return words.female if self.gender == "female" else words.male


class EventKind(StrEnum):
    """What can happen."""

    VISIT_STARTED = "visit_started"
    VISIT_ENDED = "visit_ended"
    LINE_CROSSED = "line_crossed"
    ZONE_ENTERED = "zone_entered"
    ZONE_LEFT = "zone_left"
    CAMERA_UP = "camera_up"
    CAMERA_DOWN = "camera_down"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened once. at: UTC, seconds since the epoch. rule: the line's or zone's name.

    key: tells this event from all others, of earlier and later runs too, so that one that comes twice counts once.
    visit: the key of the visit that it belongs to. data, by kind: VISIT_ENDED `started_at` (UTC), and `static` where a
    picture of a face was taken for a visit, so that nothing told of this visit counts; LINE_CROSSED `label` (the user's
    word for the direction); ZONE_LEFT `entered_at` (UTC), `dwell` (s), and `static` as above; CAMERA_UP and CAMERA_DOWN
    `reason`.
    """

    kind: EventKind
    camera: str
    at: float
    track: Track | None = None
    rule: str | None = None
    direction: Literal["in", "out"] | None = None
    data: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    key: str = ""
    visit: str = ""


@dataclass(frozen=True, slots=True)
class OccupancyMinute:
    """How many counted people were in sight of a camera during one minute of UTC.

    zone: its name, '' for the whole picture. minute: seconds since the epoch, a multiple of 60. mean: over the time
    that was observed; peak: the most at one time. observed: seconds of the minute for which frames were analysed. A
    minute in which the program is started anew, or its clock set back, comes in parts.
    """

    camera: str
    zone: str
    minute: int
    mean: float
    peak: int
    observed: float


@dataclass(frozen=True, slots=True)
class Result:
    """All that is known about one analysed frame. Never pixels.

    size: width, height in pixels. timings: milliseconds by stage ('wait', 'detect', 'track', 'attributes'); without
    'detect' where no faces were looked for, because those known could be carried on. occupancy:
    counted people in the frame, by zone; '' for the whole picture. minutes: those that ended with this frame.
    """

    camera: str
    seq: int
    pts: float
    captured_at: float
    wall_time: float
    size: tuple[int, int]
    tracks: tuple[Track, ...] = ()
    events: tuple[Event, ...] = ()
    timings: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    occupancy: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    minutes: tuple[OccupancyMinute, ...] = ()


class CameraState(StrEnum):
    """Where a camera's reader stands.

    connecting: first attempt under way. live: frames arrive. stalled: connected, but no frame for a while.
    reconnecting: waiting for, or in, another attempt. failed: given up, trying again can't help. stopped: on request.
    """

    CONNECTING = "connecting"
    LIVE = "live"
    STALLED = "stalled"
    RECONNECTING = "reconnecting"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class CameraStatus:
    """A camera's reader at one moment. Safe to show: `source` and `reason` are redacted.

    since: when this state began, UTC. next_attempt_at: UTC, None unless a reconnect is scheduled. fps: frames
    delivered a second over the last few seconds. lag: seconds that frames were late when they were decoded, by the
    camera's own clock. size: pixels, None before the first frame. frames, corrupt, reconnects: counted since the start.
    """

    camera: str
    name: str
    source: str
    state: CameraState
    since: float
    reason: str = ""
    next_attempt_at: float | None = None
    codec: str = ""
    size: tuple[int, int] | None = None
    fps: float = 0.0
    lag: float = 0.0
    frames: int = 0
    corrupt: int = 0
    reconnects: int = 0
