"""Logistic regression under bounds: the least of the loss, and no more work than it takes."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from scoring.learning import propensity_logit as module
from scoring.learning.propensity_logit import Coded, Point, Quadratic, fitted, quadratic


def made(rows: int = 3000, columns: int = 4, seed: int = 2) -> tuple[Coded, np.ndarray]:
    """Coded rows, and the same as numbers; the third column runs against its WOE."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, size=(columns, rows)).astype(np.uint8)
    tables = rng.normal(size=(columns, 3))
    x = np.stack([t[c] for t, c in zip(tables, codes, strict=True)])
    weights = np.tile([1.0, 0.5, -0.7, 0.0], columns // 4)
    y = rng.random(rows) < 1 / (1 + np.exp(1 - weights @ x))
    return Coded(codes, tables, y), x


def test_no_weight_runs_against_its_bins_and_none_is_better() -> None:
    """Newton's steps under bounds, against a general minimiser."""
    data, x = made()

    def loss(t: np.ndarray) -> float:
        eta = t[0] + t[1:] @ x
        return float(np.logaddexp(0, eta).sum() - eta[data.y].sum() + 5 * t[1:] @ t[1:])

    bounds: Any = [(None, None), *[(0, None)] * 4]
    direct = minimize(loss, np.zeros(5), bounds=bounds, method="L-BFGS-B", tol=1e-13)
    point = fitted(data, 10.0)
    assert quadratic(data, point).loss + 5 * point.weights @ point.weights <= direct.fun + 1e-6
    np.testing.assert_allclose(np.r_[point.intercept, point.weights], direct.x, atol=2e-3)
    assert point.weights[2] == 0


@pytest.mark.parametrize("seed", range(5))
def test_curvature_that_is_kept_leads_to_the_same_minimum(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also from a start so far off that the curvature there misleads."""
    data, _ = made(seed=seed, columns=8)
    far = Point(6.0, np.full(8, 3.0))
    kept = [fitted(data, 1.0), fitted(data, 1.0, far)]
    monkeypatch.setattr(module, "SLOW", 0.0)
    renewed = fitted(data, 1.0)
    for point in kept:
        np.testing.assert_allclose(point.intercept, renewed.intercept, atol=1e-3)
        np.testing.assert_allclose(point.weights, renewed.weights, atol=1e-3)


@pytest.mark.parametrize("seed", range(20))
def test_the_least_under_bounds_is_found_wherever_it_is_looked_for_first(seed: int) -> None:
    """``square``: 6 × 6, positive definite; the place looked at first may be the right one or not.

    Against the conditions that only the least fulfils (Karush, Kuhn and Tucker).
    """
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(9, 6))
    square, towards = root.T @ root, rng.normal(size=6) * 4
    first = Point(0.0, np.where(rng.random(6) < 0.6, rng.random(6), 0.0))
    found = [module._least(square, towards, first)]
    found.append(module._least(square, towards, Point(0.0, found[0])))
    for weights in found:
        rest = square @ weights - towards
        assert (weights >= 0).all()
        assert (rest > -1e-9).all()
        np.testing.assert_allclose(rest * weights, 0, atol=1e-9)


def test_near_the_minimum_no_curvature_is_summed_up_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    data, _ = made(columns=8)
    start = fitted(data.head(1500), 1.0)
    asked: list[bool] = []
    plain = quadratic

    def counted(*args: Any, curved: bool = True) -> Quadratic:
        asked.append(curved)
        return plain(*args, curved=curved)

    monkeypatch.setattr(module, "quadratic", counted)
    fitted(data, 1.0, start)
    assert sum(asked) == 1
    assert len(asked) > 2


def test_rows_left_out_take_no_part() -> None:
    data, _ = made()
    kept = np.r_[0:1000, 2000:3000]
    alone = Coded(data.codes[:, kept], data.tables, data.y[kept])
    without = fitted(data, 3.0, without=slice(1000, 2000))
    np.testing.assert_allclose(without.weights, fitted(alone, 3.0).weights, atol=1e-6)
