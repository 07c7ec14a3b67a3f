"""Every figure has an interval that holds what it promises, or says why it has none."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from common.rates import wilson
from scoring.learning.estimates import Estimate, auc, delong, difference, share


def slowly(y: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong's components pair by pair, as their paper defines them."""
    parts = []
    for score in scores:
        beats = (score[y][:, None] > score[~y]) + 0.5 * (score[y][:, None] == score[~y])
        parts.append((beats.mean(axis=1), beats.mean(axis=0)))
    of_positives, of_negatives = (np.array(p) for p in zip(*parts, strict=True))
    areas = of_positives.mean(axis=1)
    spread = np.cov(of_positives) / y.sum() + np.cov(of_negatives) / (~y).sum()
    return areas, np.atleast_2d(spread)


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 6)), min_size=6, max_size=60
    )
)
def test_delong_is_the_sum_over_all_pairs(rows: list[tuple[bool, int, int]]) -> None:
    # Two rows of either outcome at least: one has no variance.
    rows = [(True, 1, 2), (True, 3, 1), (False, 0, 0), (False, 2, 5), *rows]
    y = np.array([r[0] for r in rows])
    scores = np.array([[r[1] for r in rows], [r[2] for r in rows]], dtype=float)
    areas, covariance = delong(y, scores)
    wanted_areas, wanted_covariance = slowly(y, scores)
    np.testing.assert_allclose(areas, wanted_areas, atol=1e-12)
    np.testing.assert_allclose(covariance, wanted_covariance, atol=1e-12)


def test_the_interval_holds_the_true_area_nineteen_times_of_twenty() -> None:
    rng = np.random.default_rng(0)
    y = np.arange(400) < 60
    held = 0
    for _ in range(400):
        found = auc(y, rng.normal(size=400) + y)
        assert found.low is not None
        assert found.high is not None
        held += found.low < 0.76025 < found.high  # Φ(1/√2)
    assert 0.92 <= held / 400 <= 0.98


def test_whole_separation_is_not_certainty() -> None:
    y = np.arange(1000) < 40
    found = auc(y, y.astype(float))
    assert found.value == 1
    assert found.high == 1
    assert found.low == pytest.approx(binomtest(40, 40).proportion_ci(0.95, "wilson").low)
    assert auc(y, -y.astype(float)).low == 0


@pytest.mark.parametrize(
    ("positives", "code"), [(0, "one_class"), (29, "too_few_outcomes"), (1000, "one_class")]
)
def test_too_few_of_either_outcome_have_no_area(positives: int, code: str) -> None:
    found = auc(np.arange(1000) < positives, np.arange(1000.0))
    assert (found.value, found.low, found.not_estimable) == (None, None, code)


def test_a_score_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN"):
        auc(np.arange(100) < 40, np.full(100, np.nan))


@given(st.integers(1, 10**7), st.data())
def test_wilson_is_scipys(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    wanted = binomtest(hits, n).proportion_ci(0.95, "wilson")
    np.testing.assert_allclose(np.array(wilson(hits, n)), np.array(wanted), atol=1e-9)


def test_a_share_of_nobody_is_unknown() -> None:
    assert share(0, 0) == Estimate(None, None, None, 0, "no_rows")
    assert np.isnan(wilson([0.0, 1.0], [0.0, 2.0])[0]).tolist() == [True, False]


def test_a_difference_adds_the_squares_of_what_is_uncertain() -> None:
    found = difference(Estimate(0.8, 0.7, 0.85, 100), Estimate(0.6, 0.58, 0.63, 50))
    assert found.value == pytest.approx(0.2)
    assert found.low == pytest.approx(0.2 - sqrt(0.1**2 + 0.03**2))
    assert found.high == pytest.approx(0.2 + sqrt(0.05**2 + 0.02**2))
    unknown = Estimate(None, None, None, 3, "one_class")
    assert difference(unknown, found).not_estimable == "one_class"
    assert difference(found, unknown).value is None
