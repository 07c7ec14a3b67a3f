"""A lot passes, a choice is refused: treated and control must be the same kind of people."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from scoring.learning.features import Feature
from scoring.learning.randomisation import balance, delong, examine, require_randomised
from scoring.learning.refusal import NotEstimable

FEATURES = (Feature("arpu"), Feature("tenure"), Feature("brand", ("GT", "MZ", "EO")))


def customers(n: int = 6000, seed: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    arpu = np.exp(4 + rng.normal(size=n))
    arpu[rng.random(n) < 0.05] = np.nan
    return np.column_stack([arpu, rng.integers(1, 200, n), rng.integers(3, size=n)]).astype(float)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_a_lot_passes_also_with_unequal_arms(share: float) -> None:
    x = customers()
    found = require_randomised(x, FEATURES, np.random.default_rng(1).random(6000) < share)
    assert found.randomised
    assert found.low < 0.5
    assert max(abs(b.difference) for b in found.balance) < 0.15
    json.dumps(asdict(found), allow_nan=False)


def chosen(x: np.ndarray, by: str) -> np.ndarray:
    """Who was contacted, where somebody preferred some customers: a realistic bias."""
    arpu = np.nan_to_num(np.log(x[:, 0]) - 4)
    liking = {
        "dear customers": 0.3 * arpu,
        "neither new nor old": 0.5 * (np.abs(x[:, 1] - 100) < 50),
        "a brand": 0.5 * (x[:, 2] == 1),
        "who is known": -2.0 * np.isnan(x[:, 0]),
    }[by]
    return np.random.default_rng(8).random(len(x)) < expit(liking - 0.2)


@pytest.mark.parametrize(
    ("by", "column"),
    [
        ("dear customers", "arpu"),
        ("neither new nor old", ""),
        ("a brand", "brand=MZ"),
        ("who is known", "arpu?"),
    ],
)
def test_a_choice_is_refused_and_says_by_what(by: str, column: str) -> None:
    x = customers()
    with pytest.raises(NotEstimable) as refusal:
        require_randomised(x, FEATURES, chosen(x, by))
    assert refusal.value.code == "not_randomised"
    assert float(refusal.value.figures["auc"]) > 0.52
    # A preference for the middle leaves all means alike: the trees see it, no mean does.
    assert not column or refusal.value.figures["attribute"] == column


def test_the_interval_is_as_wide_as_lots_scatter() -> None:
    """Folds that meet twice: without that the error would be told too small by a third."""
    x = customers(800)
    found = [examine(x, FEATURES, np.random.default_rng(s).random(800) < 0.5) for s in range(25)]
    spread = np.std([f.auc for f in found], ddof=1)
    told = np.mean([f.high - f.low for f in found]) / 3.92
    assert told == pytest.approx(spread, rel=0.25)
    assert np.mean([f.auc for f in found]) == pytest.approx(0.5, abs=0.015)
    assert all(f.randomised for f in found)


def test_too_small_an_arm_is_no_control() -> None:
    with pytest.raises(NotEstimable) as refusal:
        require_randomised(customers(1000), FEATURES, np.arange(1000) >= 99)
    assert refusal.value.code == "no_control"
    assert refusal.value.figures == {"treated": 901, "control": 99, "least": 100}


def test_differences_are_in_standard_deviations_of_the_known() -> None:
    x = np.array([[1.0], [3.0], [np.nan], [0.0], [2.0], [4.0]])
    found = {b.column: b for b in balance(x, (Feature("a"),), np.arange(6) < 3)}
    assert (found["a"].treated, found["a"].control) == (2, 2)
    assert found["a"].difference == 0
    spread = np.sqrt((2 / 9 + 0) / 2)
    assert found["a?"].difference == pytest.approx((1 / 3) / spread)


def test_a_constant_that_differs_between_the_arms_is_no_zero() -> None:
    found = balance(np.array([[1.0], [1.0], [0.0]]), (Feature("a"),), np.array([1, 1, 0], bool))
    assert found[0].difference == 1


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=6, max_size=40))
@settings(deadline=None)
def test_delong_agrees_with_comparing_all_pairs(drawn: list[tuple[bool, int]]) -> None:
    y, score = np.array([d[0] for d in drawn]), np.array([d[1] for d in drawn], float)
    if min(y.sum(), (~y).sum()) < 2:
        return
    auc, variance = delong(y, score)
    assert auc == pytest.approx(roc_auc_score(y, score))
    wins = (score[y][:, None] > score[~y]) + 0.5 * (score[y][:, None] == score[~y])
    v10, v01 = wins.mean(axis=1), wins.mean(axis=0)
    expected = v10.var(ddof=1) / len(v10) + v01.var(ddof=1) / len(v01)
    assert variance == pytest.approx(expected)
