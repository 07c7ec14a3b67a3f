"""The tree of an index: separates, calibrated, the same each time, and says why."""

import os
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from sklearn.metrics import roc_auc_score
from skops import io

from bench.figures import index_tree as figures
from bench.public_data import FOLDER, bigml_churn
from scoring.learning.features import Feature
from scoring.learning.index_tree import IndexTree
from scoring.learning.reasons import NONE
from scoring.learning.refusal import NotEstimable
from scoring.learning.tree_growth import (
    LEAF,
    SIGNIFICANCE,
    Tree,
    encode,
    grow,
    pruned,
    rank_codes,
    ranks_of,
    roundest,
    smoothed,
    worth,
)
from scoring.learning.tree_rules import nodes, rules

BRANDS = ("easyown", "gotone", "mzone", "none")
FEATURES = (Feature("tenure"), Feature("brand", BRANDS), Feature("complaints"), Feature("empty"))


def made(rows: int = 3000, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Customers of whom the young, those of M-Zone, complainers and the unknown leave."""
    rng = np.random.default_rng(seed)
    x = np.column_stack(
        [rng.integers(0, 120, rows), rng.integers(0, 4, rows), rng.poisson(1, rows), np.zeros(rows)]
    ).astype(np.float64)
    x[rng.random(x.shape) < 0.1] = np.nan
    odds = -2 + 1.2 * (x[:, 0] < 12) + 1.5 * (x[:, 1] == 2) + np.nan_to_num(x[:, 2], nan=2.0)
    x[:, 3] = np.nan
    return np.asfortranarray(x), rng.random(rows) < 1 / (1 + np.exp(-odds))


def unlike(rows: int = 400, seed: int = 9) -> np.ndarray:
    """Rows that training has not seen: more unknown, and codes that are new."""
    x = made(rows, seed)[0].copy()
    rng = np.random.default_rng(seed)
    x[rng.random(rows) < 0.2, 1] = len(BRANDS)
    x[rng.random(x.shape) < 0.2] = np.nan
    return np.asfortranarray(x)


@pytest.fixture(scope="module")
def model() -> IndexTree:
    return IndexTree(FEATURES).fit(*made())


def walk(model: IndexTree, row: np.ndarray) -> int:
    """Lead one customer to his leaf, the slow way."""
    tree, node = model.tree_, 0
    while tree.left[node] >= 0:
        place = int(tree.feature[node])
        value = row[place]
        if place in model.ranks_ and not np.isnan(value):
            value = model.ranks_[place][int(value)]
        left = bool(tree.null_left[node]) if np.isnan(value) else value < tree.threshold[node]
        node = int(tree.left[node] if left else tree.right[node])
    return node


def test_each_customer_comes_to_the_leaf_of_his_path(model: IndexTree) -> None:
    x = unlike()
    np.testing.assert_array_equal(model.apply(x), [walk(model, row) for row in x])
    np.testing.assert_array_equal(model.predict(x), model.score_[model.apply(x)])


def test_training_rows_are_counted_in_the_nodes_they_come_to(model: IndexTree) -> None:
    x, y = made()
    leaves = model.apply(x)
    for leaf in model.tree_.leaves:
        assert model.tree_.n[leaf] == (leaves == leaf).sum() >= 10
        assert model.tree_.positives[leaf] == y[leaves == leaf].sum()


def test_separates_and_is_calibrated_on_customers_it_has_not_seen(model: IndexTree) -> None:
    x, y = made(20_000, seed=8)
    score = model.predict(x)
    assert roc_auc_score(y, score) > 0.72
    assert figures.calibration_error(y, score / 100) < 0.03
    assert score.min() >= 0
    assert score.max() <= 100
    # Each of the tree's greater leaves holds what it says, within five standard errors.
    leaves = model.apply(x)
    for leaf in model.tree_.leaves:
        here = leaves == leaf
        if here.sum() > 500:
            share = model.score_[leaf] / 100
            error = np.sqrt(share * (1 - share) * (1 / here.sum() + 1 / model.tree_.n[leaf]))
            assert abs(y[here].mean() - share) < 5 * error


def test_the_same_rows_give_the_same_tree(model: IndexTree) -> None:
    again = IndexTree(FEATURES).fit(*made())
    np.testing.assert_array_equal(again.predict(unlike()), model.predict(unlike()))
    assert again.reasons_ == model.reasons_
    assert again.chosen_ == model.chosen_


def test_no_more_leaves_than_can_be_read() -> None:
    small = IndexTree(FEATURES, most_leaves=4).fit(*made())
    assert len(small.tree_.leaves) == small.chosen_.leaves <= 4


def test_what_says_nothing_is_dropped_and_recorded(model: IndexTree) -> None:
    assert model.dropped_ == ["empty"]
    assert set(model.drivers_) == {"tenure", "brand", "complaints"}
    assert sum(model.drivers_.values()) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(5))
def test_a_tree_no_better_than_the_average_is_refused(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2000, 2)), rng.random(2000) < 0.2
    with pytest.raises(NotEstimable) as refusal:
        IndexTree((Feature("a"), Feature("b"))).fit(x, y)
    assert refusal.value.code == "nothing_predicts"


def test_reasons_are_the_greatest_moves_on_the_path_and_true_of_the_customer(
    model: IndexTree,
) -> None:
    x = unlike()
    places = {f.attribute: place for place, f in enumerate(FEATURES)}
    parents = model.tree_.parents
    for row, leaf, told in zip(x, model.apply(x), model.reasons(x), strict=True):
        moves: dict[str, float] = {}
        node = int(leaf)
        while node:
            parent = int(parents[node])
            attribute = FEATURES[model.tree_.feature[parent]].attribute
            moves[attribute] = moves.get(attribute, 0) + model.score_[node] - model.score_[parent]
            node = parent
        unseen = "brand" if row[1] == len(BRANDS) else ""
        expected = [a for a in sorted(moves, key=lambda a: -abs(moves[a]))[:3] if a != unseen]
        reasons = [model.reasons_[r] for r in told if r != NONE]
        assert [r.attribute for r in reasons] == expected
        assert list(told[len(reasons) :]) == [NONE] * (3 - len(reasons))
        for reason in reasons:
            value = row[places[reason.attribute]]
            assert reason.raises == (moves[reason.attribute] > 0)
            assert reason.missing == np.isnan(value)
            if reason.codes:
                assert BRANDS[int(value)] in reason.codes
            elif not reason.missing:
                assert reason.low <= value < reason.high


def test_codes_that_mean_nothing_share_a_place_and_those_that_do_are_in_order() -> None:
    rng = np.random.default_rng(1)
    states = rng.integers(0, 50, 4000).astype(np.float64)
    ranks = rank_codes(states, rng.random(4000) < 0.15, 51)
    assert np.nanmax(ranks) == 0
    assert np.isnan(ranks[50:]).all()  # a code without customers, and what is unseen
    y = rng.random(4000) < np.where(states < 10, 0.9, np.where(states < 30, 0.1, 0.4))
    ranks = rank_codes(states, y, 50)
    assert ranks[10:30].max() < ranks[30:50].min()
    assert ranks[30:50].max() < ranks[:10].min()


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_roundest_number_lies_between(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    if low < high:
        assert low < roundest(low, high) <= high


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(1, 2, 2), (11, 12, 12), (1.234, 1.301, 1.3), (98, 103, 100), (-3, 4, 0), (0, 1, 1),
     (-0.26, -0.24, -0.24), (19_991, 20_007, 20_000), (0.1, 0.2, 0.2)],
)  # fmt: skip
def test_a_threshold_is_told_as_a_person_would(low: float, high: float, expected: float) -> None:
    assert roundest(low, high) == expected


def subtree(tree: Tree, kept: set[int], y: np.ndarray, leaves: np.ndarray) -> float:
    """Gini's risk of the tree of these splits, counted from the rows."""
    ends = [n for n in range(len(tree.left)) if n not in kept]
    parents = tree.parents
    ends = [n for n in ends if n == 0 or parents[n] in kept]
    rate = tree.positives[ends] / tree.n[ends]
    return float((tree.n[ends] * rate * (1 - rate)).sum())


@pytest.mark.parametrize("seed", range(8))
def test_pruning_keeps_the_best_tree_of_its_price(seed: int) -> None:
    """Breiman: for each price per leaf the sequence holds a tree that no other beats."""
    x, y = made(600, seed)
    tree = grow(encode(x, ranks_of(x, y, FEATURES)), y, 45, 0)
    assert 4 < len(tree.splits) <= 14
    order = worth(tree)
    parents = tree.parents
    assert all(node == 0 or parents[node] in order[:k] for k, node in enumerate(order))
    every = [set()]
    for node in tree.splits:  # in preorder: each set of splits with their parents
        every += [s | {int(node)} for s in every if node == 0 or int(parents[node]) in s]
    risks = {frozenset(s): subtree(tree, s, y, x) for s in every}
    nested = [frozenset(order[:k]) for k in range(len(order) + 1)]
    for price in np.geomspace(0.05, 50, 40):
        best = min(risk + price * len(s) for s, risk in risks.items())
        assert min(risks[s] + price * len(s) for s in nested) == pytest.approx(best)


@given(st.lists(st.tuples(st.integers(20, 400), st.floats(0, 1)), min_size=3, max_size=7))
def test_neighbours_are_merged_as_pearson_s_test_has_it(codes: list[tuple[int, float]]) -> None:
    n = np.array([rows for rows, _ in codes])
    positives = np.array([round(rows * share) for rows, share in codes])
    column = np.repeat(np.arange(len(n), dtype=np.float64), n)
    y = np.concatenate([np.arange(rows) < hits for rows, hits in zip(n, positives, strict=True)])
    places = rank_codes(column, y, len(n))[:-1].astype(int)
    groups = [places == place for place in range(places.max() + 1)]
    rates = [positives[g].sum() / n[g].sum() for g in groups]
    assert rates == sorted(rates)
    for one, next_ in pairwise(groups):
        table = [[positives[g].sum(), n[g].sum() - positives[g].sum()] for g in (one, next_)]
        told = chi2_contingency(table, correction=False).pvalue
        assert told <= SIGNIFICANCE / (len(groups) - 1) * (1 + 1e-9) or len(groups) == 1


def test_a_pruned_tree_leads_to_the_last_node_that_is_left() -> None:
    x, y = made(1000)
    ranks = ranks_of(x, y, FEATURES)
    tree = grow(encode(x, ranks), y, 20, 0)
    kept = worth(tree)[:5]
    small = pruned(tree, kept)
    assert len(small.leaves) == 6
    there = small.apply(x, ranks)
    for leaf in small.leaves:
        assert small.n[leaf] == (there == leaf).sum()
        assert small.positives[leaf] == y[there == leaf].sum()


@settings(max_examples=20)
@given(st.floats(0, 500))
def test_smoothing_draws_to_the_parent_and_not_at_all_at_zero(shrinkage: float) -> None:
    x, y = made(800)
    tree = grow(encode(x, ranks_of(x, y, FEATURES)), y, 30, 0)
    value, rate, parents = smoothed(tree, shrinkage), tree.positives / tree.n, tree.parents
    for leaf in tree.leaves:  # Agarwal et al.'s sum along the path
        path = [int(leaf)]
        while path[-1]:
            path.append(int(parents[path[-1]]))
        total = rate[0]
        for parent, child in zip(path[:0:-1], path[-2::-1], strict=True):
            total += (rate[child] - rate[parent]) / (1 + shrinkage / tree.n[parent])
        assert value[leaf] == pytest.approx(np.clip(total, 0, 1))
    np.testing.assert_allclose(smoothed(tree, 0.0), rate)


@pytest.mark.parametrize(
    ("positives", "code"),
    [(0, "one_class"), (3000, "one_class"), (29, "too_few_outcomes"), (2971, "too_few_outcomes")],
)
def test_too_few_of_either_outcome_is_not_estimable(positives: int, code: str) -> None:
    with pytest.raises(NotEstimable) as refusal:
        IndexTree(FEATURES).fit(made()[0], np.arange(3000) < positives)
    assert refusal.value.code == code


def test_features_of_one_value_and_no_rows_are_refused() -> None:
    x = np.full((3000, 4), np.nan)
    x[:, 0] = 5
    with pytest.raises(NotEstimable) as refusal:
        IndexTree(FEATURES).fit(x, made()[1])
    assert refusal.value.code == "no_usable_features"
    with pytest.raises(NotEstimable) as refusal:
        IndexTree(FEATURES).fit(x[:0], made()[1][:0])
    assert refusal.value.code == "no_rows"


def test_progress_counts_to_its_end_and_may_stop_the_fit() -> None:
    calls: list[tuple[int, int]] = []
    IndexTree(FEATURES, folds=2).fit(*made(500), progress=lambda *c: calls.append(c))
    assert calls == [(n, 7) for n in range(1, 8)]

    class Stopped(Exception):
        pass

    def stop(done: int, total: int) -> None:
        raise Stopped

    model = IndexTree(FEATURES)
    with pytest.raises(Stopped):
        model.fit(*made(500), progress=stop)
    assert not hasattr(model, "tree_")


def test_it_is_the_same_after_the_file(model: IndexTree) -> None:
    data = io.dumps(model)
    again = io.loads(data, trusted=io.get_untrusted_types(data=data))
    np.testing.assert_array_equal(again.predict(unlike()), model.predict(unlike()))
    np.testing.assert_array_equal(again.reasons(unlike()), model.reasons(unlike()))
    assert again.reasons_ == model.reasons_
    assert io.get_untrusted_types(data=data) == [
        "scoring.learning.features.Feature",
        "scoring.learning.index_tree.Chosen",
        "scoring.learning.index_tree.IndexTree",
        "scoring.learning.reasons.Reason",
        "scoring.learning.tree_growth.Tree",
    ]


@pytest.mark.parametrize("extreme", [1e300, -1e300, np.inf, 1e-300])
def test_extreme_figures_do_no_harm(extreme: float) -> None:
    x, y = made(1000)
    x[::50, 0] = extreme
    score = IndexTree(FEATURES, folds=2).fit(x, y).predict(x)
    assert np.isfinite(score).all()


def test_the_churn_tree_of_the_public_set_reaches_its_bar() -> None:
    if not (FOLDER / "bigml_churn").is_dir():
        if os.environ.get("CI"):
            raise FileNotFoundError(f"{FOLDER / 'bigml_churn'} must hold the public set")
        pytest.skip(f"no {FOLDER}")
    found = figures.auc(bigml_churn)
    assert found.figure >= 0.89


def test_a_narrowed_tree_reads_the_columns_that_it_splits_by_only() -> None:
    """The idle stand between those used, so that every place moves."""
    x, y = made()
    idle = np.random.default_rng(1).random((len(x), 2)).round(1)
    order = [3, 4, 2, 5, 1, 0]
    features = (*FEATURES, Feature("idle"), Feature("idler"))
    features = tuple(features[place] for place in order)

    def wide(rows: np.ndarray) -> np.ndarray:
        noise = np.resize(idle, (len(rows), 2))
        return np.asfortranarray(np.column_stack([rows, noise])[:, order])

    model = IndexTree(features).fit(wide(x), y)
    narrow = model.narrowed()
    kept = [place for place, f in enumerate(features) if f.attribute in model.drivers_]
    assert narrow.features == tuple(features[place] for place in kept)
    assert {f.attribute for f in narrow.features} < {f.attribute for f in features}
    new = wide(unlike())
    few = np.asfortranarray(new[:, kept])
    np.testing.assert_array_equal(narrow.predict(few), model.predict(new))
    np.testing.assert_array_equal(narrow.apply(few), model.apply(new))
    np.testing.assert_array_equal(narrow.reasons(few), model.reasons(new))
    assert narrow.candidates_ == [f.attribute for f in features]
    assert nodes(narrow) == nodes(model)
    assert rules(narrow) == rules(model)
    # Of a leaf there is no column, and where nothing is said there is none either.
    assert (narrow.tree_.feature[narrow.tree_.leaves] == LEAF).all()
    np.testing.assert_array_equal(narrow.leaf_places_ == NONE, model.leaf_places_ == NONE)
    # What it was made from stays as it was.
    assert model.features == features
