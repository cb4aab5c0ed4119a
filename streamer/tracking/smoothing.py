"""What many looks at one face say together: an age with its range, and a gender that settles and stays.

Looks are evidence, weighed by quality and by independence: two looks a frame apart are nearly the same picture and
count little more than one, and so are two that lie far apart while the face has neither turned nor come nearer: of such
a look at most the share 1 - SAME_VIEW counts. Memory is constant, whatever the length of the visit.

Age. All looks' weights lie in a histogram over the years; the age is their robust mean (Huber's), which a few wild
looks hardly move, in whatever order they came. With

    spread   how far one look lies off: the weighted mean of the readings' standard deviations,
    scatter  the robust standard deviation between the looks,
    n        the effective number of looks (of weights w: (Σw)² / Σw², and at most the sum of their independence),

the range is age ± √(spread² · (ρ + (1 - ρ) / n) + scatter² / n). The share ρ of a look's error comes from the face
itself and is the same in every look, so that no number of looks makes it smaller. The true age is expected inside in
two cases of three.

Gender. The log-odds are the looks' mean, by weight, times n / (1 + ρ' · (n - 1)), as n looks that err together deserve
(the design effect of correlated samples, Kish 1965). A calibrated reading carries its own doubt, so that quality says
only how far one look counts against another: one look alone is as sure as its reading. What is told is more cautious
than that: while all looks together weigh less than a perfect one, or none of them is half as good as one, the log-odds
have to be larger in proportion: no number of poor looks makes up for a good one, as blur doesn't average out. The first
gender that reaches `min_gender_confidence` so is settled on, and told until it falls below the share LAPSE of
what was demanded, so that nothing flickers about the demand. Then 'unknown' is said until one is clearly likelier,
which takes more each time. The settled gender changes once at most.

Readings are taken to mean what they say: in cross-validation on labelled photographs, the range of a calibrated look
holds 69 % of the labelled bands, and its confidence errs by 0.02. ρ' is what fits made-up looks at those photographs
best (`tests.benchmarks.tracks --made-up`): looks at one face from one side err together almost wholly.

Nets with a vocabulary of their own have age groups besides, and no word for doubt: the group is the one with the
largest sum of weight times probability over all looks, and the likelier gender is told from the first look on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.tracking.motion import Box
from streamer.tracking.stillness import Shape, shape_change, shape_of
from streamer.types import FaceReading, Gender, Vocabulary

__all__ = ["LEAST_QUALITY", "AttributeEstimate", "AttributeSmoother", "View"]

YEARS = 131  # bins of the histogram: 0-130, one a year
INDEPENDENT_AFTER = 0.7  # s; looks this far apart count 1 - 1/e of independent ones
AGE_ERROR_SHARED = 0.7  # ρ: share of the variance of an age that is the same in all looks at a face
GENDER_ERROR_SHARED = 0.8  # ρ': share of the error of a gender's log-odds that is the same in all looks at a face
SAME_VIEW = 0.7  # share of a look that says nothing new while the face shows the same side
NEW_SHAPE, NEW_SIZE = 0.05, 0.3  # change of the landmarks in face sizes, of the log size, that make another view
HUBER = 1.345  # scatters from the mean beyond which a look counts less: 95 % efficient on clean looks
CONVERGED = 1e-6  # years that a step of the mean moves it by, at which it is done
LEAST_SCATTER = 4.0  # years; looks nearer than this agree, however sure of themselves the nets are
LEAST_QUALITY = 0.01  # of a look that is taken in at all
SURE = 0.97  # no single look counts as surer of a gender than this
LEAST_EVIDENCE = 0.3  # weight of all looks, in perfect looks, below which no gender is told
POOR = 0.5  # quality of the best look below which a gender has to be surer, however many looks there are
LAPSE = 0.5  # share of the demanded log-odds below which a gender that was told is told no longer
CLEAR = 0.5  # log-odds beyond the demand that are needed after a lapse, and again after each further one


@dataclass(frozen=True, slots=True)
class AttributeEstimate:
    """What is known about a face. Fields as in `streamer.types.Track`; p_female: what all looks say together, 0-1."""

    age: float | None = None
    age_low: float | None = None
    age_high: float | None = None
    gender: Gender = "unknown"
    gender_confidence: float = 0.0
    samples: int = 0
    age_group: str | None = None
    p_female: float = 0.5


@dataclass(frozen=True, slots=True)
class View:
    """How a face showed itself in a look: the shape of its landmarks, and its size in pixels."""

    shape: Shape
    size: float

    @classmethod
    def of(cls, box: Box, landmarks: NDArray[np.float32]) -> View:
        """box: x0 y0 x1 y1, landmarks: (5, 2), pixels."""
        size = max(1.0, math.sqrt(max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])))
        return cls(shape_of(landmarks.tolist(), size), size)

    def news(self, other: View) -> float:
        """How much of this view the other one didn't show, 0-1."""
        turned = shape_change(self.shape, other.shape) / NEW_SHAPE
        nearer = math.log(self.size / other.size) / NEW_SIZE
        return -math.expm1(-(turned * turned + nearer * nearer))


class AttributeSmoother:
    """The evidence about one face. `estimate` is made anew by each look, and may be read at any time."""

    def __init__(self, *, min_gender_confidence: float = 0.7) -> None:
        self.estimate = AttributeEstimate()
        self._demand = _log_odds(min_gender_confidence)
        self._at: float | None = None
        self._view: View | None = None
        self._samples = 0
        self._ages: NDArray[np.float64] = np.zeros(YEARS)  # weight of the looks by age
        self._best = 0.0  # quality of the best look
        self._weight = 0.0  # quality x independence, summed
        self._weight_squared = 0.0
        self._independent = 0.0  # independence, summed
        self._spread = 0.0  # weight x the nets' spread, summed
        self._log_odds = 0.0  # weight x log-odds of female, summed
        self._settled: Gender = "unknown"
        self._told: Gender = "unknown"
        self._changed = False
        self._lapses = 0
        self._vocabulary: Vocabulary | None = None
        self._groups: NDArray[np.float64] = np.zeros(0)  # weight x probability of each age group, summed

    def add(self, reading: FaceReading, at: float, view: View | None = None) -> AttributeEstimate:
        """Take in a look of time `at`. One of (nearly) no quality says nothing and isn't counted.

        view: how the face showed itself; None where that isn't known.
        """
        if reading.quality < LEAST_QUALITY:
            return self.estimate
        independence = self._independence(at, view)
        self._at, self._view = at, view
        self._samples += 1
        self._best = max(self._best, reading.quality)
        weight = reading.quality * max(independence, 1e-3)
        self._weight += weight
        self._weight_squared += weight * weight
        self._independent += independence
        self._spread += weight * reading.age_spread
        below = min(int(reading.age), YEARS - 2)
        self._ages[below] += weight * (below + 1 - reading.age)
        self._ages[below + 1] += weight * (reading.age - below)
        self._log_odds += weight * _log_odds(min(max(reading.p_female, 1 - SURE), SURE))
        if reading.vocabulary is not self._vocabulary:
            self._vocabulary, self._groups = reading.vocabulary, np.zeros(len(reading.p_groups))
        self._groups += weight * np.array(reading.p_groups)
        self.estimate = self._make_estimate()
        return self.estimate

    def _independence(self, at: float, view: View | None) -> float:
        """How much of a look is no repetition of the last one, 0-1."""
        if self._at is None:
            return 1.0
        later = -math.expm1(min(0.0, self._at - at) / INDEPENDENT_AFTER)
        if view is None or self._view is None:
            return later
        news = view.news(self._view)
        return news + (1 - news) * (1 - SAME_VIEW) * later

    def _make_estimate(self) -> AttributeEstimate:
        spread = self._spread / self._weight
        age, scatter = _robust_mean(self._ages, spread)
        n = max(1.0, min(self._weight**2 / self._weight_squared, self._independent))
        shared = AGE_ERROR_SHARED + (1 - AGE_ERROR_SHARED) / n
        half = math.sqrt(spread**2 * shared + scatter**2 / n)
        female = self._log_odds / self._weight * n / (1 + GENDER_ERROR_SHARED * (n - 1))
        gender, confidence = self._judge_gender(female)
        return AttributeEstimate(
            age=age,
            age_low=max(0.0, age - half),
            age_high=age + half,
            gender=gender,
            gender_confidence=confidence,
            samples=self._samples,
            p_female=1 / (1 + math.exp(-female)),
            age_group=self._vocabulary.age_groups[int(self._groups.argmax())] if self._vocabulary else None,
        )

    def _judge_gender(self, female: float) -> tuple[Gender, float]:
        """The gender to tell, and the probability of the likelier one. female: log-odds."""
        likelier: Gender = "female" if female >= 0 else "male"
        confidence = 1 / (1 + math.exp(-abs(female)))
        if self._vocabulary is not None:
            return likelier, confidence
        evidence = min(1.0, self._weight, self._best / POOR)
        return self._settle(likelier, abs(female) * evidence), confidence

    def _settle(self, likelier: Gender, log_odds: float) -> Gender:
        """The gender to tell. log_odds: of the likelier one, less where the evidence is thin."""
        if self._told != "unknown":
            if likelier == self._told and log_odds >= LAPSE * self._demand:
                return self._told
            self._told = "unknown"
            self._lapses += 1
        change = self._settled not in ("unknown", likelier)
        if self._weight < LEAST_EVIDENCE or log_odds < self._demand + CLEAR * self._lapses:
            return "unknown"
        if change:
            if self._changed:
                return "unknown"
            self._changed = True
        self._settled = self._told = likelier
        return likelier


def _robust_mean(weights: NDArray[np.float64], spread: float) -> tuple[float, float]:
    """Huber's mean of a histogram over years, and the robust standard deviation around it.

    spread: how far looks may lie apart without being wild, years, where they are too few to tell.
    """
    used = np.flatnonzero(weights)
    years, mass = used.astype(np.float64), weights[used]
    deviation = 1.4826 * _median(np.abs(years - _median(years, mass)), mass)
    usual = max(LEAST_SCATTER, spread, deviation)
    middle = float((mass * years).sum() / mass.sum())
    for _ in range(15):  # converges: with a fixed scale Huber's loss is convex
        trust = mass * np.minimum(1.0, HUBER * usual / np.maximum(np.abs(years - middle), 1e-9))
        before, middle = middle, float((trust * years).sum() / trust.sum())
        if abs(middle - before) < CONVERGED:
            break
    off = np.minimum(np.abs(years - middle), 3 * usual)
    return middle, math.sqrt(float((mass * off * off).sum() / mass.sum()))


def _median(values: NDArray[np.float64], mass: NDArray[np.float64]) -> float:
    """The weighted median; midway where two values share the middle, give or take rounding."""
    order = np.argsort(values, kind="stable")
    values, reached = values[order], np.cumsum(mass[order])
    half = reached[-1] / 2
    low, high = np.searchsorted(reached, (half * (1 - 1e-9), half * (1 + 1e-9)))
    return float(values[low] + values[min(int(high), len(values) - 1)]) / 2


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))
