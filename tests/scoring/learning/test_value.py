"""The value index: what each scale does, what is missing, tiers of equals, and why."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata
from skops import io

from scoring.learning.features import Feature
from scoring.learning.reasons import NONE
from scoring.learning.refusal import NotEstimable
from scoring.learning.value import Indicator, ValueIndex

FEATURES = (Feature("arpu"), Feature("tenure"), Feature("complaints"))
INDICATORS = (
    Indicator("complaints", 0.2, "rank", better="less"),
    Indicator("arpu", 0.5, "log", 10, 1000),
    Indicator("tenure", 0.3, "linear", 0, 120),
)

LINEAR = partial(Indicator, scaling="linear", low=0, high=1)


def customers(rows: int = 2000, seed: int = 4) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = np.column_stack(
        [np.exp(rng.normal(4, 1, rows)), rng.integers(0, 200, rows), rng.poisson(1, rows)]
    ).astype(np.float64)
    x[rng.random(x.shape) < 0.1] = np.nan
    return x


def one(indicator: Indicator, values: list[float]) -> ValueIndex:
    x = np.array(values, dtype=np.float64)[:, None]
    return ValueIndex((Feature(indicator.attribute),), indicators=(indicator,)).fit(x)


def by_hand(row: np.ndarray, known_complaints: np.ndarray) -> float:
    """The index of one customer, in words of the definition."""
    parts = []
    if not np.isnan(row[0]):
        share = (np.log10(max(row[0], 10)) - 1) / 2
        parts.append((0.5, min(1.0, share)))
    if not np.isnan(row[1]):
        parts.append((0.3, min(1.0, row[1] / 120)))
    if not np.isnan(row[2]):
        less = (known_complaints < row[2]).mean() + 0.5 * (known_complaints == row[2]).mean()
        parts.append((0.2, 1 - less))
    weight = sum(w for w, _ in parts)
    return 100 * sum(w * u for w, u in parts) / weight if weight >= 0.5 else np.nan


@given(st.integers(0, 10_000))
def test_the_index_is_what_the_definition_says_of_each_customer(seed: int) -> None:
    x = customers(60, seed)
    index = ValueIndex(FEATURES, indicators=INDICATORS).fit(x).predict(x)
    complaints = x[~np.isnan(x[:, 2]), 2]
    np.testing.assert_allclose(index, [by_hand(row, complaints) for row in x], atol=1e-9)


def test_below_half_of_the_weight_there_is_no_index() -> None:
    index = ValueIndex(FEATURES, indicators=INDICATORS).fit(customers())
    nan = np.nan
    x = np.array([[100, nan, nan], [nan, 60, 0.0], [nan, 60, nan], [nan, nan, nan]])
    score = index.predict(x)
    np.testing.assert_array_equal(np.isnan(score), [False, False, True, True])
    assert score[0] == pytest.approx(50)
    np.testing.assert_array_equal(index.tier(score)[2:], [-1, -1])
    assert (index.reasons(x)[3] == NONE).all()


@pytest.mark.parametrize("scaling", ["linear", "log", "rank", "normal"])
@given(arrays(np.float64, 40, elements=st.floats(1, 1e6)))
def test_more_is_never_worth_less_and_turned_round_never_more(scaling, values) -> None:
    ends = {"low": 10, "high": 1e5} if scaling in ("linear", "log") else {}
    x = values[:, None]
    values[:2] = 20, 5e4  # one within either half of the scale at least
    more = one(Indicator("a", 1, scaling, **ends), list(values)).predict(x)
    less = one(Indicator("a", 1, scaling, **ends, better="less"), list(values)).predict(x)
    order = np.argsort(values)
    assert (np.diff(more[order]) >= -1e-9).all()
    np.testing.assert_allclose(more + less, 100)
    assert more.min() >= 0
    assert more.max() <= 100


def test_ranks_are_mid_ranks_also_of_more_values_than_knots() -> None:
    few = np.array([1.0, 1, 2, 2, 2, 9])
    np.testing.assert_allclose(
        one(Indicator("a", 1, "rank"), list(few)).predict(few[:, None]),
        100 * (rankdata(few) - 0.5) / 6,
    )
    many = np.random.default_rng(1).normal(size=20_000)
    index = one(Indicator("a", 1, "rank"), list(many))
    assert len(index.scales_[0]) <= 1001
    expected = 100 * (rankdata(many) - 0.5) / len(many)
    np.testing.assert_allclose(index.predict(many[:, None]), expected, atol=0.1)


def test_tiers_hold_their_shares_and_equals_stay_together_upward() -> None:
    scale = Indicator("a", 1, "linear", 0, 100)
    index = one(scale, [float(n) for n in range(1, 101)])
    assert [(t.code, t.n) for t in index.tiers_] == [
        ("high", 10),
        ("mid_high", 20),
        ("middle", 60),
        ("low", 10),
    ]
    assert index.tiers_[0].cut == pytest.approx(91)
    assert index.tiers_[-1].cut is None
    tied = one(scale, [10.0] * 50 + [90.0] * 50)
    assert [t.n for t in tied.tiers_] == [50, 0, 50, 0]
    np.testing.assert_array_equal(
        tied.tier(np.array([95.0, 90, 50, 10, 9, np.nan])), [0, 0, 2, 2, 3, -1]
    )


@given(st.integers(0, 10_000))
def test_a_tier_is_the_best_whose_cut_the_index_reaches(seed: int) -> None:
    x = np.round(customers(80, seed))
    index = ValueIndex(FEATURES, indicators=INDICATORS).fit(x)
    score = index.predict(x)
    for value, tier in zip(score, index.tier(score), strict=True):
        if np.isnan(value):
            assert tier == -1
        else:
            reached = [p for p, t in enumerate(index.tiers_) if t.cut is None or value >= t.cut]
            assert tier == reached[0]
    assert sum(t.n for t in index.tiers_) == np.isfinite(score).sum()


@given(st.integers(0, 10_000))
def test_reasons_are_the_greatest_parts_and_true_of_the_customer(seed: int) -> None:
    x = customers(50, seed)
    index = ValueIndex(FEATURES, indicators=INDICATORS).fit(x)
    places = {f.attribute: p for p, f in enumerate(FEATURES)}
    units = index._units(x)
    for row, unit, told in zip(x, units, index.reasons(x), strict=True):
        reasons = [index.reasons_[r] for r in told if r != NONE]
        for reason in reasons:
            assert reason.low <= row[places[reason.attribute]] < reason.high
        parts = {
            i.attribute: i.weight * (u - mean)
            for i, u, mean in zip(INDICATORS, unit, index.means_, strict=True)
            if not np.isnan(u) and abs(u - mean) > 1e-9  # at the average: no reason
        }
        expected = sorted(parts, key=lambda a: -abs(parts[a]))
        assert [r.attribute for r in reasons] == expected
        assert [r.raises for r in reasons] == [parts[a] > 0 for a in expected]


@pytest.mark.parametrize(
    ("indicators", "code"),
    [
        ((LINEAR("arpu", 0.5), LINEAR("tenure", 0.4)), "weights_do_not_sum"),
        ((LINEAR("arpu", 1.5), LINEAR("tenure", -0.5)), "weight_not_positive"),
        ((Indicator("arpu", 1, low=5, high=5),), "empty_scale"),
        ((Indicator("arpu", 1),), "empty_scale"),
        ((Indicator("arpu", 1, "log", 0, 5),), "scale_not_positive"),
    ],
)  # fmt: skip
def test_a_definition_that_means_nothing_is_refused(indicators, code: str) -> None:
    with pytest.raises(NotEstimable) as refusal:
        ValueIndex(FEATURES, indicators=indicators).fit(customers())
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("values", "scaling", "code"),
    [
        ([], "rank", "no_rows"),
        ([np.nan] * 5, "rank", "no_usable_features"),
        ([3.0] * 5, "rank", "no_usable_features"),
        ([3.0] * 5, "normal", "no_usable_features"),
        ([3.0] * 5, "linear", "too_few_distinct"),
    ],
)
def test_customers_that_tell_nothing_are_refused(values, scaling, code: str) -> None:
    ends = {"low": 0, "high": 10} if scaling == "linear" else {}
    with pytest.raises(NotEstimable) as refusal:
        one(Indicator("a", 1, scaling, **ends), values)
    assert refusal.value.code == code


def test_it_is_the_same_after_the_file() -> None:
    x = customers()
    index = ValueIndex(FEATURES, indicators=INDICATORS).fit(x)
    data = io.dumps(index)
    again = io.loads(data, trusted=io.get_untrusted_types(data=data))
    np.testing.assert_array_equal(again.predict(x), index.predict(x))
    np.testing.assert_array_equal(again.reasons(x), index.reasons(x))
    assert again.reasons_ == index.reasons_
    assert io.get_untrusted_types(data=data) == [
        "scoring.learning.features.Feature",
        "scoring.learning.reasons.Reason",
        "scoring.learning.value.Indicator",
        "scoring.learning.value.Tier",
        "scoring.learning.value.ValueIndex",
    ]


def test_progress_may_stop_it() -> None:
    calls: list[tuple[int, int]] = []
    ValueIndex(FEATURES, indicators=INDICATORS).fit(
        customers(), progress=lambda done, total: calls.append((done, total))
    )
    assert calls == [(n, 4) for n in range(1, 5)]
