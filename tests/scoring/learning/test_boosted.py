"""The trees as tables say what scikit-learn says, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from scoring.learning.boosted import Boosted
from scoring.learning.features import Feature
from scoring.learning.uplift_bases import trees

CODES = ("a", "b", "c", "d")


def rows(seed: int, n: int = 600) -> np.ndarray:
    """Two numbers, a category between them, some unknown; training never sees the last code."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.normal(size=n), rng.integers(3, size=n), rng.integers(9, size=n)])
    x[rng.random(x.shape) < 0.1] = np.nan
    return x


@pytest.mark.parametrize("categories", [None, CODES])
@given(seed=st.integers(0, 1000), classifies=st.booleans())
@settings(max_examples=15, deadline=None)
def test_it_predicts_what_the_trees_predict(
    categories: tuple[str, ...] | None, seed: int, classifies: bool
) -> None:
    features = (Feature("x"), Feature("brand", categories), Feature("count"))
    x, rng = rows(seed), np.random.default_rng(seed)
    sums = np.nansum(x * [1, 0.5, -0.2], axis=1) + rng.normal(size=len(x))
    sums += (x[:, 1] == 1) + 3 * np.isnan(x[:, 1])  # who is unknown is different
    settings_of = trees(features, seed) | {"max_iter": 20}
    if classifies:
        slow = HistGradientBoostingClassifier(**settings_of).fit(x, sums > 0)
    else:
        slow = HistGradientBoostingRegressor(**settings_of).fit(x, sums)
    other = rows(seed + 1)
    other[:60, 1] = np.repeat([3, 4, np.nan], 20)
    other[:3, 0] = [np.inf, -np.inf, np.nan]
    expected = slow.decision_function(other) if classifies else slow.predict(other)
    np.testing.assert_array_equal(Boosted(features).fit(slow).predict(other), expected)


def test_large_trees_are_refused() -> None:
    x = np.random.default_rng(0).normal(size=(2000, 2))
    slow = HistGradientBoostingRegressor(max_iter=1).fit(x, x[:, 0])
    with pytest.raises(ValueError, match="leaves"):
        Boosted((Feature("a"), Feature("b"))).fit(slow)
