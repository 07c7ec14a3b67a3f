"""The tree in words: each leaf's rule, read by the rule language, selects that leaf's customers."""

import json
from dataclasses import asdict
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from common.rates import wilson
from rules import Attribute, Catalogue, compile_condition
from scoring.learning import tree_rules
from scoring.learning.features import Feature
from scoring.learning.index_tree import IndexTree
from scoring.learning.refusal import NotEstimable
from scoring.learning.tree_growth import counts

PLANS = ("a", "it's", "c", "d", "never")
FEATURES = (
    Feature("joined_on"),
    Feature("brand", PLANS),
    Feature("arpu"),
    Feature("is_campus"),
)
KINDS: dict[str, tree_rules.Kind] = {"joined_on": "date", "is_campus": "boolean"}
CATALOGUE = Catalogue(
    [
        Attribute("joined_on", "date", "入网", "joined"),
        Attribute("brand", "category", "品牌", "brand", tuple((p, p, p) for p in (*PLANS, "new"))),
        Attribute("arpu", "number", "ARPU", "ARPU"),
        Attribute("is_campus", "boolean", "校园", "campus"),
    ]
)  # fmt: skip


def made(rows: int, seed: int, unknown: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.column_stack(
        [
            rng.integers(18_000, 20_000, rows),
            rng.integers(0, 4, rows),
            np.round(rng.normal(60, 40, rows), 2),
            rng.random(rows) < 0.3,
        ]
    ).astype(np.float64)
    odds = -1.5 + rng.normal(size=4) @ [
        x[:, 0] > 19_000, x[:, 1] == 2, x[:, 2] / 60, x[:, 3] * (x[:, 1] < 2)
    ]  # fmt: skip
    gone = rng.random(x.shape) < unknown
    x[gone] = np.nan
    odds += 2 * gone[:, 2] - 2 * gone[:, 1] + gone[:, 3] * gone[:, 0]
    return np.asfortranarray(x), rng.random(rows) < 1 / (1 + np.exp(-odds))


def customer(row: np.ndarray) -> dict[str, object]:
    """The customer as the rule language reads him."""
    day = None if np.isnan(row[0]) else date(1970, 1, 1) + timedelta(days=int(row[0]))
    brand = None if np.isnan(row[1]) else (*PLANS, "new")[int(row[1])]
    arpu = None if np.isnan(row[2]) else float(row[2])
    campus = None if np.isnan(row[3]) else bool(row[3])
    return {"joined_on": day, "brand": brand, "arpu": arpu, "is_campus": campus}


def _cuts(model: IndexTree) -> np.ndarray:
    """The thresholds themselves, over and over: where a slip of < and <= would show."""
    cuts = model.tree_.threshold[model.tree_.feature == 2]
    return np.resize(cuts if len(cuts) else [0.0], 22)


def _days(model: IndexTree) -> np.ndarray:
    """The first day on the later side of each cut, and the day before it."""
    cuts = np.ceil(model.tree_.threshold[model.tree_.feature == 0])
    cuts = cuts[np.isfinite(cuts)]
    return np.resize(np.concatenate([cuts, cuts - 1]) if len(cuts) else [19_000.0], 19)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.1, 0.4]))
def test_each_customer_is_selected_by_his_leaf_s_rule_and_no_other(seed: int, unknown) -> None:
    try:
        model = IndexTree(FEATURES, folds=2).fit(*made(600, seed, unknown))
    except NotEstimable:
        reject()  # by chance too few leave, or for no reason
    fresh = made(150, seed + 1, 0.3)[0]
    fresh[::5, 1] = 4 + (np.arange(30) % 2)  # in the catalogue, not in training; and a new code
    fresh[::7, 2] = _cuts(model)
    fresh[3::8, 0] = _days(model)
    fresh[::11, 2] = np.inf  # unknown to the rule language
    told = {
        rule.leaf: compile_condition(rule.rule, CATALOGUE)
        for rule in tree_rules.rules(model, KINDS)
    }
    assert set(told) == set(model.tree_.leaves.tolist())
    for row, leaf in zip(fresh, model.apply(fresh), strict=True):
        reads = customer(row)
        selecting = [
            n for n, rule in told.items() if rule.evaluate(reads, date(2026, 7, 1)) is True
        ]
        assert selecting == [leaf], reads


@pytest.fixture(scope="module")
def model() -> IndexTree:
    return IndexTree(FEATURES).fit(*made(4000, 1, 0.15))


def test_a_node_s_rule_selects_the_customers_that_come_to_it(model: IndexTree) -> None:
    x, _ = made(500, 2, 0.3)
    leaves = model.apply(x)
    n, _ = counts(model.tree_, leaves, np.zeros(len(x), bool))
    for node in range(len(n)):
        rule = compile_condition(tree_rules.text(model, node, KINDS), CATALOGUE)
        assert n[node] == sum(rule.evaluate(customer(r), date(2026, 7, 1)) is True for r in x)


def test_leaves_add_up_and_have_their_rates_with_intervals(model: IndexTree) -> None:
    rules = tree_rules.rules(model, KINDS)
    assert sum(rule.n for rule in rules) == 4000
    assert [rule.score for rule in rules] == sorted((r.score for r in rules), reverse=True)
    for rule in rules:
        assert rule.rate == rule.positives / rule.n
        low, high = wilson(rule.positives, rule.n)
        assert (rule.rate_low, rule.rate_high) == (float(low), float(high))


def test_rates_may_be_told_of_rows_that_took_no_part(model: IndexTree) -> None:
    x, y = made(50, 3, 0.1)
    found = counts(model.tree_, model.apply(x), y)
    drawn = tree_rules.nodes(model, found)
    assert (drawn[0].n, drawn[0].positives) == (50, int(y.sum()))
    empty = [node for node in drawn if not node.n]
    assert empty
    assert all(node.rate is None and node.rate_low is None for node in empty)


def test_nodes_can_be_drawn_from_json(model: IndexTree) -> None:
    drawn = tree_rules.nodes(model)
    assert json.loads(json.dumps([asdict(n) for n in drawn], allow_nan=False))
    root, rest = drawn[0], drawn[1:]
    assert (root.parent, root.depth, root.attribute) == (None, 0, None)
    by_id = {node.id: node for node in drawn}
    for node in rest:
        parent = by_id[node.parent]
        children = [n for n in rest if n.parent == parent.id]
        assert node.depth == parent.depth + 1
        assert sum(n.n for n in children) == parent.n
        assert len({n.attribute for n in children}) == 1
        assert sum(n.unknown for n in children) == 1
    assert [n.id for n in drawn if n.leaf] == model.tree_.leaves.tolist()


def test_a_drawn_node_s_limits_are_those_of_the_customers_that_come_to_it(model) -> None:
    x, _ = made(4000, 1, 0.15)
    drawn, leaves = tree_rules.nodes(model), model.apply(x)
    tree = model.tree_
    here = {int(leaf): leaves == leaf for leaf in tree.leaves}
    for node in tree.splits[::-1]:
        here[int(node)] = here[int(tree.left[node])] | here[int(tree.right[node])]
    numbers = [n for n in drawn[1:] if n.attribute in ("arpu", "joined_on") and not n.none_known]
    assert len(numbers) > 4
    for node in numbers:
        column = x[here[node.parent], [f.attribute for f in FEATURES].index(node.attribute)]
        low = -np.inf if node.low is None else node.low
        high = np.inf if node.high is None else node.high
        came = here[node.id][here[node.parent]]
        known = np.isfinite(column)
        assert (came[known] == ((column >= low) & (column < high))[known]).all()


def test_the_root_is_everybody(model: IndexTree) -> None:
    assert tree_rules.text(model, 0, KINDS) == "true"


def test_conditions_read_as_a_person_would_write_them() -> None:
    rng = np.random.default_rng(6)
    x = np.column_stack([rng.integers(0, 100, 4000), rng.integers(0, 3, 4000)]).astype(float)
    y = rng.random(4000) < np.where((x[:, 0] < 12) & (x[:, 1] == 1), 0.9, 0.1)
    features = (Feature("tenure_months"), Feature("brand", ("easyown", "gotone", "mzone")))
    first = tree_rules.rules(IndexTree(features, most_leaves=3).fit(x, y))[0]
    assert first.rule in (
        "tenure_months < 12 and brand in ('gotone')",
        "brand in ('gotone') and tenure_months < 12",
    )
