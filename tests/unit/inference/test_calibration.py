"""The calibration: what nets say is combined in the right direction, and bad looks are trusted less."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamer.inference.calibration import YEARS, Calibration, Said, calibration_of, medians, trust

NETS = {"dlib": 1, "faceres": 1, "pair": 2}


def around(ages: NDArray[np.float64], spread: float = 4.0) -> NDArray[np.float64]:
    """Distributions about these ages, (N, 100)."""
    density = np.exp(-0.5 * ((YEARS - ages[:, None]) / spread) ** 2)
    rows: NDArray[np.float64] = density / density.sum(axis=1, keepdims=True)
    return rows


@pytest.mark.parametrize(("name", "nets"), NETS.items())
def test_each_model_has_its_numbers(name: str, nets: int) -> None:
    calibration = calibration_of(name)
    assert len(calibration.age) == nets + 2
    assert len(calibration.gender) == nets + 2
    assert all(weight > 0 for weight in (*calibration.age[:nets], *calibration.gender[1 : nets + 1]))


@pytest.mark.parametrize(("name", "nets"), NETS.items())
def test_who_looks_older_to_every_net_never_gets_a_lower_age(name: str, nets: int) -> None:
    said = [Said(around(np.arange(2.0, 98.0)), np.full(96, 0.5))] * nets
    ages, spreads, _ = calibration_of(name).read(said, np.ones(96))
    assert (np.diff(ages) >= 0).all()
    assert ((spreads > 0) & (spreads < 40)).all()


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 90), st.floats(0, 1))
def test_gender_follows_each_net(p: float, q: float, age: float, trusted: float) -> None:
    low, high = sorted((p, q))
    ages = around(np.array([age, age]))
    said = [Said(ages, np.array([low, high])), Said(ages, np.array([0.5, 0.5]))]
    _, _, (one, other) = calibration_of("pair").read(said, np.full(2, trusted))
    assert 0 <= one <= other <= 1


def test_look_without_trust_tells_no_gender() -> None:
    said = [Said(around(np.array([30.0])), np.array([0.99]))] * 2
    _, _, p_female = calibration_of("pair").read(said, np.zeros(1))
    assert p_female[0] == pytest.approx(0.5)
    assert [trust(detail) for detail in (0.0, 0.12, 1.0)] == [0, 1, 1]
    assert 0 < trust(0.08) < 1


def test_without_weights_and_prior_nothing_is_known() -> None:
    said = [Said(around(np.array([30.0])), np.array([0.99]))]
    (age,), (spread,), (p_female,) = Calibration(age=(0, 0, 0), gender=(0, 0, 0)).read(said, np.ones(1))
    assert (age, p_female) == (pytest.approx(50), 0.5)
    assert spread == pytest.approx(100 / 12**0.5, rel=0.01)


def test_with_a_weight_of_one_a_sharp_distribution_stays_where_it_is() -> None:
    said = [Said(around(np.array([42.0]), spread=2), np.array([0.5]))]
    (age,), _, _ = Calibration(age=(1, 0, 0), gender=(0, 1, 0)).read(said, np.ones(1))
    assert age == pytest.approx(42, abs=0.3)


def test_median_has_half_on_either_side() -> None:
    density = np.zeros((2, 100))
    density[0, 10] = 1
    density[1, [20, 60]] = 0.5
    one, other = medians(density)
    assert one == pytest.approx(10.5)
    assert 21 <= other <= 60


def test_nets_that_rule_everything_out_are_no_error() -> None:
    said = [Said(np.zeros((1, 100)), np.array([1.0])), Said(np.zeros((1, 100)), np.array([0.0]))]
    age, spread, p_female = calibration_of("pair").read(said, np.ones(1))
    assert np.isfinite([age, spread, p_female]).all()
