"""Champion and challenger: better only where the rows show it."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from scoring.learning import comparison
from scoring.learning.comparison import compare
from scoring.learning.curves import ladder
from scoring.learning.refusal import NotEstimable


def made(
    champion: float, challenger: float, rows: int = 3000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two scores of so much signal each, with half of their noise in common."""
    rng = np.random.default_rng(seed)
    y = rng.random(rows) < 0.1
    common = rng.normal(size=rows)
    first, second = (
        s * y + np.sqrt(0.5) * (common + rng.normal(size=rows)) for s in (champion, challenger)
    )
    return y, first, second


@pytest.mark.parametrize(
    ("challenger", "verdict"),
    [(1.5, "better"), (0.5, "worse"), (1.02, "no difference shown")],
)
def test_a_verdict_follows_from_the_rows(challenger: float, verdict: str) -> None:
    assert compare(*made(1.0, challenger)).verdict == verdict


def test_figures_are_those_of_the_plain_way() -> None:
    y, first, second = made(1.0, 1.5)
    found = compare(y, first, second)
    gap = roc_auc_score(y, second) - roc_auc_score(y, first)
    assert found.auc_difference.value == pytest.approx(gap)
    assert found.challenger_lift == pytest.approx(y[np.argsort(-second)[:300]].mean() / y.mean())
    right = [(s >= np.sort(s)[-300]) == y for s in (first, second)]
    only = [int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())]
    told = found.disagreement
    assert [told.only_champion_right, told.only_challenger_right] == only
    assert told.p == pytest.approx(binomtest(only[1], sum(only)).pvalue)


def test_what_both_scores_share_does_not_blur_their_difference() -> None:
    y, first, second = made(1.0, 1.1)
    beats = [(s[y][:, None] > s[~y]).astype(float) for s in (first, second)]
    gap = beats[1] - beats[0]
    spread = gap.mean(axis=1).var(ddof=1) / y.sum() + gap.mean(axis=0).var(ddof=1) / (~y).sum()
    found = compare(y, first, second).auc_difference
    assert found.high - found.low == pytest.approx(2 * 1.959964 * np.sqrt(spread))


def slow_interval(y: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rows drawn with replacement, both scores ranked anew each time."""
    rng, draws = np.random.default_rng(5), []
    for _ in range(600):
        rows = rng.integers(0, len(y), len(y))
        lifts = [
            ladder(y[rows], s[rows]).hits_of(len(y) / 10) / y[rows].sum() * 10
            for s in (first, second)
        ]
        draws.append(lifts[1] - lifts[0])
    return np.quantile(draws, [0.025, 0.975])


@pytest.mark.parametrize("rows", [1500, 6000])
def test_the_lifts_interval_is_that_of_rows_drawn_one_by_one(rows: int) -> None:
    y, first, second = made(1.0, 1.3, rows)
    found = compare(y, first, second).lift_difference
    low, high = slow_interval(y, first, second)
    width = high - low
    assert found.low == pytest.approx(low, abs=0.12 * width)
    assert found.high == pytest.approx(high, abs=0.12 * width)


def test_chance_alone_is_rarely_taken_for_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "DRAWS", comparison.AT_ONCE)  # the lift's are not asked for
    verdicts = [compare(*made(1.0, 1.0, 1500, seed)).auc_p < 0.05 for seed in range(60)]
    assert sum(verdicts) <= 8


def test_a_model_is_no_better_than_itself() -> None:
    y, first, _ = made(1.0, 1.0)
    found = compare(y, first, 2 * first)
    assert found.auc_difference.value == 0
    assert found.auc_p == 1
    assert (found.lift_difference.low, found.lift_difference.high) == (0, 0)
    assert found.disagreement.p is None
    assert found.verdict == "no difference shown"


def test_a_better_order_that_loses_at_the_top_is_not_called_better() -> None:
    y, first, _ = made(1.0, 1.0, 6000)
    # Surely better in the lower nine tenths, turned round in the highest.
    top = first >= np.quantile(first, 0.85)
    challenger = np.where(top, 8 - 3 * y, first + 2 * y)
    found = compare(y, first, challenger)
    assert found.auc_difference.low is not None
    assert found.auc_difference.low > 0
    assert found.lift_difference.high is not None
    assert found.lift_difference.high < 0
    assert found.verdict == "no difference shown"


def test_the_same_rows_give_the_same_figures_in_plain_values() -> None:
    rows = made(1.0, 1.2)
    told = json.dumps(asdict(compare(*rows)), allow_nan=False)
    assert told == json.dumps(asdict(compare(*rows)))


def test_one_outcome_can_not_be_compared() -> None:
    with pytest.raises(NotEstimable) as refused:
        compare(np.zeros(100, bool), np.arange(100.0), np.arange(100.0))
    assert refused.value.code == "one_class"
