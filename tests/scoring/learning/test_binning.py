"""WOE bins: the best ones there are, monotone or with one turn, finite, safe for what is unseen."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from scoring.learning.binning import Binner, number_codes, quantile_edges
from scoring.learning.binning_merge import Outcomes, merged
from scoring.learning.features import Feature

NUMBER = (Feature("spent"),)


def one_way(steps: np.ndarray) -> bool:
    return bool((steps > 0).all() or (steps < 0).all())


def one_turn(steps: np.ndarray) -> bool:
    return any(one_way(np.r_[steps[:at], -steps[at:]]) for at in range(1, len(steps)))


def slow(events, others, overall, least, max_bins, price, turn):  # type: ignore[no-untyped-def]
    """The net value of the best partition, every one of them tried."""
    best, width = -np.inf, len(events)
    for count in range(max_bins):
        for cuts in combinations(range(1, width), count):
            ends = [0, *cuts, width]
            e = np.array([events[a:b].sum() for a, b in pairwise(ends)])
            n = np.array([others[a:b].sum() for a, b in pairwise(ends)])
            steps = np.diff(overall.woe(e, n))
            if count and (e + n < least).any():
                continue
            net = overall.value(e, n).sum() - price * count
            if one_way(steps):
                best = max(best, net)
            elif turn is not None and one_turn(steps):
                best = max(best, net - turn)
    return best


counts = st.lists(st.integers(0, 60), min_size=7, max_size=7)


@settings(max_examples=150, deadline=None)
@given(
    counts,
    counts,
    st.sampled_from([1.0, 20.0, 60.0]),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.01, 0.1]),
    st.sampled_from([None, 0.0, 0.05]),
)
def test_no_partition_is_better(events, others, least, max_bins, price, turn) -> None:  # type: ignore[no-untyped-def]
    e, n = np.array(events, float), np.array(others, float)
    overall = Outcomes(int(e.sum()) + 5, int(n.sum()) + 9, smoothing=10.0)
    # A neighbour that is shorter must change nothing.
    pair = np.stack([e, np.r_[e[:4], 0, 0, 0]]), np.stack([n, np.r_[n[:4], 0, 0, 0]])
    for column, cuts in enumerate(merged(*pair, overall, least, max_bins, price, turn)):
        size = 7 if column == 0 else 4
        ends = [0, *cuts, size]
        be = np.array([pair[0][column, a:b].sum() for a, b in pairwise(ends)])
        bn = np.array([pair[1][column, a:b].sum() for a, b in pairwise(ends)])
        steps = np.diff(overall.woe(be, bn))
        assert len(be) <= max_bins
        assert len(cuts) == 0 or (be + bn >= least).all()
        assert one_way(steps) or (turn is not None and one_turn(steps))
        net = overall.value(be, bn).sum() - price * len(cuts)
        net -= 0 if one_way(steps) else turn
        args = (overall, least, max_bins, price, turn)
        assert net == pytest.approx(slow(pair[0][column, :size], pair[1][column, :size], *args))


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=60),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=9, unique=True),
)
def test_codes_are_a_binary_search_with_unknown_last(values: list, edges: list) -> None:
    column, edges = np.array(values, float), sorted(edges)
    slow = np.where(np.isnan(column), len(edges) + 1, np.searchsorted(edges, column, side="right"))
    np.testing.assert_array_equal(number_codes(column, edges), slow)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=300), st.integers(2, 12))
def test_pre_bins_never_split_a_value_and_are_no_more_than_asked(values: list, most: int) -> None:
    ordered = np.sort(np.array(values, float))
    edges = quantile_edges(ordered, most)
    assert len(edges) < most
    assert (np.diff(edges) > 0).all()
    assert set(edges) <= set(ordered[ordered > ordered[0]])
    if len(set(values)) <= most:
        assert len(edges) == len(set(values)) - 1


def test_a_value_that_most_rows_have_leaves_the_others_their_bins() -> None:
    ordered = np.sort(np.r_[np.zeros(9700), np.linspace(1, 300, 300)])
    assert len(quantile_edges(ordered, 20)) == 19


def made(rows: int = 20_000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return x, rng.random(rows) < 1 / (1 + np.exp(2 - x))


def test_woe_rises_with_the_rate_and_unknown_stands_apart() -> None:
    x, y = made()
    x[rng_rows(x, 0.1)] = np.nan
    (b,) = Binner(turn_gain=None).fit(x[:, None], y, NUMBER)
    assert 5 <= b.bins <= 10
    assert (np.diff(b.woe[: b.bins]) > 0).all()
    assert b.events[b.bins] + b.others[b.bins] == np.isnan(x).sum()
    assert abs(b.woe[b.bins]) < 0.15
    assert sum(b.events) == y.sum()
    np.testing.assert_array_equal(
        np.bincount(b.codes(x)[y], minlength=b.bins + 2), np.array(b.events)
    )


def rng_rows(x: np.ndarray, share: float) -> np.ndarray:
    return np.random.default_rng(5).random(len(x)) < share


def test_a_valley_is_followed_only_where_turns_are_allowed() -> None:
    x, _ = made()
    y = np.random.default_rng(2).random(len(x)) < 0.05 + 0.3 * (np.abs(x) > 1)
    (turning,) = Binner().fit(x[:, None], y, NUMBER)
    (straight,) = Binner(turn_gain=None).fit(x[:, None], y, NUMBER)
    assert turning.value > 2 * straight.value
    assert one_way(np.diff(straight.woe[: straight.bins]))


def test_every_bin_has_its_share_and_no_woe_is_infinite() -> None:
    x, _ = made(2000)
    y = x > 1.2  # separated
    (b,) = Binner(least_share=0.05).fit(x[:, None], y, NUMBER)
    rows = np.array(b.events) + np.array(b.others)
    assert np.isfinite(b.woe).all()
    assert (rows[: b.bins] >= 100).all()
    assert b.auc > 0.99


def test_categories_are_grouped_by_rate_and_rare_ones_stand_together() -> None:
    rng = np.random.default_rng(4)
    rates = np.array([0.3, 0.05, 0.3, 0.05, 0.1, 0.1, 0.1])
    codes = rng.choice(7, size=20_000, p=[0.3, 0.3, 0.2, 0.194, 0.002, 0.002, 0.002])
    y = rng.random(20_000) < rates[codes]
    plan = (Feature("plan", tuple("abcdefgh")),)  # h has no row
    (b,) = Binner().fit(codes[:, None].astype(float), y, plan)
    assert b.groups[0] == b.groups[2]
    assert b.groups[1] == b.groups[3] != b.groups[0]
    assert b.groups[4] == b.groups[5] == b.groups[6]


def test_what_training_has_not_seen_says_nothing() -> None:
    rng = np.random.default_rng(4)
    codes = rng.integers(0, 2, size=2000).astype(float)
    y = rng.random(2000) < 0.1 + 0.3 * codes
    (b,) = Binner().fit(codes[:, None], y, (Feature("plan", ("a", "b", "c")),))
    woe = np.array(b.woe)[b.codes(np.array([0.0, 1.0, 2.0, 3.0, np.nan]))]
    assert woe[0] < 0 < woe[1]
    np.testing.assert_array_equal(woe[2:], 0)


@pytest.mark.parametrize("turn_gain", [None, 10.0])
def test_noise_exceeds_its_percentile_as_often_as_it_should(turn_gain: float | None) -> None:
    rng = np.random.default_rng(7)
    x, y = rng.normal(size=(4000, 300)), rng.random(4000) < 0.15
    features = tuple(Feature(f"f{i}") for i in range(300))
    noise = 1 / y.sum() + 1 / (~y).sum()
    found = Binner(turn_gain=turn_gain).fit(x, y, features)
    beyond = sum(b.value > chi2.ppf(0.95, max(b.degrees, 1)) * noise for b in found)
    assert beyond <= 30  # 15 are expected


def test_noise_gets_few_bins_and_columns_are_independent_of_their_neighbours() -> None:
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(5000, 40)), rng.random(5000) < 0.2
    features = tuple(Feature(f"f{i}") for i in range(40))
    together = Binner().fit(x, y, features)
    assert max(b.value for b in together) < 0.05
    assert [Binner().fit(x[:, [i]], y, features[i : i + 1])[0] for i in range(40)] == together


@pytest.mark.parametrize(
    ("column", "constant", "empty"),
    [
        (np.full(500, 3.0), True, False),
        (np.full(500, np.nan), False, True),
        (np.where(np.arange(500) % 9, 3.0, np.nan), False, False),
        (np.where(np.arange(500) % 9, np.inf, 0), False, False),
    ],
)
def test_columns_that_hold_nothing_are_told(
    column: np.ndarray, constant: bool, empty: bool
) -> None:
    y = np.arange(500) % 3 == 0
    (b,) = Binner().fit(column[:, None], y, NUMBER)
    assert (b.constant, b.empty) == (constant, empty)
    assert np.isfinite(b.woe).all()
