"""What drives a score is found by asking it, whatever it is made of."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from sklearn.inspection import partial_dependence as sklearns
from sklearn.linear_model import LinearRegression

from scoring.learning.dependence import dependence, drivers
from scoring.learning.features import Feature
from scoring.learning.refusal import NotEstimable


class Sum:
    """Twice the first, the second's code where known and 5 where not; the third is idle."""

    features = (Feature("fee"), Feature("brand", ("a", "b", "c")), Feature("idle"))

    def predict(self, x: np.ndarray) -> np.ndarray:
        return 2 * x[:, 0] + np.where(np.isnan(x[:, 1]), 5.0, x[:, 1])


def made(rows: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    brand = rng.choice([0.0, 1.0, 2.0, np.nan], rows, p=[0.5, 0.3, 0.1, 0.1])
    x = np.column_stack([rng.normal(size=rows), brand, rng.normal(size=rows)])
    y = rng.random(rows) < 1 / (1 + np.exp(4 - Sum().predict(x)))
    return x, y


def test_a_number_moves_the_score_as_the_model_says() -> None:
    x, _ = made()
    found = dependence(Sum(), x, "fee", most_rows=len(x))
    rest = Sum().predict(np.column_stack([np.zeros(len(x)), x[:, 1:]]))
    assert len(found.steps) == 20
    for step in found.steps:
        assert step.mean == pytest.approx(2 * step.number + rest.mean())
        assert step.low == pytest.approx(2 * step.number + np.quantile(rest, 0.1))


def test_codes_and_the_unknown_each_have_a_step() -> None:
    x, _ = made()
    found = dependence(Sum(), x, "brand", most_rows=len(x)).steps
    assert [s.code for s in found] == ["a", "b", "c", None]
    base = 2 * x[:, 0].mean()
    assert [s.mean - base for s in found] == pytest.approx([0, 1, 2, 5])
    assert found[3].share == pytest.approx(np.isnan(x[:, 1]).mean())
    assert sum(s.share for s in found) == pytest.approx(1)


def test_it_is_that_of_sklearn() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 2))
    model = LinearRegression().fit(x, x[:, 0] * 3 + x[:, 1])
    model.features = (Feature("a"), Feature("b"))
    found = dependence(model, x, "a")
    grid = [np.array([s.number for s in found.steps])]
    wanted = sklearns(model, x, [0], custom_values={0: grid[0]}, method="brute")
    np.testing.assert_allclose([s.mean for s in found.steps], wanted["average"][0])


def test_a_few_rows_are_drawn_and_the_rows_asked_stay_as_they_are() -> None:
    x, _ = made()
    before = x.copy()
    assert dependence(Sum(), x, "fee").n == 2000
    np.testing.assert_array_equal(x, before)


def test_drivers_come_strongest_first_and_the_idle_adds_nothing() -> None:
    x, y = made(12_000)
    found = drivers(Sum(), x, y)
    assert [d.attribute for d in found] == ["fee", "brand", "idle"]
    assert found[1].drop.low > 0
    assert found[2].drop.value == 0
    assert found[0].drop.low < found[0].drop.value < found[0].drop.high


def test_a_drop_is_what_other_rows_would_show_too() -> None:
    x, y = made(60_000)
    whole = drivers(Sum(), x, y, most_rows=60_000)[0].drop.value
    held = 0
    for seed in range(20):
        drop = drivers(Sum(), x, y, most_rows=3000, seed=seed)[0].drop
        held += drop.low <= whole <= drop.high
    assert held >= 17


def test_the_seed_decides_and_progress_is_told() -> None:
    x, y = made()
    told: list[tuple[int, int]] = []
    first = drivers(Sum(), x, y, progress=lambda done, total: told.append((done, total)))
    assert json.dumps([asdict(d) for d in first], allow_nan=False) == json.dumps(
        [asdict(d) for d in drivers(Sum(), x, y)]
    )
    assert told == [(0, 3), (1, 3), (2, 3)]


def test_without_rows_or_outcomes_nothing_is_told() -> None:
    x, _ = made()
    with pytest.raises(NotEstimable, match="no_rows"):
        dependence(Sum(), x[:0], "fee")
    with pytest.raises(NotEstimable, match="one_class"):
        drivers(Sum(), x, np.zeros(len(x), bool))
