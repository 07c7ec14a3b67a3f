"""Qini and AUUC by their definitions, with intervals that cover and a test that is not fooled."""

import json
from dataclasses import asdict
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest

from scoring.learning import qini as measured
from scoring.learning.qini import auuc, compare, compare_rankings, measure, qini, tenths
from scoring.learning.refusal import NotEstimable

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def slow(score: Floats, y: Flags, treated: Flags) -> tuple[float, float]:
    """Qini and AUUC row by row, straight from the definitions."""
    n = len(y)
    points_q, points_u = [(0.0, 0.0)], [(0.0, 0.0)]
    for s in sorted(set(score), reverse=True):
        first = [i for i in range(n) if score[i] >= s]
        t, c = [i for i in first if treated[i]], [i for i in first if not treated[i]]
        yt, yc = sum(y[i] for i in t), sum(y[i] for i in c)
        q = yt - (yc * len(t) / len(c) if c else 0)
        u = ((yt / len(t) if t else 0) - (yc / len(c) if c else 0)) * len(first)
        points_q.append((len(first) / n, q / sum(treated)))
        points_u.append((len(first) / n, u / n))

    def area(points: list[tuple[float, float]]) -> float:
        return sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(points))

    return area(points_q) - points_q[-1][1] / 2, area(points_u)


rows = st.tuples(st.integers(0, 6), st.booleans(), st.booleans())


@given(st.lists(rows, min_size=1, max_size=40).filter(lambda r: any(t for _, _, t in r)))
@settings(max_examples=150, deadline=None)
def test_agrees_with_the_definition_row_by_row(
    drawn: list[tuple[int, bool, bool]],
) -> None:
    score = np.array([s for s, _, _ in drawn], float)
    y, treated = (np.array([r[i] for r in drawn], bool) for i in (1, 2))
    expected = slow(score, y, treated)
    assert (qini(score, y, treated), auuc(score, y, treated)) == pytest.approx(expected)


def trial(n: int = 6000, seed: int = 5, share: float = 0.3) -> tuple[Floats, Flags, Flags]:
    """The score is the truth: half of the customers are moved from 10 to 20 %."""
    rng = np.random.default_rng(seed)
    moved = rng.random(n)
    treated = rng.random(n) < share
    return moved, rng.random(n) < 0.1 + 0.1 * treated * (moved > 0.5), treated


def test_a_figure_worked_by_hand() -> None:
    """Arms of unequal size: q = 1 of 2 treated after two, 1 - 1·2/4 at the end."""
    score = np.array([4, 4, 3, 2, 2, 2], float)
    y = np.array([1, 0, 0, 0, 0, 1], bool)
    treated = np.array([1, 0, 1, 0, 0, 0], bool)
    # φ: 2/6, 3/6, 1; q/T: 1/2, 1/2, 1/4
    area = 2 / 6 * 0.25 + 1 / 6 * 0.5 + 1 / 2 * 0.375
    assert qini(score, y, treated) == pytest.approx(area - 0.125)


def test_only_the_order_counts_and_turning_it_round_turns_the_sign() -> None:
    score, y, treated = trial()
    assert qini(np.exp(3 * score), y, treated) == qini(score, y, treated) > 0
    assert qini(-score, y, treated) < 0
    assert qini(np.zeros(len(y)), y, treated) == 0


def test_no_order_beats_the_best_and_random_order_is_zero() -> None:
    _, y, treated = trial(600, share=0.5)
    told = treated & y, ~treated & y
    best = measure(told[0].astype(float) - told[1], y, treated, repeats=50)
    assert best.qini_normalised.value == pytest.approx(1)
    alike = measure((treated == y) + 0.0 + 0.1 * (~treated & y), y, treated, repeats=50)
    other = measure((treated == y) + 0.0 + 0.1 * (treated & ~y), y, treated, repeats=50)
    assert max(alike.auuc_normalised.value, other.auuc_normalised.value) == pytest.approx(1)
    flat = measure(np.zeros(600), y, treated, repeats=50)
    assert flat.qini_normalised.value == pytest.approx(0)
    assert flat.auuc_normalised.value == pytest.approx(0)
    assert flat.beats_random == 1


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """True Qini: uplift .1 in the upper half gains .05·φ/.5 up to the middle: area .0125."""
    held = 0
    for seed in range(40):
        found = measure(*trial(2000, seed), repeats=200).qini
        held += found.low <= 0.0125 <= found.high
    assert held >= 35


def test_resampling_rows_one_by_one_gives_the_same_interval() -> None:
    score, y, treated = trial(1500)
    fast = measure(score, y, treated, repeats=2000).qini
    rng = np.random.default_rng(1)
    arms = [np.flatnonzero(treated), np.flatnonzero(~treated)]
    drawn = [np.concatenate([rng.choice(a, len(a)) for a in arms]) for _ in range(1000)]
    slowly = np.percentile([qini(score[d], y[d], treated[d]) for d in drawn], [2.5, 97.5])
    assert (fast.low, fast.high) == pytest.approx(tuple(slowly), abs=0.0015)


def test_the_permutation_test_finds_an_order_and_is_not_fooled_by_a_forecast() -> None:
    score, y, treated = trial()
    assert measure(score, y, treated, repeats=400).beats_random < 0.01
    rng = np.random.default_rng(2)
    small = 0
    for _ in range(40):
        risk = rng.random(2000)  # foretells the outcome, but a contact moves all alike
        arm = rng.random(2000) < 0.5
        outcome = rng.random(2000) < 0.3 * risk + 0.05 * arm
        small += measure(risk, outcome, arm, repeats=100).beats_random < 0.05
    assert small <= 6


def test_tied_customers_stay_together_whatever_their_order() -> None:
    _, y, treated = trial(4000)
    ordered = np.argsort(~treated, kind="stable")
    found = tenths(np.zeros(4000), y[ordered], treated[ordered])
    assert [(t.number, t.compared.treated.n) for t in found] == [(6, int(treated.sum()))]


def test_tenths_hold_everybody_and_show_where_a_contact_works() -> None:
    score, y, treated = trial(20_000)
    found = tenths(score, y, treated)
    assert [t.number for t in found] == list(range(1, 11))
    assert sum(t.compared.treated.n + t.compared.control.n for t in found) == 20_000
    assert {t.compared.treated.n + t.compared.control.n for t in found} == {2000}
    upper = [t.compared.uplift for t in found[:5]]
    lower = [t.compared.uplift for t in found[5:]]
    assert all(u is not None and u.low <= 0.1 <= u.high for u in upper)
    assert sum(u is not None and u.low <= 0.0 <= u.high for u in lower) >= 4


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 50), st.integers(1, 50))
def test_intervals_of_rates_are_wilsons_and_hold_their_rate(a: int, b: int, c: int, d: int) -> None:
    found = compare(a, b, c, d)
    expected = binomtest(a, a + b).proportion_ci(0.95, "wilson")
    rate = found.treated.rate
    assert rate is not None
    assert (rate.low, rate.high) == pytest.approx((expected.low, expected.high))
    assert found.uplift is not None
    assert found.uplift.low <= found.uplift.value <= found.uplift.high


def test_an_empty_arm_has_no_rate_and_no_uplift() -> None:
    found = compare(3, 4, 0, 0)
    assert found.control.rate is None
    assert found.uplift is None


def test_the_curve_begins_at_nothing_and_ends_with_all() -> None:
    score, y, treated = trial()
    found = measure(score, y, treated, repeats=50)
    assert found.curve[0] == measured.Point(0, 0, 0, 0)
    assert len(found.curve) <= 101
    last = found.curve[-1]
    whole = found.overall.uplift
    assert whole is not None
    assert (last.share, last.gain, last.uplift) == pytest.approx((1, whole.value, whole.value))
    assert last.random == last.gain
    json.dumps(asdict(found), allow_nan=False)


def test_the_same_seed_gives_the_same_figures() -> None:
    assert measure(*trial(1000), repeats=100) == measure(*trial(1000), repeats=100)


def test_what_cannot_be_measured_is_refused() -> None:
    score, y, treated = trial(1000)
    with pytest.raises(NotEstimable, match="no_control"):
        measure(score, y, np.ones(1000, bool))
    with pytest.raises(NotEstimable, match="no_control"):
        measure(score, y, np.arange(1000) < 99)
    with pytest.raises(NotEstimable, match="too_few_outcomes"):
        measure(score, np.arange(1000) < 29, treated)
    with pytest.raises(NotEstimable, match="no_rows"):
        measure(score[:0], y[:0], treated[:0])
    with pytest.raises(ValueError, match="NaN"):
        measure(np.where(score > 0.9, np.nan, score), y, treated)


# --- two rankings of the same rows ---


def rivals(
    n: int = 12_000, noise: float = 0.6, seed: int = 3
) -> tuple[Flags, Flags, Floats, Floats]:
    """One knows who is moved, the other only roughly."""
    moved, y, treated = trial(n=n, seed=seed)
    rough = moved + noise * np.random.default_rng(seed + 1).normal(size=n)
    return y, treated, rough, moved


def test_the_better_ranking_is_told_with_the_difference_of_both() -> None:
    y, treated, rough, moved = rivals()
    told = compare_rankings(y, treated, rough, moved)
    assert told.champion == pytest.approx(qini(rough, y, treated))
    assert told.challenger == pytest.approx(qini(moved, y, treated))
    assert told.difference.value == pytest.approx(told.challenger - told.champion)
    assert told.verdict == "better"
    back = compare_rankings(y, treated, moved, rough)
    assert back.verdict == "worse"
    assert (told.n, told.treated) == (len(y), treated.sum())


def test_of_one_ranking_and_itself_no_difference_is_shown() -> None:
    y, treated, _rough, moved = rivals()
    told = compare_rankings(y, treated, moved, moved * 2)
    assert (told.difference.low, told.difference.high) == (0, 0)
    assert told.verdict == "no difference shown"


def test_the_pair_is_told_apart_better_than_two_rankings_of_other_rows() -> None:
    """Rows drawn together: what both have in common cancels out. Against drawing row by row."""
    y, treated, rough, moved = rivals(n=3000, noise=0.05)
    told = compare_rankings(y, treated, rough, moved)
    rng, drawn = np.random.default_rng(9), []
    for _ in range(200):
        rows = np.concatenate(
            [rng.choice(np.flatnonzero(arm), arm.sum()) for arm in (treated, ~treated)]
        )
        one, two = (qini(s[rows], y[rows], treated[rows]) for s in (rough, moved))
        drawn.append(two - one)
    low, high = np.percentile(drawn, [2.5, 97.5])
    assert told.difference.high - told.difference.low == pytest.approx(high - low, rel=0.35)
    alone = measure(moved, y, treated).qini
    assert told.difference.high - told.difference.low < 0.5 * (alone.high - alone.low)
