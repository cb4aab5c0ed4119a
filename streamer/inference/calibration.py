"""Makes what nets say about age and gender mean what it says; the fitted numbers lie in calibration.yaml."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

__all__ = [
    "RECIPE",
    "YEARS",
    "Calibration",
    "Recipe",
    "Said",
    "age_density",
    "age_evidence",
    "calibration_of",
    "gender_evidence",
    "medians",
    "trust",
]

Array = NDArray[np.float64]

YEARS: Array = np.arange(100, dtype=np.float64) + 0.5  # the middles of the years of life that ages are spread over
_FROM_35: Array = (np.minimum(YEARS, 75) - 35) / 30  # flat beyond 75, where no label tells ages apart
_PRIOR: Array = np.stack([_FROM_35, _FROM_35**2])
# Detail (see `quality.detail`) from which a look's gender counts at all, and fully. On photographs blurred on purpose,
# the log-odds that suit best are 0.2 times the sharp ones at 0.05, 0.4 at 0.075, 0.8 at 0.1 and all of them from 0.13.
_TRUST_FROM, _TRUST_ALL = 0.045, 0.12


class Said(NamedTuple):
    """What one net says about N faces: ages (N, 100), the probability of each year of life; p_female (N,)."""

    ages: NDArray[np.floating]
    p_female: NDArray[np.floating]


class Recipe(NamedTuple):
    """What is decided before anything is fitted.

    smoothing: years; a net's ages are blurred by it, as neighbouring classes mean nearly the same. least: probability
    of any year, so that no net can rule one out. squash: log-odds that a net's gender can't exceed, as beyond it is not
    more often right. child_to, adult_from: years between which a child, whose gender hardly shows, becomes an adult.
    """

    smoothing: float = 3.0
    least: float = 1e-4
    squash: float = 3.0
    child_to: float = 5.0
    adult_from: float = 20.0


RECIPE = Recipe()


class Calibration(BaseModel):
    """The numbers for one set of nets, whose order is that of the weights.

    age: a weight for each net, then slope and curve of the prior. gender: the offset, a weight for each net, and one
    for being a child.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    age: tuple[float, ...]
    gender: tuple[float, ...]

    def read(
        self, said: Sequence[Said], trusts: NDArray[np.floating], recipe: Recipe = RECIPE
    ) -> tuple[Array, Array, Array]:
        """Age in years, its standard deviation, and the probability of female, each (N,). trusts: see `trust`."""
        density = age_density(age_evidence(said, recipe), np.array(self.age))
        ages = medians(density)
        variances = (density * (YEARS - ages[:, None]) ** 2).sum(axis=1)
        odds = self.gender[0] + gender_evidence(said, ages, recipe) @ np.array(self.gender[1:])
        return ages, np.sqrt(variances), 1 / (1 + np.exp(-odds * trusts))


def age_evidence(said: Sequence[Said], recipe: Recipe = RECIPE) -> Array:
    """(nets, N, 100): logarithms of the smoothed probabilities."""
    blur = _blur(recipe.smoothing)
    return np.stack([np.log(each.ages.astype(np.float64) @ blur + recipe.least) for each in said])


@functools.cache
def _blur(years: float) -> Array:
    """(100, 100): by what probabilities of years are multiplied to be blurred."""
    kernel = np.exp(-0.5 * ((YEARS[:, None] - YEARS) / years) ** 2)
    kernel /= kernel.sum(axis=1, keepdims=True)
    return kernel.T


def age_density(evidence: Array, numbers: Array) -> Array:
    """(N, 100), rows summing to 1: the nets' probabilities, each to the power of its weight, times a prior.

    The prior is exp(slope · u + curve · u²) with u = (age - 35) / 30, the age being 75 at most. It undoes what the nets
    learnt about how frequent ages are: they saw few old people, and so make people younger. It is the same for all
    faces, so that a face that looks older than another (in likelihood ratio) to every net never gets the lower age.
    """
    nets = len(evidence)
    logs = np.tensordot(numbers[:nets], evidence, 1) + numbers[nets:] @ _PRIOR
    density = np.exp(logs - logs.max(axis=1, keepdims=True))
    normalised: Array = density / density.sum(axis=1, keepdims=True)
    return normalised


def medians(density: Array) -> Array:
    """(N,) years: half of each row's probability lies below."""
    reached = np.cumsum(density, axis=1)
    return np.array([np.interp(0.5, row, YEARS + 0.5) for row in reached])


def gender_evidence(said: Sequence[Said], ages: Array, recipe: Recipe = RECIPE) -> Array:
    """(N, nets + 1): each net's squashed log-odds of female, and how far a face is a child's (0-1)."""
    columns = []
    for each in said:
        p = np.clip(each.p_female.astype(np.float64), 1e-3, 1 - 1e-3)
        columns.append(recipe.squash * np.tanh(np.log(p / (1 - p)) / recipe.squash))
    childhood = (recipe.adult_from - ages) / (recipe.adult_from - recipe.child_to)
    return np.column_stack([*columns, np.clip(childhood, 0, 1)])


def trust(detail: float) -> float:
    """How far (0-1) the gender of a look with so much detail counts."""
    return min(1.0, max(0.0, (detail - _TRUST_FROM) / (_TRUST_ALL - _TRUST_FROM)))


@functools.cache
def calibration_of(name: str) -> Calibration:
    """The calibration of an attribute model: dlib, faceres or pair."""
    text = resources.files("streamer.inference").joinpath("calibration.yaml").read_text(encoding="utf-8")
    document: Mapping[str, Mapping[str, object]] = yaml.safe_load(text)
    return Calibration.model_validate(document["models"][name])
