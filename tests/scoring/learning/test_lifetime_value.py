"""Lifetime value in yuan: the fast sums against slow ones, month by month; reasons that add up."""

import numpy as np
import pytest
import skops.io

from scoring.learning.features import Feature
from scoring.learning.ledger import ledger
from scoring.learning.lifetime_value import (
    DAYS_A_MONTH,
    LifetimeValue,
    PurchaseValue,
    purchase_matrix,
)
from scoring.learning.refusal import NotEstimable
from scoring.learning.survival import MonthlyHazard

from .test_ledger import ZERO, frame
from .test_purchases import planted
from .test_survival import FEATURES as SURVIVAL
from .test_survival import made

CONTRACT = (*SURVIVAL, Feature("arpu"))
BOUGHT = tuple(Feature(f) for f in ("repeats", "silent_days", "age_days", "mean_spend"))
TRUSTED = [
    f"scoring.learning.{name}"
    for name in (
        "lifetime_value.LifetimeValue", "lifetime_value.PurchaseValue", "survival.MonthlyHazard",
        "survival_parts.Parts", "features.Feature", "reasons.Reason", "purchases.BgNbd",
        "spend.GammaGamma",
    )
]  # fmt: skip


def customers(rows: int = 8000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    x, y, _ = made(rows, seed)
    arpu = np.random.default_rng(seed).gamma(4, 20, rows)
    arpu[::50] = np.nan
    return np.column_stack([x, arpu]), y


@pytest.fixture(scope="module")
def contract() -> LifetimeValue:
    settings = {"contract": "contract_months_left", "share": 0.4, "persistence": 0.9}
    return LifetimeValue(CONTRACT, **settings).fit(*customers())


def buyers(size: int = 1500) -> np.ndarray:
    repeats, last, watched = planted(size)
    rng = np.random.default_rng(2)
    spend = rng.gamma(6, 1 / rng.gamma(4, 1 / 20.0, size))
    age = 7 * watched
    silent = np.floor(age - 7 * last)
    x = np.column_stack([repeats, silent, age, np.where(repeats > 0, spend, np.nan)])
    x[:5] = np.nan
    return x


@pytest.fixture(scope="module")
def purchase() -> PurchaseValue:
    return PurchaseValue(BOUGHT, share=0.3).fit(buyers())


def test_value_is_the_sum_of_months_survived_times_margin_discounted(
    contract: LifetimeValue,
) -> None:
    x, _ = customers(60, seed=3)
    hazards = contract.hazard_.hazards(x, 36)
    for row, mine, got in zip(x, hazards, contract.predict(x), strict=True):
        margin = contract.margin_ if np.isnan(row[5]) else 0.4 * row[5]
        value, here = 0.0, 1.0
        for month in range(1, 37):
            here *= 1 - mine[month - 1]
            value += here * margin / 1.01**month
        assert got == pytest.approx(value)


def test_a_longer_horizon_is_worth_more_and_a_dearer_discount_less() -> None:
    x, y = customers(3000)
    value = LifetimeValue(CONTRACT).fit(x, y)
    longer = LifetimeValue(CONTRACT, horizon=60).fit_on(value.hazard_, x)
    dearer = LifetimeValue(CONTRACT, monthly_discount=0.02).fit_on(value.hazard_, x)
    assert (longer.predict(x) >= value.predict(x)).all()
    assert longer.predict(x).sum() > 1.1 * value.predict(x).sum()
    assert (dearer.predict(x) < value.predict(x)).all()


def test_reasons_name_the_margin_and_what_drives_leaving(contract: LifetimeValue) -> None:
    """A dear customer, a long contract, complaints: each named first where it is all there is."""
    plain = [50.0, 9, 0, 0, np.nan, 80]
    cases = {("arpu", True): (5, 400), ("arpu", False): (5, 5), ("complaints", False): (2, 4)}
    for (attribute, raises), (place, value) in cases.items():
        row = np.array([plain])
        row[0, place] = value
        first = contract.reasons_[contract.reasons(row)[0, 0]]
        assert (first.attribute, first.raises) == (attribute, raises)
        assert first.low <= value < first.high


def test_no_attribute_is_named_twice_and_reasons_run_from_the_strongest(
    contract: LifetimeValue,
) -> None:
    x, _ = customers(500, seed=4)
    parts, places = contract._yuan(x)
    for told, mine, place in zip(contract.reasons(x), parts, places, strict=True):
        names = [contract.reasons_[i].attribute for i in told if i >= 0]
        assert len(names) == len(set(names))
        sizes = [abs(mine[list(place).index(i)]) for i in told if i >= 0]
        assert sizes == sorted(np.abs(mine), reverse=True)[: len(sizes)]


def test_money_that_nobody_has_is_refused() -> None:
    x, y = customers(2000)
    x[:, 5] = np.nan
    with pytest.raises(NotEstimable) as refusal:
        LifetimeValue(CONTRACT).fit(x, y)
    assert refusal.value.code == "no_usable_features"


@pytest.mark.parametrize(
    "given", [{"horizon": 0}, {"monthly_discount": -0.1}, {"monthly_discount": 1}]
)
def test_a_horizon_or_discount_that_means_nothing_is_refused(given: dict) -> None:
    with pytest.raises(ValueError, match="horizon must be"):
        LifetimeValue(CONTRACT, **given).fit(*customers(100))


def test_value_of_a_buyer_is_his_purchases_month_by_month_discounted(
    purchase: PurchaseValue,
) -> None:
    x = buyers()[5:60]
    for (repeats, silent, age, spend), got in zip(x, purchase.predict(x), strict=True):
        one = [np.array([v]) for v in (repeats, (age - silent) / 7, age / 7)]
        upto = [
            purchase.purchases_.expected(*one, month * DAYS_A_MONTH / 7)[0] for month in range(37)
        ]
        discounted = sum((upto[m] - upto[m - 1]) / 1.01**m for m in range(1, 37))
        each = purchase.spend_.expected(np.array([repeats]), np.array([spend]))[0]
        assert got == pytest.approx(0.3 * discounted * each)


def test_who_has_never_bought_has_no_value_and_no_reason(purchase: PurchaseValue) -> None:
    x = np.array([[np.nan, np.nan, np.nan, np.nan]])
    assert np.isnan(purchase.predict(x)).all()
    assert purchase.reasons(x).tolist() == [[-1, -1, -1]]


def test_a_buyers_reasons_are_silence_frequency_and_spend(purchase: PurchaseValue) -> None:
    x = np.array([[6.0, 300, 320, 40], [30, 4, 390, 40], [3, 60, 320, 2000]])
    first = [purchase.reasons_[i] for i in purchase.reasons(x)[:, 0]]
    assert [(r.attribute, r.raises) for r in first] == [
        ("silent_days", False), ("repeats", True), ("mean_spend", True),
    ]  # fmt: skip
    for reason, value in zip(first, (300, 30, 2000), strict=True):
        assert reason.low <= value < reason.high


def test_the_matrix_of_purchases_counts_days_to_the_eve() -> None:
    rows = [("a", 0, 9.0), ("a", 4, 3.0), ("a", 9, 5.0), ("b", 9, 1.0), ("c", 10, 1.0)]
    book = ledger(frame(rows))
    who, x = purchase_matrix(book, ZERO + 10)
    assert who.tolist() == [0, 1]
    np.testing.assert_array_equal(x, [[2, 0, 9, 4], [0, 0, 0, np.nan]])


def test_a_hazard_of_whole_histories_serves_too() -> None:
    x, y = customers(2000)
    hazard = MonthlyHazard(CONTRACT).fit_spells(x, x[:, 0] + 1, y, x[:, 0])
    value = LifetimeValue(CONTRACT).fit_on(hazard, x)
    assert (value.predict(x) > 0).all()


def test_both_survive_being_written(contract: LifetimeValue, purchase: PurchaseValue) -> None:
    for model, x in ((contract, customers(200)[0]), (purchase, buyers(200))):
        again = skops.io.loads(skops.io.dumps(model), trusted=TRUSTED)
        np.testing.assert_array_equal(again.predict(x), model.predict(x))
        np.testing.assert_array_equal(again.reasons(x), model.reasons(x))
