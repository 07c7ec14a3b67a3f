"""Association: counted as one would by hand, told with what it rests on, adjusted within strata."""

from dataclasses import asdict
from itertools import product
from math import comb

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact

from sample.groups import GROUP_SHARES
from sample.products import ASSOCIATIONS, PRODUCTS, hold
from scoring.learning.association import (
    Pair,
    PairCounts,
    associate,
    lifts,
    probabilities,
)
from scoring.learning.items import Item, bands_of, codes_of, flags
from scoring.learning.refusal import NotEstimable

NAMES = ["a", "b", "c"]
SERVICES = [("service", "service")]
rows_ = st.lists(
    st.tuples(*[st.sampled_from([True, False, None])] * 3, st.sampled_from(["x", "y", "z", None])),
    max_size=60,
)


def batch(rows: list[tuple]) -> pa.RecordBatch:
    columns = [pa.array([row[i] for row in rows], pa.bool_()) for i in range(3)]
    columns.append(pa.array([row[3] for row in rows], pa.string()))
    return pa.RecordBatch.from_arrays(columns, names=[*NAMES, "brand"])


def table(counts: np.ndarray) -> PairCounts:
    """Counts of a and b from a table of both, only a, only b, neither."""
    held = np.repeat([(1, 1), (1, 0), (0, 1), (0, 0)], counts, axis=0).astype(bool)
    columns = [pa.array(column) for column in held.T]
    return PairCounts(flags("service", ["a", "b"])).add(
        pa.RecordBatch.from_arrays(columns, names=["a", "b"])
    )


@settings(deadline=None)
@given(rows_, st.integers(0, 60))
def test_counts_are_those_of_a_loop_and_add_up(rows: list[tuple], cut: int) -> None:
    items, strata = flags("service", NAMES), ["x", "y"]
    counts = PairCounts(items, "brand", strata).add(batch(rows[:cut])).add(batch(rows[cut:]))
    parts = [PairCounts(items, "brand", strata).add(batch(r)) for r in (rows[:cut], rows[cut:])]
    added = parts[0] + parts[1]
    assert counts.rows == added.rows == len(rows)
    for s, i, j in product(range(3), range(3), range(3)):
        mine = [r for r in rows if (strata.index(r[3]) if r[3] in strata else 2) == s]
        known = [r for r in mine if r[i] is not None and r[j] is not None]
        expected = len(known), sum(r[i] for r in known), sum(r[i] and r[j] for r in known)
        for told in (counts, added):
            assert (told.known[s, i, j], told.having[s, i, j], told.both[s, i, j]) == expected


def test_a_pair_tells_what_it_rests_on() -> None:
    pair = associate(table(np.array([60, 40, 140, 760])), SERVICES).pairs[0]
    assert (pair.first, pair.then, pair.n) == ("a", "b", 1000)
    assert (pair.first_n, pair.then_n, pair.both_n) == (100, 200, 60)
    assert (pair.support, pair.confidence, pair.lift) == (0.06, 0.6, pytest.approx(3.0))
    assert pair.confidence_low == pytest.approx(0.502, abs=1e-3)
    assert pair.confidence_high == pytest.approx(0.6906, abs=1e-3)
    assert pair.lift_low < 3.0 < pair.lift_high
    assert pair.p < 1e-20
    assert pair.q == pair.p
    assert pair.found == "together"
    assert pair.adjusted_lift == pair.adjusted_low == pair.adjusted_high


def test_seldom_together_is_found_apart() -> None:
    pair = associate(table(np.array([5, 195, 395, 405])), SERVICES).pairs[0]
    assert pair.found == "apart"
    assert pair.lift_high < 1


@settings(deadline=None)
@given(st.lists(st.integers(0, 12), min_size=4, max_size=4))
def test_few_are_tested_as_fisher_does(counts: list[int]) -> None:
    both, only_a, only_b, neither = counts
    n, a, b = sum(counts), both + only_a, both + only_b
    p = probabilities(*(np.array([v]) for v in (n, a, b, both)))[0]
    if 0 in (a, b, n - a, n - b):
        assert np.isnan(p)
    elif a * b / n < 5:
        cells = [[both, only_a], [only_b, neither]]
        sides = [fisher_exact(cells, alternative=side).pvalue for side in ("less", "greater")]
        assert p == pytest.approx(min(1, 2 * min(sides)))


def test_fishers_tail_by_hand() -> None:
    p = probabilities(np.array([20]), np.array([4]), np.array([5]), np.array([4]))[0]
    assert p == pytest.approx(2 * comb(5, 4) * comb(15, 0) / comb(20, 4))


@pytest.mark.parametrize(("share", "lift"), [(0.01, 1.0), (0.1, 3.0), (0.4, 0.5), (0.3, 3.2)])
def test_the_interval_holds_the_true_lift_19_times_of_20(share: float, lift: float) -> None:
    n, b, rng = 3000, 0.3, np.random.default_rng(5)
    cells = [share * b * lift, share * (1 - b * lift), b * (1 - share * lift)]
    drawn = rng.multinomial(n, [*cells, 1 - sum(cells)], size=2000).T
    both, a, then = drawn[0], drawn[0] + drawn[1], drawn[0] + drawn[2]
    found = lifts(np.full((1, 2000), n), a[None], then[None], both[None])
    held = ((found.low <= lift) & (lift <= found.high)).mean()
    assert 0.935 <= held <= 0.995


def test_none_together_has_a_lift_of_zero_and_an_upper_limit() -> None:
    found = lifts(*(np.array([[v]]) for v in (1000, 100, 100, 0)))
    assert (found.lift[0], found.low[0]) == (0, 0)
    assert found.high[0] == pytest.approx(3.689 / 10, abs=1e-3)  # Garwood's limit of a count of 0


def confounded(rng: np.random.Generator) -> pa.RecordBatch:
    """The young like both a and b, but nobody likes one for the other; c follows a itself."""
    young = rng.random(40_000) < 0.3
    like = np.where(young, 0.5, 0.05)
    a, b = rng.random(40_000) < like, rng.random(40_000) < like
    c = rng.random(40_000) < np.where(a, 0.4, 0.1)
    brand = np.where(young, "x", "y")
    return pa.RecordBatch.from_arrays(
        [pa.array(v) for v in (a, b, c, brand)], names=[*NAMES, "brand"]
    )


def test_the_adjusted_lift_sees_through_confounding() -> None:
    counts = PairCounts(flags("service", NAMES), "brand", ["x", "y"])
    counts.add(confounded(np.random.default_rng(2)))
    pairs = {frozenset((p.first, p.then)): p for p in associate(counts, SERVICES).pairs}
    alike, real = pairs[frozenset("ab")], pairs[frozenset("ac")]
    assert alike.lift > 2
    assert alike.adjusted_low < 1 < alike.adjusted_high
    assert real.adjusted_low > 1.3


def test_the_adjusted_lift_is_observed_over_expected_within_strata() -> None:
    """Two strata by hand: (4 + 30) / (10 · 20 / 100 + 60 · 50 / 200) = 2."""
    found = lifts(*(np.array(v)[:, None] for v in ([100, 200], [10, 60], [20, 50], [4, 30])))
    assert found.lift[0] == pytest.approx(34 / 17)


def test_the_planted_associations_are_found_with_their_lifts() -> None:
    rng = np.random.default_rng(7)
    group = rng.choice(len(GROUP_SHARES), 200_000, p=GROUP_SHARES).astype(np.int8)
    held = pa.RecordBatch.from_pydict({k: pa.array(v) for k, v in hold(rng, group).items()})
    result = associate(PairCounts(flags("service", PRODUCTS)).add(held), SERVICES)
    assert result.tested == len(PRODUCTS) * (len(PRODUCTS) - 1) / 2
    pairs = {frozenset((p.first, p.then)): p for p in result.pairs}
    for planted in ASSOCIATIONS:
        pair = pairs[frozenset((planted.first, planted.then))]
        assert pair.found == "together"
        assert pair.lift == pytest.approx(planted.lift, rel=0.1)


def test_an_item_that_is_the_stratum_has_no_adjusted_lift() -> None:
    items = [*codes_of("person", "brand", ["x"]), *flags("service", ["a"])]
    counts = PairCounts(items, "brand", ["x", "y"]).add(confounded(np.random.default_rng(2)))
    pair = associate(counts).pairs[0]
    assert pair.lift > 2
    assert pair.adjusted_lift is None


def test_pairs_are_those_of_the_sides() -> None:
    items = [
        *flags("service", NAMES),
        *codes_of("person", "brand", ["x", "y"]),
        Item("heavy", "data", "brand", ("x",)),
        *bands_of("voice", "minutes", [50]),
    ]
    rng = np.random.default_rng(1)
    made = confounded(rng).append_column("minutes", pa.array(rng.random(40_000) * 100))
    found = {(p.first, p.then) for p in associate(PairCounts(items).add(made)).pairs}
    people = {(f"brand={b}", s) for b in "xy" for s in NAMES}
    talk = {("heavy", "minutes<50"), ("heavy", "minutes>=50")}
    assert {pair for pair in found if pair in people | talk} == people | talk
    assert len(found) == len(people | talk) + 3


def test_two_bands_of_one_attribute_are_no_pair() -> None:
    items = [*codes_of("person", "brand", ["x", "y"]), *flags("person", ["a"])]
    counts = PairCounts(items).add(confounded(np.random.default_rng(1)))
    found = {frozenset((p.first, p.then)) for p in associate(counts, [("person", "person")]).pairs}
    assert found == {frozenset(("a", "brand=x")), frozenset(("a", "brand=y"))}


def test_many_pairs_of_nothing_find_nothing() -> None:
    rng = np.random.default_rng(4)
    names = [f"p{i}" for i in range(40)]
    made = pa.RecordBatch.from_arrays(
        [pa.array(rng.random(5000) < 0.2) for _ in names], names=names
    )
    result = associate(PairCounts(flags("service", names)).add(made), SERVICES)
    assert result.tested == 780
    assert sum(pair.p < 0.05 for pair in result.pairs) > 10
    assert not [pair for pair in result.pairs if pair.found]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ([0, 0, 100, 900], "too_few_rows"),
        ([10, 19, 100, 900], "too_few_rows"),
        ([100, 900, 0, 0], "too_few_distinct"),
    ],
)
def test_what_cannot_be_told_says_why(cells: list[int], code: str) -> None:
    result = associate(table(np.array(cells)), SERVICES)
    assert (result.tested, result.pairs[0].not_estimable) == (0, code)
    assert result.pairs[0].lift is result.pairs[0].p is result.pairs[0].support is None


def test_items_never_known_of_the_same_customers_have_no_rows() -> None:
    made = [(True, None, None, None), (None, True, None, None)] * 50
    pair = associate(PairCounts(flags("service", ["a", "b"])).add(batch(made)), SERVICES).pairs[0]
    assert pair.not_estimable == "no_rows"


def test_no_customers_are_refused() -> None:
    with pytest.raises(NotEstimable) as refusal:
        associate(PairCounts(flags("service", NAMES)))
    assert refusal.value.code == "no_rows"


@settings(max_examples=50, deadline=None)
@given(rows_)
def test_no_figure_is_nan(rows: list[tuple]) -> None:
    if not rows:
        return
    counts = PairCounts(flags("service", NAMES), "brand", ["x", "y"]).add(batch(rows))
    for pair in associate(counts, SERVICES, least=1).pairs:
        figures = [value for value in asdict(pair).values() if isinstance(value, float)]
        assert np.isfinite(figures).all()
        assert isinstance(pair, Pair)
        if pair.lift is not None:
            assert pair.lift_low <= pair.lift <= pair.lift_high


def test_items_named_alike_and_counts_unlike_are_refused() -> None:
    with pytest.raises(ValueError, match="unique"):
        PairCounts(flags("service", ["a", "a"]))
    with pytest.raises(ValueError, match="same items"):
        PairCounts(flags("service", ["a"])) + PairCounts(flags("service", ["b"]))
