"""What many looks at one face say together: an age with its range, and a gender that settles and stays.

Looks are evidence, weighed by quality and by independence: two looks a frame apart are nearly the same picture and
count little more than one. Memory is constant, whatever the length of the visit.

Age. All looks' weights lie in a histogram over the years; the age is their robust mean (Huber's), which a few wild
looks hardly move, in whatever order they came. With

    error    √(spread² + miss²), how far one look lies off: spread is the weighted mean of what the nets give as their
             standard deviation, miss = a quarter of the age, from 2 to 9 years, is what they don't know of,
    scatter  the robust standard deviation between the looks,
    n        the effective number of looks (of weights w: (Σw)² / Σw², and at most the sum of their independence),

the range is age ± √(error² · (ρ + (1 - ρ) / n) + scatter² / n). The share ρ of a look's error comes from the face
itself and is the same in every look, so that no number of looks makes it smaller. The true age is expected inside in
two cases of three.

Gender. Each look adds its log-odds times its weight; their sum is multiplied by TRUST, as the nets are surer than they
are right, and divided by 1 + ρ' · (W - 1) for looks of weight W that err together (the design effect of correlated
samples, Kish 1965). The first gender whose probability reaches `min_gender_confidence` is settled on; the other one
must then be clearly, and each time more clearly, likelier to take its place. Whatever is settled, 'unknown' is said
while the probability is below `min_gender_confidence`.

Nets with a vocabulary of their own have age groups besides, and no word for doubt: the group is the one with the
largest sum of weight times probability over all looks, and the likelier gender is told from the first look on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.types import FaceReading, Gender, Vocabulary

__all__ = ["AttributeEstimate", "AttributeSmoother"]

YEARS = 131  # bins of the histogram: 0-130, one a year
INDEPENDENT_AFTER = 0.7  # s; looks this far apart count 1 - 1/e of independent ones
AGE_ERROR_SHARED = 0.7  # ρ: share of the variance of an age that is the same in all looks at a face
GENDER_ERROR_SHARED = 0.5  # ρ'
# Measured with the dlib nets on labelled photographs: their own spread holds the true age in 38 % of them, with the
# miss added in 2/3; and where they are surer of a gender than 0.99 they are right in 93 %.
MISS, MISS_FROM, MISS_TO = 0.25, 2.0, 9.0  # of the age; years
TRUST = 0.8  # of the nets' log-odds of gender
HUBER = 1.345  # scatters from the mean beyond which a look counts less: 95 % efficient on clean looks
LEAST_SCATTER = 4.0  # years; looks nearer than this agree, however sure of themselves the nets are
LEAST_QUALITY = 0.01  # of a look that is taken in at all
SURE = 0.97  # no single look counts as surer of a gender than this
LEAST_EVIDENCE = 0.3  # weight of all looks, in perfect looks, below which no gender is told
CLEAR = 0.7  # log-odds beyond the usual demand that the other gender needs to replace the settled one; then thrice that


@dataclass(frozen=True, slots=True)
class AttributeEstimate:
    """What is known about a face. Fields as in `streamer.types.Track`."""

    age: float | None = None
    age_low: float | None = None
    age_high: float | None = None
    gender: Gender = "unknown"
    gender_confidence: float = 0.0
    samples: int = 0
    age_group: str | None = None


class AttributeSmoother:
    """The evidence about one face. `estimate` is made anew by each look, and may be read at any time."""

    def __init__(self, *, min_gender_confidence: float = 0.75) -> None:
        self.estimate = AttributeEstimate()
        self._demand = _log_odds(min_gender_confidence)
        self._at: float | None = None
        self._samples = 0
        self._ages: NDArray[np.float64] = np.zeros(YEARS)  # weight of the looks by age
        self._weight = 0.0  # quality x independence, summed
        self._weight_squared = 0.0
        self._independent = 0.0  # independence, summed
        self._spread = 0.0  # weight x the nets' spread, summed
        self._log_odds = 0.0  # weight x log-odds of female, summed
        self._settled: Gender = "unknown"
        self._changes = 0
        self._vocabulary: Vocabulary | None = None
        self._groups: NDArray[np.float64] = np.zeros(0)  # weight x probability of each age group, summed

    def add(self, reading: FaceReading, at: float) -> AttributeEstimate:
        """Take in a look of time `at`. One of (nearly) no quality says nothing and isn't counted."""
        if reading.quality < LEAST_QUALITY:
            return self.estimate
        independence = 1.0 if self._at is None else 1 - math.exp(min(0.0, self._at - at) / INDEPENDENT_AFTER)
        self._at = at
        self._samples += 1
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

    def _make_estimate(self) -> AttributeEstimate:
        spread = self._spread / self._weight
        age, scatter = _robust_mean(self._ages, spread)
        n = max(1.0, min(self._weight**2 / self._weight_squared, self._independent))
        miss = min(max(MISS * age, MISS_FROM), MISS_TO)
        shared = AGE_ERROR_SHARED + (1 - AGE_ERROR_SHARED) / n
        half = math.sqrt((spread**2 + miss**2) * shared + scatter**2 / n)
        gender, confidence = self._judge_gender()
        return AttributeEstimate(
            age=age,
            age_low=max(0.0, age - half),
            age_high=age + half,
            gender=gender,
            gender_confidence=confidence,
            samples=self._samples,
            age_group=self._vocabulary.age_groups[int(self._groups.argmax())] if self._vocabulary else None,
        )

    def _judge_gender(self) -> tuple[Gender, float]:
        """The gender to tell, and the probability of the likelier one."""
        female = TRUST * self._log_odds / (1 + GENDER_ERROR_SHARED * max(0.0, self._weight - 1))
        likelier: Gender = "female" if female >= 0 else "male"
        confidence = 1 / (1 + math.exp(-abs(female)))
        if self._vocabulary is not None:
            return likelier, confidence
        if self._weight < LEAST_EVIDENCE or abs(female) < self._demand:
            return "unknown", confidence
        if self._settled == "unknown":
            self._settled = likelier
        elif likelier != self._settled:
            if abs(female) < self._demand + CLEAR * (1 + 2 * self._changes):
                return "unknown", confidence
            self._settled = likelier
            self._changes += 1
        return likelier, confidence


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
        middle = float((trust * years).sum() / trust.sum())
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
