"""The movement tree: a probability that separates, honest about what can't be estimated."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from scoring.learning.movement import MovementTree, NotEstimable, quality


def made(rows: int = 4000, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    left = rng.random(rows) < 1 / (1 + np.exp(2 - 2 * x[:, 0]))
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, left


def test_separates_leavers_it_has_not_seen() -> None:
    x, y = made()
    score = MovementTree().fit(x[:3000], y[:3000]).predict(x[3000:])
    assert roc_auc_score(y[3000:], score) > 0.75
    assert score.min() >= 0
    assert score.max() <= 100


def test_the_score_is_the_share_of_leavers_in_the_leaf() -> None:
    x, y = made()
    tree = MovementTree().fit(x, y)
    leaves, score = tree.tree_.apply(x.astype(np.float32)), tree.predict(x)
    for leaf in np.unique(leaves):
        np.testing.assert_allclose(score[leaves == leaf], 100 * y[leaves == leaf].mean())


def test_no_leaf_rests_on_a_handful() -> None:
    x, y = made()
    leaves = MovementTree(max_depth=12, min_leaf=0.02).fit(x, y).tree_.apply(x.astype(np.float32))
    assert np.unique(leaves, return_counts=True)[1].min() >= 80


def test_the_same_rows_give_the_same_tree() -> None:
    x, y = made()
    np.testing.assert_array_equal(
        MovementTree().fit(x, y).predict(x), MovementTree().fit(x, y).predict(x)
    )


@pytest.mark.parametrize("positives", [0, 29, 3971, 4000])
def test_too_few_of_either_outcome_is_not_estimable(positives: int) -> None:
    x, _ = made()
    with pytest.raises(NotEstimable) as refusal:
        MovementTree().fit(x, np.arange(4000) < positives)
    assert refusal.value.code == "too_few_outcomes"
    assert refusal.value.figures == {"least": 30, "leavers": positives, "rows": 4000}


def test_quality_of_one_outcome_is_not_estimable() -> None:
    with pytest.raises(NotEstimable) as refusal:
        quality(np.zeros(10, bool), np.arange(10.0))
    assert refusal.value.code == "one_class"


def test_lift_of_a_perfect_and_of_a_constant_score() -> None:
    y = np.arange(1000) < 100
    assert quality(y, 1000.0 - np.arange(1000)).top_decile_lift == pytest.approx(10)
    assert quality(y, np.zeros(1000)).top_decile_lift == pytest.approx(1)
