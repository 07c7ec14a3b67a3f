"""BG/NBD: the published estimates on CDNOW, and its formulas against slow sums and integrals."""

import os
from datetime import date

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import beta as beta_function
from scipy.special import gammaln

from bench import public_data
from scoring.learning.ledger import days_since_1970, ledger
from scoring.learning.purchases import BgNbd, Histories, histories
from scoring.learning.refusal import NotEstimable
from scoring.learning.spend import GammaGamma

from .test_ledger import ZERO, frame

CALIBRATED = days_since_1970(date(1997, 10, 1))  # 39 weeks from the first of January
TRUSTED = ["scoring.learning.purchases.BgNbd"]


def cdnow(as_of: int = CALIBRATED) -> Histories:
    if not (public_data.FOLDER / "cdnow").is_dir():
        if os.environ.get("CI"):
            raise FileNotFoundError(f"{public_data.FOLDER} must hold cdnow: CI runs against it")
        pytest.skip("no public data beside the checkout")
    return histories(ledger(public_data.cdnow().rename(columns={"spent": "amount"})), as_of)


@pytest.fixture(scope="module")
def sample() -> Histories:
    return cdnow()


@pytest.fixture(scope="module")
def model(sample: Histories) -> BgNbd:
    return BgNbd().fit(sample.repeats, sample.recency, sample.watched)


def with_parameters(r: float, alpha: float, a: float, b: float) -> BgNbd:
    made = BgNbd()
    made.parameters_ = np.array([r, alpha, a, b])
    return made


def test_the_histories_are_those_published(sample: Histories) -> None:
    assert (len(sample.repeats), (sample.repeats > 0).sum()) == (2357, 946)
    assert sample.watched.max() == pytest.approx(38.857, abs=1e-3)


def test_the_published_estimates(model: BgNbd) -> None:
    np.testing.assert_allclose(model.parameters_, [0.243, 4.414, 0.793, 2.426], atol=5e-4)
    assert model.log_likelihood_ == pytest.approx(-9582.4, abs=0.05)


def test_the_published_expectation_of_one_customer(model: BgNbd) -> None:
    """x = 2, t_x = 30.43, T = 38.86, 39 weeks: 1.226."""
    one = [np.array([v]) for v in (2.0, 30.43, 38.86)]
    assert model.expected(*one, 39.0)[0] == pytest.approx(1.226, abs=5e-4)


def test_the_frequencies_expected_are_near_those_observed(model: BgNbd, sample: Histories) -> None:
    rows = model.frequencies(sample.repeats, sample.watched)
    assert sum(r.observed for r in rows) == 2357
    assert sum(r.expected for r in rows) == pytest.approx(2357)
    assert [r.open for r in rows] == [False] * 7 + [True]
    chi2 = sum((r.observed - r.expected) ** 2 / r.expected for r in rows)
    assert chi2 < 9.49  # 8 cells less 1 less 4 parameters: the paper's 4.82 is over other cells


def test_standard_errors_are_those_of_the_curvature(model: BgNbd, sample: Histories) -> None:
    """Against second differences of the likelihood written out anew, in the parameters."""

    def log_likelihood(p: np.ndarray) -> float:
        r, alpha, a, b = p
        x, recency, watched = sample.repeats, sample.recency, sample.watched
        first = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        second = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
        gone = np.where(x > 0, a / np.maximum(b + x - 1, 1e-9) * (alpha + recency) ** -(r + x), 0)
        return float((first + second + np.log((alpha + watched) ** -(r + x) + gone)).sum())

    at = model.parameters_
    assert log_likelihood(at) == pytest.approx(model.log_likelihood_)
    step = 1e-3 * at
    hessian = np.empty((4, 4))
    for i in range(4):
        for j in range(4):
            ei, ej = step * (np.arange(4) == i), step * (np.arange(4) == j)
            hessian[i, j] = (
                log_likelihood(at + ei + ej) - log_likelihood(at + ei - ej)
                - log_likelihood(at - ei + ej) + log_likelihood(at - ei - ej)
            ) / (4 * step[i] * step[j])  # fmt: skip
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    np.testing.assert_allclose(model.errors_, errors, rtol=0.01)


def by_integral(
    r: float, alpha: float, a: float, b: float, x: int, watched: float, ahead: float
) -> float:
    """E[purchases ahead | alive now, history] over the posterior of rate and drop-out."""

    def given_p(u: float) -> float:
        # q = 1 - p is Beta(b + x, a) given that he is alive; u = q.
        grown = alpha + watched
        bought = 1 - (grown / (grown + (1 - u) * ahead)) ** (r + x)
        return u ** (b + x - 1) * (1 - u) ** (a - 1) * bought / (1 - u)

    # Of one who leaves with p after each purchase at rate λ: (1 - e^(-λpt)) ÷ p purchases until t.
    area = quad(given_p, 0, 0.5)[0] + quad(given_p, 0.5, 1)[0]
    return area / beta_function(b + x, a)


@settings(max_examples=60, deadline=None)
@given(
    r=st.floats(0.1, 3), alpha=st.floats(0.5, 20), a=st.floats(1.05, 4), b=st.floats(0.2, 5),
    x=st.integers(0, 30), watched=st.floats(0, 60), ahead=st.floats(0.1, 200),
)  # fmt: skip
def test_expected_purchases_are_the_integral_over_the_posterior(
    r: float, alpha: float, a: float, b: float, x: int, watched: float, ahead: float
) -> None:
    if x == 0 and b < 1:
        b += 1  # keeps quad off its own singularity at 0
    got = with_parameters(r, alpha, a, b).expected_if_alive(
        np.array([float(x)]), np.array([watched]), np.array([ahead])
    )[0, 0]
    assert got == pytest.approx(by_integral(r, alpha, a, b, x, watched, ahead), rel=1e-5)


@pytest.mark.parametrize("a", [1 - 1e-9, 1.0, 1 + 1e-9])
def test_nothing_breaks_where_a_is_one(a: float) -> None:
    x, watched, ahead = np.array([3.0]), np.array([20.0]), np.array([52.0])
    near = [
        with_parameters(0.5, 5, v, 2).expected_if_alive(x, watched, ahead) for v in (0.999, 1.001)
    ]
    got = with_parameters(0.5, 5, a, 2).expected_if_alive(x, watched, ahead)
    assert got == pytest.approx(sum(near) / 2, rel=1e-4)


def test_a_customer_with_thousands_of_purchases_is_still_a_number(model: BgNbd) -> None:
    x, recency, watched = np.array([5000.0, 5000]), np.array([38.8, 5.0]), np.array([38.86, 38.86])
    expected = model.expected(x, recency, watched, 39.0)
    r, alpha, a, b = model.parameters_
    grown = alpha + 38.86

    def given_drop(p: float) -> float:
        bought = -np.expm1((r + 5000) * np.log(grown / (grown + p * 39)))
        return float(np.exp((b + 4999) * np.log1p(-p)) * p ** (a - 2) * bought)

    slow = quad(given_drop, 0, 0.001)[0] + quad(given_drop, 0.001, 0.02)[0]
    slow *= model.alive(x, recency, watched)[0] / beta_function(b + 5000, a)
    assert expected[0] == pytest.approx(slow, rel=1e-5)
    assert expected[1] == pytest.approx(0, abs=1e-9)
    assert model.alive(np.zeros(1), np.zeros(1), np.full(1, 30.0)).tolist() == [1.0]


def test_the_order_of_rows_and_the_unit_of_time_change_nothing(
    model: BgNbd, sample: Histories
) -> None:
    order = np.random.default_rng(1).permutation(len(sample.repeats))
    days = BgNbd().fit(sample.repeats[order], 7 * sample.recency[order], 7 * sample.watched[order])
    np.testing.assert_allclose(
        days.parameters_, model.parameters_ * [1, 7, 1, 1], rtol=1e-4
    )  # fmt: skip
    assert days.expected(sample.repeats, 7 * sample.recency, 7 * sample.watched, 273.0).sum() == (
        pytest.approx(model.expected(sample.repeats, sample.recency, sample.watched, 39.0).sum())
    )


def planted(size: int = 6000, span: float = 52.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return repeats, recency, watched of customers who live as the model says."""
    rng = np.random.default_rng(3)
    rate, drop = rng.gamma(0.8, 1 / 6.0, size), rng.beta(1.2, 4.0, size)
    repeats, last = np.zeros(size), np.zeros(size)
    clock, alive = np.zeros(size), np.ones(size, bool)
    while alive.any():
        clock = clock + rng.exponential(1 / rate)
        alive &= clock < span
        repeats[alive] += 1
        last[alive] = clock[alive]
        alive &= rng.random(size) >= drop
    return repeats, last, np.full(size, span)


def test_planted_parameters_come_back_within_three_errors() -> None:
    found = BgNbd().fit(*planted())
    assert (np.abs(found.parameters_ - [0.8, 6.0, 1.2, 4.0]) < 3 * found.errors_).all()


@given(
    rows=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.sampled_from([-1.0, 0, 2, 5])),
        max_size=25,
    )
)  # fmt: skip
def test_histories_are_those_counted_by_hand(rows: list[tuple[str, int, float]]) -> None:
    book = ledger(frame(rows))
    got = histories(book, ZERO + 8, unit=1.0)
    told = pd.DataFrame(rows, columns=["customer", "day", "amount"])
    told = told[(told["amount"] >= 0) & (told["day"] < 8)]
    by_day = told.groupby(["customer", "day"])["amount"].sum()
    expected = []
    for customer in sorted(set(told["customer"])):
        days = by_day[customer]
        first, last = days.index.min(), days.index.max()
        later = days[days.index > first]
        expected.append((customer, len(later), last - first, 7 - first, later.mean()))
    names = [book.customers[int(i)].as_py() for i in got.customers]
    rows_got = zip(names, got.repeats, got.recency, got.watched, got.spend, strict=True)
    assert repr([(n, *map(float, v)) for n, *v in rows_got]) == repr(
        [(n, *map(float, v)) for n, *v in expected]
    )


@pytest.mark.parametrize(
    ("again", "of", "code"),
    [(0, 0, "no_rows"), (0, 500, "no_repeat_purchases"), (29, 500, "too_few_outcomes")],
)
def test_too_few_repeats_are_refused(again: int, of: int, code: str) -> None:
    repeats = (np.arange(of) < again).astype(float)
    with pytest.raises(NotEstimable) as refusal:
        BgNbd().fit(repeats, repeats * 3, np.full(of, 10.0))
    assert refusal.value.code == code


def test_histories_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="recency between 0"):
        BgNbd().fit(np.array([1.0]), np.array([11.0]), np.array([10.0]))


def test_a_likelihood_without_a_summit_is_refused() -> None:
    """Everybody buys every other week for ever: nobody is unlike another, nobody leaves."""
    size = 200
    with pytest.raises(NotEstimable) as refusal:
        BgNbd().fit(np.full(size, 20.0), np.full(size, 40.0), np.full(size, 40.0))
    assert refusal.value.code == "did_not_converge"


def test_it_can_be_stopped_and_survives_being_written(model: BgNbd, sample: Histories) -> None:
    done = []
    BgNbd().fit(sample.repeats, sample.recency, sample.watched, lambda *d: done.append(d))
    assert done == [(1, 3), (2, 3), (3, 3)]
    again = skops.io.loads(skops.io.dumps(model), trusted=TRUSTED)
    parts = (sample.repeats, sample.recency, sample.watched)
    assert (again.alive(*parts) == model.alive(*parts)).all()


def test_the_published_spend(sample: Histories) -> None:
    found = GammaGamma().fit(sample.repeats, sample.spend)
    np.testing.assert_allclose(found.parameters_, [6.25, 3.74, 15.44], atol=0.005)
    assert (found.customers_, found.without_repeats_, found.zero_spend_) == (946, 1411, 0)
