"""Gamma-Gamma: planted spends come back, and a customer is judged by as much as he has bought."""

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import gamma as gamma_law

from scoring.learning.refusal import NotEstimable
from scoring.learning.spend import GammaGamma, _minus


def planted(size: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    n = rng.integers(1, 9, size).astype(float)
    scale = rng.gamma(4.0, 1 / 20.0, size)  # q 4, γ 20
    return n, rng.gamma(6.0 * n, 1 / (n * scale))  # p 6; mean spend 6 · 20 ÷ 3 = 40


@pytest.fixture(scope="module")
def model() -> GammaGamma:
    return GammaGamma().fit(*planted())


def test_planted_parameters_come_back(model: GammaGamma) -> None:
    n, mean = planted()
    truth = -len(n) * _minus(np.log([6, 4, 20.0]), n, mean)[0]
    assert 0 <= 2 * (model.log_likelihood_ - truth) < 11.34  # chi², 3 degrees of freedom, 99 %
    np.testing.assert_allclose(model.parameters_, [6, 4, 20], rtol=0.2)
    assert abs(model.correlation_) < 0.03


def test_expected_spend_lies_between_his_own_mean_and_everybodys(model: GammaGamma) -> None:
    p, q, gamma = model.parameters_
    everybody = p * gamma / (q - 1)
    nobody, one, many = model.expected(np.array([0.0, 1, 500]), np.array([np.nan, 90, 90]))
    assert nobody == pytest.approx(everybody)
    assert everybody == pytest.approx(40, rel=0.03)
    assert everybody < one < many
    assert many == pytest.approx(90, rel=0.01)


@settings(max_examples=30, deadline=None)
@given(p=st.floats(0.5, 9), q=st.floats(1.2, 6), n=st.integers(1, 12), mean=st.floats(0.1, 9))
def test_the_likelihood_is_the_integral_over_the_customers(
    p: float, q: float, n: int, mean: float
) -> None:
    def given_scale(v: float) -> float:
        own = gamma_law.pdf(mean, p * n, scale=1 / (n * v))
        return float(own * gamma_law.pdf(v, q, scale=1 / 2.0))

    near = p / mean
    slow = quad(given_scale, 0, near, limit=200)[0]
    slow += quad(given_scale, near, 40 + 9 * near, limit=200)[0]
    got, _ = _minus(np.log([p, q, 2.0]), np.array([float(n)]), np.array([mean]))
    assert -got == pytest.approx(np.log(slow), rel=1e-3, abs=1e-3)


def test_who_spent_nothing_or_never_bought_again_is_left_out_and_counted() -> None:
    n, spend = planted(500)
    n, spend = np.append(n, [3.0, 0, 0]), np.append(spend, [0.0, np.nan, np.nan])
    found = GammaGamma().fit(n, spend)
    assert (found.customers_, found.zero_spend_, found.without_repeats_) == (500, 1, 2)
    np.testing.assert_allclose(
        found.parameters_, GammaGamma().fit(n[:500], spend[:500]).parameters_
    )


@pytest.mark.parametrize(
    ("n", "spend", "code"),
    [
        ([], [], "no_rows"),
        ([0.0] * 40, [np.nan] * 40, "no_repeat_purchases"),
        ([2.0] * 29, np.arange(1.0, 30), "too_few_outcomes"),
        ([2.0] * 40, [7.0] * 40, "too_few_distinct"),
        ([1.0] * 400, np.exp(np.random.default_rng(1).normal(0, 40, 400)), "no_mean_spend"),
    ],
)
def test_what_cannot_be_fitted_is_refused(n: list[float], spend: list[float], code: str) -> None:
    with pytest.raises(NotEstimable) as refusal:
        GammaGamma().fit(np.array(n), np.array(spend))
    assert refusal.value.code == code


def test_an_unknown_spend_of_a_buyer_is_refused() -> None:
    with pytest.raises(ValueError, match="must have a spend"):
        GammaGamma().fit(np.array([1.0]), np.array([np.nan]))


def test_it_survives_being_written(model: GammaGamma) -> None:
    again = skops.io.loads(skops.io.dumps(model), trusted=["scoring.learning.spend.GammaGamma"])
    assert (again.expected(*planted()) == model.expected(*planted())).all()
