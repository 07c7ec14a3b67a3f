"""Effect sizes from sufficient statistics, held against scipy, simulation and published figures."""

from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from segmentation.insight.stats import (
    LEAST,
    Counts,
    Shared,
    Sums,
    category_effect,
    number_effect,
    share_effect,
    truth_effect,
    wilson,
)

NONE = Sums()
RNG = np.random.default_rng(11)


def sums(values: Any) -> Sums:
    known = pd.Series(values, dtype=float).replace([np.inf, -np.inf], np.nan).dropna()
    if known.empty:
        return Sums()
    return Sums(len(known), float(known.mean()), float(((known - known.mean()) ** 2).sum()))


def counts(values: Any) -> Counts:
    return Counts(pd.Series(values).value_counts().to_dict())


# --- numbers ---

finite = st.floats(-1e6, 1e6)


@given(st.lists(finite, max_size=30), st.lists(finite, max_size=30))
def test_sums_add_up(one: list[float], other: list[float]) -> None:
    together, whole = sums(one) + sums(other), sums([*one, *other])
    assert together.known == whole.known
    assert together.mean == pytest.approx(whole.mean, abs=1e-6)
    assert together.m2 == pytest.approx(whole.m2, rel=1e-9, abs=1e-3)


def test_great_numbers_that_differ_little_keep_their_variance() -> None:
    values = 1e9 + RNG.normal(0, 1, 2000)
    together = sums(values[:700]) + sums(values[700:])
    assert together.deviation == pytest.approx(values.std(ddof=1), rel=1e-6)


def test_hedges_g_is_scipys_d_with_the_correction() -> None:
    a, b = RNG.gamma(2, 10, 80), RNG.gamma(2, 14, 200)
    effect = number_effect(sums(a), NONE, sums(b))
    t = scipy_stats.ttest_ind(a, b).statistic  # of equal variances: d / √e
    d = t * sqrt(1 / 80 + 1 / 200)
    assert effect.g == pytest.approx(d * (1 - 3 / (4 * 278 - 1)))
    assert effect.strength == pytest.approx(effect.g / sqrt(effect.g**2 + 4))


def test_the_worked_example_of_borenstein_and_others() -> None:
    """2009, tables 4.1 and following: means 103 and 100, deviations 5.5 and 4.5, 50 in each."""
    a, b = Sums(50, 103.0, 5.5**2 * 49), Sums(50, 100.0, 4.5**2 * 49)
    effect = number_effect(a, NONE, b)
    assert effect.g == pytest.approx(0.5924, abs=5e-5)
    assert effect.interval is not None
    width = effect.interval.high - effect.interval.low
    assert (width / 2 / 1.959964) ** 2 == pytest.approx(0.0411, abs=5e-5)


@pytest.mark.parametrize(("n_a", "n_both", "n_b"), [(100, 0, 300), (0, 100, 300), (60, 90, 200)])
def test_intervals_hold_the_truth_as_often_as_they_say(n_a: int, n_both: int, n_b: int) -> None:
    """Groups apart, one inside the other, overlapping: nothing differs, 95 % of 1,500 hold 0."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(1500):
        regions = (sums(rng.normal(0, 1, n)) for n in (n_a, n_both, n_b))
        interval = number_effect(*regions).interval
        assert interval is not None
        held += interval.low <= 0 <= interval.high
    assert 0.935 < held / 1500 < 0.965


def test_a_group_against_the_province_is_the_rests_share_of_it_against_the_rest() -> None:
    a, rest = RNG.normal(10, 3, 120), RNG.normal(11, 3, 480)
    apart = number_effect(sums(a), NONE, sums(rest))
    inside = number_effect(NONE, sums(a), sums(rest))
    assert apart.g is not None
    assert inside.g == pytest.approx(apart.g * 480 / 600, rel=0.05)


# --- what can't be estimated ---


@pytest.mark.parametrize("n", [0, 1, LEAST - 1])
def test_few_customers_of_known_value_are_no_estimate(n: int) -> None:
    many, few = RNG.normal(0, 1, 500), RNG.normal(0, 1, n)
    for effect in (
        number_effect(sums(few), NONE, sums(many)),
        number_effect(sums(many), NONE, sums(few)),
        number_effect(NONE, sums(many), sums([*few[1:], 1.0])),
    ):
        assert (effect.reason, effect.g, effect.interval) == ("few_customers", None, None)


def test_unknown_values_do_not_count_as_customers() -> None:
    values = np.full(1000, np.nan)
    values[: LEAST - 1] = 3.0
    values[500:600] = np.inf
    assert number_effect(sums(values), NONE, sums(RNG.normal(0, 1, 99))).reason == "few_customers"


@pytest.mark.parametrize("other", [7.1, 8.0])
def test_constants_have_no_effect_size(other: float) -> None:
    a, b = sums(np.full(100, 7.1)), sums(np.full(100, other))
    assert number_effect(a, NONE, b).reason == "no_variance"


def test_a_constant_against_a_spread_has_one() -> None:
    assert number_effect(sums(np.full(100, 7.0)), NONE, sums(RNG.normal(7, 1, 100))).reason is None


def test_the_same_customers_are_not_compared() -> None:
    everybody = sums(RNG.normal(0, 1, 500))
    assert number_effect(NONE, everybody, NONE).reason == "same_customers"


def test_one_value_of_all_has_no_effect() -> None:
    same = counts(["x"] * 100)
    assert category_effect(same, Counts({}), same, ["x", "y"]).reason == "no_variance"


# --- shares ---


@given(st.integers(1, 400), st.data())
def test_wilson_is_scipys(n: int, data: Any) -> None:
    hits = data.draw(st.integers(0, n))
    wanted = scipy_stats.binomtest(hits, n).proportion_ci(0.95, "wilson")
    found = wilson(hits, n)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_newcombes_own_example() -> None:
    """1998, table II, case a: 56/70 and 48/80 differ by 0.2, method 10 gives 0.0524 to 0.3339."""
    effect = share_effect("x", Shared(56, 48, 0), Shared(70, 80, 0))
    assert effect.interval is not None
    assert effect.interval.low == pytest.approx(0.0524, abs=5e-5)
    assert effect.interval.high == pytest.approx(0.3339, abs=5e-5)


def test_the_lifts_interval_is_scipys_relative_risk() -> None:
    effect = share_effect("x", Shared(30, 90, 0), Shared(100, 900, 0))
    wanted = scipy_stats.contingency.relative_risk(30, 100, 90, 900)
    assert effect.lift == pytest.approx(wanted.relative_risk)
    assert effect.lift_interval is not None
    interval = wanted.confidence_interval(0.95)
    assert (effect.lift_interval.low, effect.lift_interval.high) == pytest.approx(
        (interval.low, interval.high)
    )


def test_a_lift_on_nobody_is_not_infinite() -> None:
    effect = share_effect("x", Shared(5, 0, 0), Shared(100, 900, 0))
    assert (effect.lift, effect.lift_reason) == (None, "zero_reference")
    assert effect.difference == pytest.approx(0.05)
    none = share_effect("x", Shared(0, 50, 0), Shared(100, 900, 0))
    assert (none.lift, none.lift_interval) == (0.0, None)


@pytest.mark.parametrize(("n_a", "n_both", "n_b"), [(150, 0, 400), (0, 150, 400), (90, 80, 90)])
def test_intervals_of_shares_hold_the_truth_too(n_a: int, n_both: int, n_b: int) -> None:
    rng, held, lifts = np.random.default_rng(6), 0, 0
    for _ in range(1500):
        a, both, b = (int(rng.binomial(n, 0.3)) for n in (n_a, n_both, n_b))
        hits, known = Shared(a + both, both + b, both), Shared(n_a + n_both, n_both + n_b, n_both)
        effect = share_effect("x", hits, known)
        assert effect.interval is not None
        assert effect.lift_interval is not None
        held += effect.interval.low <= 0 <= effect.interval.high
        lifts += effect.lift_interval.low <= 1 <= effect.lift_interval.high
    assert 0.93 < held / 1500 < 0.97
    assert 0.93 < lifts / 1500 < 0.97


# --- categories and truths ---

VALUES = ["gotone", "mzone", "easyown"]


def test_cramers_v_is_scipys() -> None:
    a, b = counts(RNG.choice(VALUES, 200, p=[0.5, 0.3, 0.2])), counts(RNG.choice(VALUES, 700))
    effect = category_effect(a, Counts({}), b, VALUES)
    table = np.array([[a.of(v), b.of(v)] for v in VALUES])
    wanted = scipy_stats.contingency.association(table, method="cramer")
    assert effect.v == pytest.approx(wanted)


def test_phi_has_the_sign_of_the_surplus() -> None:
    more, less = Counts({"true": 80, "false": 120}), Counts({"true": 90, "false": 410})
    up, down = truth_effect(more, Counts({}), less), truth_effect(less, Counts({}), more)
    assert up.v is not None
    assert up.v > 0
    assert down.v == -up.v
    table = np.array([[80, 90], [120, 410]])
    assert up.v == pytest.approx(scipy_stats.contingency.association(table, method="cramer"))
    assert (up.strength or 0) > 0 > (down.strength or 0)


def test_the_strength_of_a_truth_is_that_of_its_zeros_and_ones() -> None:
    """Numbers and categories stand on one scale: a 0/1 number ranks where the truth does."""
    a, b = (RNG.random(4000) < 0.5).astype(float), (RNG.random(9000) < 0.3).astype(float)
    number = number_effect(sums(a), NONE, sums(b))
    truth = truth_effect(
        Counts({"true": int(a.sum()), "false": int(4000 - a.sum())}),
        Counts({}),
        Counts({"true": int(b.sum()), "false": int(9000 - b.sum())}),
    )
    assert truth.strength == pytest.approx(number.strength, abs=0.01)


def test_many_values_are_not_strong_by_chance_alone() -> None:
    rng, plain, free = np.random.default_rng(8), [], []
    values = [str(n) for n in range(20)]
    for _ in range(300):
        a, b = counts(rng.choice(values, 100)), counts(rng.choice(values, 300))
        effect = category_effect(a, Counts({}), b, values)
        plain.append(effect.v or 0.0)
        free.append(effect.strength or 0.0)
    assert np.mean(plain) > 0.2
    assert np.mean(free) < 0.08


def test_a_small_group_is_as_strong_as_a_large_one() -> None:
    b = Counts({"true": 30_000, "false": 70_000})
    small = truth_effect(Counts({"true": 60, "false": 40}), Counts({}), b)
    large = truth_effect(Counts({"true": 60_000, "false": 40_000}), Counts({}), b)
    assert small.v is not None
    assert large.v is not None
    assert small.v < large.v / 5
    assert small.strength == pytest.approx(large.strength, abs=0.01)
