"""Selection: what tells stays, each candidate's fate is known, and a killed fit goes on."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.learning import selection as module
from scoring.learning import selection_rows
from scoring.learning.binning import Binner
from scoring.learning.features import Feature
from scoring.learning.propensity_logit import Coded, fitted, quadratic
from scoring.learning.refusal import NotEstimable
from scoring.learning.selection import Selection
from scoring.learning.selection_rows import coded, shuffled

Made = tuple[np.ndarray, np.ndarray, tuple[Feature, ...]]


def made(rows: int = 8000, noise: int = 40, seed: int = 3) -> Made:
    """Three that tell, a near copy of each, one constant, one unknown, and noise."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(rows, 3))
    copies = truth + 0.1 * rng.normal(size=truth.shape)
    y = rng.random(rows) < 1 / (1 + np.exp(2 - truth @ [0.8, -0.6, 0.4]))
    x = np.column_stack(
        [truth, copies, np.full(rows, 7.0), np.full(rows, np.nan), rng.normal(size=(rows, noise))]
    )
    names = [f"t{i}" for i in range(3)] + [f"c{i}" for i in range(3)] + ["same", "none"]
    names += [f"n{i}" for i in range(noise)]
    return x, y, tuple(Feature(n) for n in names)


def test_what_tells_stays_once_and_noise_goes() -> None:
    x, y, features = made()
    chosen = Selection(features).fit(x, y)
    fates = {c.attribute: c for c in chosen.candidates_}
    for i in range(3):
        pair = [fates[f"t{i}"], fates[f"c{i}"]]
        assert sorted(c.dropped or "" for c in pair) == ["", "correlated"]
        lost = next(c for c in pair if c.dropped)
        assert lost.like == next(c.attribute for c in pair if not c.dropped)
        assert lost.r is not None
        assert abs(lost.r) > 0.8
    assert fates["same"].dropped == "constant"
    assert fates["none"].dropped == "all_null"
    assert len(chosen.kept_) <= 5
    assert all(
        c.dropped in ("iv_low", "unstable", "wrong_sign")
        for n, c in fates.items()
        if n.startswith("n") and n != "none" and c.dropped
    )


def test_one_that_goes_together_with_another_and_has_news_of_its_own_stays() -> None:
    rng = np.random.default_rng(4)
    a = rng.normal(size=20_000)
    news = rng.normal(size=20_000)
    b, copy = a + 0.45 * news, a + 0.45 * rng.normal(size=20_000)
    y = rng.random(20_000) < 1 / (1 + np.exp(2 - a - 0.25 * news))
    chosen = Selection((Feature("a"), Feature("b"), Feature("copy"))).fit(
        np.column_stack([a, b, copy]), y
    )
    fates = {c.attribute: c for c in chosen.candidates_}
    assert (fates["a"].dropped, fates["b"].dropped) == (None, None)
    assert fates["copy"].dropped == "correlated"


def slow_news(place: np.ndarray, other: np.ndarray, y: np.ndarray) -> tuple[float, int]:
    told, degrees = 0.0, 0
    for bin_ in np.unique(other):
        inside = other == bin_
        table = np.array(
            [[np.sum(inside & (place == p) & (y == o)) for o in (0, 1)] for p in range(4)]
        )
        table = table[table.sum(axis=1) > 0]
        degrees += len(table) - 1
        expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
        held = table > 0
        told += 2 * float((table[held] * np.log(table[held] / expected[held])).sum())
    return told, degrees


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 300))
def test_news_is_the_likelihood_ratio_within_each_bin(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, size=(2, rows)).astype(np.uint8)
    y = rng.random(rows) < 0.3
    told, degrees = selection_rows.news(Coded(codes, np.zeros((2, 4)), y), 0, 1)
    expected, freedom = slow_news(codes[0], codes[1], y)
    assert told == pytest.approx(expected, abs=1e-8)
    assert degrees == freedom


def test_exact_duplicates_are_kept_once_the_first_of_them() -> None:
    x, y, features = made()
    chosen = Selection((*features, Feature("again"))).fit(np.column_stack([x, x[:, 0]]), y)
    assert "again" not in [chosen.candidates_[place].attribute for place in chosen.kept_]


def test_one_that_hides_behind_others_has_the_wrong_sign() -> None:
    rng = np.random.default_rng(8)
    a = rng.normal(size=20_000)
    b = 0.7 * a + 0.7 * rng.normal(size=20_000)
    y = rng.random(20_000) < 1 / (1 + np.exp(2 - 1.2 * a + 0.4 * b))
    chosen = Selection((Feature("a"), Feature("b"))).fit(np.column_stack([a, b]), y)
    assert [c.dropped for c in chosen.candidates_] == [None, "wrong_sign"]


def test_no_more_than_asked_are_kept_the_strongest() -> None:
    x, y, features = made()
    chosen = Selection(features, most=2).fit(x, y)
    assert len(chosen.kept_) == 2
    dropped = [c.attribute for c in chosen.candidates_ if c.dropped == "beyond_most"]
    assert dropped
    assert all(name in ("t2", "c2") or name.startswith("n") for name in dropped)


class Killed(Exception):
    pass


def killed_after(saves: int) -> tuple[list[str], Callable[[Any], None]]:
    texts: list[str] = []

    def save(state: Any) -> None:
        texts.append(json.dumps(state, allow_nan=False))
        if len(texts) == saves:
            raise Killed

    return texts, save


def test_a_killed_selection_goes_on_at_every_stage_to_the_same_end() -> None:
    x, y, features = made(3000)
    texts, save = killed_after(0)
    whole = Selection(features).fit(x, y, checkpoint=save)
    assert len(texts) >= 5
    for stage in range(1, len(texts) + 1):
        held, die = killed_after(stage)
        with pytest.raises(Killed):
            Selection(features).fit(x, y, checkpoint=die)
        rest: list[Any] = []
        again = Selection(features).fit(x, y, resume=json.loads(held[-1]), checkpoint=rest.append)
        assert again.candidates_ == whole.candidates_
        assert again.binnings_ == whole.binnings_
        assert again.state_ == whole.state_
        assert len(rest) <= len(texts) - stage + 1


@pytest.mark.parametrize(
    "other",
    [
        {"least_value": 0.2},
        {"least_frequency": 0.6},
        {"binner": Binner(max_bins=3)},
        {"seed": 1},
    ],
)
def test_a_selection_by_other_parameters_begins_anew(other: dict[str, Any]) -> None:
    x, y, features = made(3000)
    state = json.loads(json.dumps(Selection(features).fit(x, y).state_))
    anew = Selection(features, **other).fit(x, y)
    resumed = Selection(features, **other).fit(x, y, resume=state)
    assert resumed.state_ == anew.state_ != state


def test_a_selection_of_other_outcomes_or_another_version_begins_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y, features = made(3000)
    state = Selection(features).fit(x, y).state_
    assert Selection(features).fit(x, ~y, resume=state).state_["belongs"] != state["belongs"]
    monkeypatch.setattr(module, "VERSION", module.VERSION + 1)
    told: list[Any] = []
    Selection(features).fit(x, y, resume=state, checkpoint=told.append)
    assert told


def test_news_is_asked_of_each_pair_once_and_of_none_with_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x, y, features = made(3000)
    binnings = Binner().fit(x, y, features)
    data = coded(x, y, binnings, range(len(features)), 0)
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(selection_rows, "news", lambda data, *pair: asked.append(pair) or (0.0, 1))
    selection_rows.twins(data, 0.7, 0.99)
    assert asked
    assert all(place > other for place, other in asked)


def test_progress_rises_to_its_total_and_may_cancel() -> None:
    x, y, features = made(3000)
    told: list[tuple[int, int]] = []
    Selection(features).fit(x, y, progress=lambda done, total: told.append((done, total)))
    assert [d for d, _ in told] == sorted(d for d, _ in told)
    assert told[-1][0] == told[-1][1]

    def cancel(done: int, total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        Selection(features).fit(x, y, progress=cancel)


@pytest.mark.parametrize(
    ("column", "code"),
    [
        (lambda y, rng: y * 1.0, "separated"),
        (lambda y, rng: y + 0.35 * rng.normal(size=len(y)), "too_good_alone"),
        (lambda y, rng: np.where(y, np.nan, rng.random(len(y))), "separated"),
    ],
)
def test_a_leak_is_refused_by_name(column: Any, code: str) -> None:
    x, y, features = made(3000)
    leak = column(y, np.random.default_rng(1))
    with pytest.raises(NotEstimable) as refusal:
        Selection((*features, Feature("leak"))).fit(np.column_stack([x, leak]), y)
    assert refusal.value.code == code
    assert refusal.value.figures["attribute"] == "leak"


def test_what_a_person_vouches_for_is_kept_unless_it_has_no_finite_weight() -> None:
    x, y, features = made(3000)
    rng = np.random.default_rng(1)
    near, whole = y + 0.35 * rng.normal(size=len(y)), y * 1.0
    features = (*features, Feature("vouched"))
    chosen = Selection(features, vouched=("vouched",)).fit(np.column_stack([x, near]), y)
    assert len(features) - 1 in chosen.kept_
    with pytest.raises(NotEstimable, match="too_good_alone"):
        Selection(features, vouched=("another",)).fit(np.column_stack([x, near]), y)
    with pytest.raises(NotEstimable, match="separated"):
        Selection(features, vouched=("vouched",)).fit(np.column_stack([x, whole]), y)


def test_another_word_for_a_feature_begins_anew() -> None:
    x, y, features = made(3000)
    kept = json.loads(json.dumps(Selection(features, vouched=("a",)).fit(x, y).state_))
    told: list[int] = []

    def first(vouched: tuple[str, ...]) -> int:
        told.clear()
        again = Selection(features, vouched=vouched)
        again.fit(x, y, resume=kept, progress=lambda done, total: told.append(done))
        return told[0]

    assert first(("a",)) > first(("b",))


def test_few_outcomes_nothing_usable_and_noise_alone_are_refused() -> None:
    x, y, features = made(3000)
    few = np.zeros(len(y), bool)
    few[:20] = True
    with pytest.raises(NotEstimable) as refusal:
        Selection(features).fit(x, few)
    assert (refusal.value.code, refusal.value.figures["positives"]) == ("too_few_outcomes", 20)
    with pytest.raises(NotEstimable) as refusal:
        Selection(features[6:8]).fit(x[:, 6:8], y)
    assert refusal.value.code == "no_usable_features"
    with pytest.raises(NotEstimable) as refusal:
        Selection(features[8:]).fit(x[:, 8:], np.random.default_rng(2).permutation(y))
    assert refusal.value.code == "nothing_predicts"


def test_every_stretch_of_the_shuffled_rows_has_its_share_of_outcomes() -> None:
    y = np.arange(1000) < 100
    order = shuffled(y, 0)
    assert sorted(order) == list(range(1000))
    assert set(y[order].reshape(10, 100).sum(axis=1)) == {10}


def test_the_halves_penalised_fit_is_the_one_that_newton_finds() -> None:
    """One approximation at the root, against the L1-penalised minimum found directly."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, size=(3, 4000)).astype(np.uint8)
    tables = np.array([[-1.0, -0.2, 0.3, 1.1], [-0.5, 0.0, 0.2, 0.6], [-0.1, 0.0, 0.0, 0.1]])
    x = np.stack([t[c] for t, c in zip(tables, codes, strict=True)])
    y = rng.random(4000) < 1 / (1 + np.exp(1.5 - np.array([0.9, -0.3, 0.5]) @ x))
    data, penalty = Coded(codes, tables, y), np.array([20.0, 5.0, 1.0])

    def loss(t: np.ndarray) -> float:
        eta = t[0] + t[1:] @ x
        return float(
            np.logaddexp(0, eta).sum() - eta[y].sum() + 0.5 * t[1:] @ t[1:] + penalty @ t[1:]
        )

    bounds = [(None, None), *[(0, None)] * 3]
    direct = minimize(loss, np.zeros(4), bounds=bounds, method="L-BFGS-B", tol=1e-12).x
    point = fitted(data, 1.0)
    near = quadratic(data, point).best(point, 1.0, penalty)
    np.testing.assert_allclose(near.weights, direct[1:], atol=0.02)
    assert near.weights[1] == 0
    assert module.chance(458) == pytest.approx(1 - 1 / 458)
