"""Propensity: probabilities that mean what they say, signs known before, points that add up."""

import json
import os
from dataclasses import asdict

import numpy as np
import pytest
import skops.io
from sklearn.metrics import roc_auc_score

from bench.public_data import FOLDER, ibm_telco
from scoring.learning.features import Feature
from scoring.learning.propensity import Propensity
from scoring.learning.reasons import NONE
from scoring.learning.refusal import NotEstimable

PLAN = ("basic", "family", "student", "never seen")
FEATURES = (
    Feature("spent"),
    Feature("complaints"),
    Feature("plan", PLAN),
    Feature("noise"),
)


def made(rows: int = 12_000, seed: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.empty((rows, 4), order="F")
    x[:, 0] = np.exp(3 + rng.normal(size=rows))
    x[:, 1] = rng.poisson(0.3, size=rows)
    x[:, 2] = rng.integers(0, 3, size=rows)
    x[:, 3] = rng.normal(size=rows)
    eta = (
        -3
        - 0.6 * (np.log(x[:, 0]) - 3)
        + 1.1 * x[:, 1]
        + np.array([0, -0.8, 0.8])[x[:, 2].astype(int)]
    )
    p = 1 / (1 + np.exp(-eta))
    y = rng.random(rows) < p
    x[rng.random(rows) < 0.1, 0] = np.nan
    return x, y, p


@pytest.fixture(scope="module")
def model() -> Propensity:
    x, y, _ = made()
    return Propensity(FEATURES).fit(x, y)


def test_recovers_the_drivers_their_directions_and_nothing_else(model: Propensity) -> None:
    assert {d.attribute for d in model.drivers_} == {"spent", "complaints", "plan"}
    rising = {d.attribute: d.rising for d in model.drivers_}
    assert (rising["spent"], rising["complaints"], rising["plan"]) == (False, True, None)
    for d in model.drivers_:
        assert d.weight_low < 1 < d.weight_high
        assert 1 < d.odds_low < d.odds < d.odds_high


def test_probabilities_are_calibrated_on_unseen_rows(model: Propensity) -> None:
    x, y, truth = made(seed=6)
    p = model.predict(x)
    assert roc_auc_score(y, p) > roc_auc_score(y, truth) - 0.02
    assert p.mean() == pytest.approx(y.mean(), rel=0.08)
    for part in np.array_split(np.argsort(p), 5):
        error = np.sqrt(p[part].mean() / len(part))
        assert abs(y[part].mean() - p[part].mean()) < 4 * error


def test_the_mean_probability_is_the_rate_of_the_training_rows(model: Propensity) -> None:
    x, y, _ = made()
    assert model.predict(x).mean() == pytest.approx(y.mean(), abs=1e-6)


def test_points_add_up_and_double_the_odds(model: Propensity) -> None:
    x, _, _ = made(50)
    p, points = model.predict(x), model.points(x)
    odds = p / (1 - p)
    np.testing.assert_allclose(points, 600 + 20 * np.log2(odds * 50))
    by_name = {d.attribute: d for d in model.drivers_}
    for row in range(50):
        total = model.base_points_
        for place, binning in zip(model.kept_, model.binnings_, strict=True):
            code = int(binning.codes(x[[row], place])[0])
            total += by_name[binning.attribute].bins[code].points
        assert total == pytest.approx(points[row])


def slow_reasons(model: Propensity, x: np.ndarray) -> list[list[tuple[str, float]]]:
    """Every part of every row's log-odds less its average, by size."""
    training, _, _ = made()
    rows = []
    for row in x:
        parts = []
        for place, binning, share in zip(model.kept_, model.binnings_, model.shares_, strict=True):
            mean = share[binning.codes(training[:, place])].mean()
            shift = share[int(binning.codes(row[[place]])[0])] - mean
            if abs(shift) >= 0.01:
                parts.append((binning.attribute, shift))
        rows.append(sorted(parts, key=lambda part: -abs(part[1]))[:3])
    return rows


def test_reasons_are_the_parts_farthest_from_the_average(model: Propensity) -> None:
    x, _, _ = made(300, seed=9)
    for row, got, expected in zip(x, model.reasons(x), slow_reasons(model, x), strict=True):
        told = [model.reasons_[place] for place in got if place != NONE]
        assert [(r.attribute, r.raises) for r in told] == [(a, s > 0) for a, s in expected]
        for reason in told:
            value = row[[f.attribute for f in FEATURES].index(reason.attribute)]
            if reason.missing:
                assert np.isnan(value)
            elif reason.codes:
                assert PLAN[int(value)] in reason.codes
            else:
                assert reason.low <= value < reason.high


def test_unseen_and_unknown_values_get_a_probability(model: Propensity) -> None:
    x = np.array([[np.nan, np.nan, np.nan, np.nan], [1e12, -5, 4, 0], [np.inf, 0, 3, 0]])
    p = model.predict(x)
    assert ((p > 0) & (p < 1)).all()
    assert model.reasons(x).shape == (3, 3)
    assert model.predict(x[:0]).shape == (0,)


def test_pieces_and_memory_order_change_nothing(model: Propensity) -> None:
    x, _, _ = made(40_000)
    whole = model.predict(x)
    np.testing.assert_array_equal(model.predict(np.ascontiguousarray(x)), whole)
    np.testing.assert_array_equal(np.r_[model.predict(x[:9]), model.predict(x[9:])], whole)
    np.testing.assert_array_equal(model.reasons(x)[9:], model.reasons(x[9:]))


def test_a_narrowed_model_reads_its_kept_columns_only(model: Propensity) -> None:
    x, _, _ = made(200)
    narrow, kept = model.narrowed(), np.asfortranarray(x[:, model.kept_])
    assert [f.attribute for f in narrow.features] == [b.attribute for b in model.binnings_]
    np.testing.assert_array_equal(narrow.predict(kept), model.predict(x))
    np.testing.assert_array_equal(narrow.reasons(kept), model.reasons(x))
    assert len(model.features) == 4


def test_what_pages_show_is_json(model: Propensity) -> None:
    for told in (model.drivers_, model.candidates_, model.strengths_):
        json.dumps([asdict(t) for t in told], allow_nan=False)
    for driver in model.drivers_:
        for b in driver.bins:
            assert b.rate is None or b.rate_low <= b.rate <= b.rate_high  # type: ignore[operator]


def test_a_model_survives_its_file(model: Propensity) -> None:
    content = skops.io.dumps(model)
    trusted = skops.io.get_untrusted_types(data=content)
    assert all(t.startswith("scoring.learning.") for t in trusted)
    x, _, _ = made(500)
    loaded = skops.io.loads(content, trusted=trusted)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    np.testing.assert_array_equal(loaded.reasons(x), model.reasons(x))
    assert loaded.reasons_ == model.reasons_


def test_a_killed_fit_goes_on_to_the_same_model(model: Propensity) -> None:
    x, y, _ = made()
    states: list[str] = []
    Propensity(FEATURES).fit(x, y, checkpoint=lambda state: states.append(json.dumps(state)))
    for state in states:
        again = Propensity(FEATURES).fit(x, y, resume=json.loads(state))
        assert again.drivers_ == model.drivers_
        np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_progress_reaches_its_total() -> None:
    x, y, _ = made(4000)
    told: list[tuple[int, int]] = []
    Propensity(FEATURES).fit(x, y, progress=lambda done, total: told.append((done, total)))
    assert [d for d, _ in told] == sorted(d for d, _ in told)
    assert told[-1][0] == told[-1][1]


def test_two_that_separate_only_together_are_refused() -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(0, 2, size=(6000, 2)).astype(float)
    y = x.all(axis=1)
    with pytest.raises(NotEstimable) as refusal:
        Propensity((Feature("a"), Feature("b"))).fit(x, y)
    assert refusal.value.code == "separated_together"
    assert sorted(str(refusal.value.figures["attributes"]).split(", ")) == ["a", "b"]


def test_a_number_that_turns_says_where_and_one_that_runs_one_way_does_not() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(20_000, 2))
    y = rng.random(20_000) < 1 / (1 + np.exp(3 - 1.2 * np.abs(x[:, 0]) - 0.7 * x[:, 1]))
    fitted_ = Propensity((Feature("valley"), Feature("slope"))).fit(x, y)
    told = {d.attribute: d for d in fitted_.drivers_}
    assert told["valley"].rising is None
    assert told["valley"].turns_at == pytest.approx(0, abs=0.4)
    assert (told["slope"].rising, told["slope"].turns_at) == (True, None)


def test_a_category_whose_groups_change_places_beside_another_is_followed() -> None:
    """Alone the second group leaves more often, for its customers are new; all else equal less."""
    rng = np.random.default_rng(6)
    new = rng.random(30_000) < 0.4
    plan = np.where(rng.random(30_000) < np.where(new, 0.9, 0.1), 1.0, 0.0)
    eta = -3 + 2.5 * new - 0.8 * (plan == 1)
    y = rng.random(30_000) < 1 / (1 + np.exp(-eta))
    assert y[plan == 1].mean() > y[plan == 0].mean()
    features = (Feature("new"), Feature("plan", ("old", "fresh")))
    model = Propensity(features).fit(np.column_stack([new.astype(float), plan]), y)
    assert {d.attribute for d in model.drivers_} == {"new", "plan"}
    odds = np.log(model.predict(np.array([[1.0, 1], [1, 0]])))
    assert odds[0] - odds[1] == pytest.approx(-0.45, abs=0.25)


def test_separates_ibms_leavers() -> None:
    if not (FOLDER / "ibm_telco").is_dir():
        if os.environ.get("CI"):
            raise FileNotFoundError(f"{FOLDER} must hold ibm_telco: CI runs against it")
        pytest.skip(f"no {FOLDER / 'ibm_telco'}")
    data = ibm_telco()
    learn = np.arange(len(data.y)) % 4 > 0
    p = Propensity(data.features).fit(data.x[learn], data.y[learn]).predict(data.x[~learn])
    assert roc_auc_score(data.y[~learn], p) > 0.83
