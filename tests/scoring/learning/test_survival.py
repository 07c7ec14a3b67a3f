"""Monthly hazards: spells cut at either end counted rightly, planted churn calibrated."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from scoring.learning.features import Feature
from scoring.learning.refusal import NotEstimable
from scoring.learning.survival import MonthlyHazard
from scoring.learning.survival_months import Clock, of_spells

FEATURES = (
    Feature("tenure_months"),
    Feature("contract_months_left"),
    Feature("complaints"),
    Feature("brand", ("gotone", "m_zone")),
    Feature("nothing"),
)
TRUSTED = [
    f"scoring.learning.{name}"
    for name in (
        "survival.MonthlyHazard", "survival_parts.Parts", "features.Feature", "reasons.Reason",
    )
]  # fmt: skip


def made(rows: int = 30_000, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, who left within the month, and the true chance."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([
        rng.integers(0, 100, rows), rng.integers(0, 24, rows), rng.poisson(0.5, rows),
        rng.integers(0, 2, rows), np.full(rows, np.nan),
    ]).astype(float)  # fmt: skip
    odds = -1.5 - 0.02 * x[:, 0] - 0.1 * x[:, 1] + 0.9 * x[:, 2] + 0.5 * x[:, 3]
    chance = 1 / (1 + np.exp(-odds))
    x[rng.random(rows) < 0.05, 2] = np.nan
    return x, rng.random(rows) < chance, chance


@pytest.fixture(scope="module")
def model() -> MonthlyHazard:
    x, y, _ = made()
    return MonthlyHazard(FEATURES, contract="contract_months_left").fit(x, y)


def test_expected_and_observed_leavers_agree_by_tenure_band_on_others(model: MonthlyHazard) -> None:
    x, y, chance = made(seed=2)
    rows = model.calibration(x, y)
    assert sum(r.holds for r in rows if r.holds is not None) >= len(rows) - 2
    assert sum(r.leavers for r in rows) == y.sum()
    assert sum(r.expected_leavers for r in rows) == pytest.approx(chance.sum(), rel=0.03)
    assert np.corrcoef(model.predict(x), chance)[0, 1] > 0.93
    json.dumps([asdict(r) for r in rows], allow_nan=False)


SPELLS = st.lists(
    st.tuples(
        st.integers(0, 8), st.integers(0, 9), st.booleans(), st.none() | st.integers(0, 12)
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@given(spells=SPELLS)
def test_months_counted_together_are_those_laid_out_one_by_one(spells: list[Any]) -> None:
    clocks = Clock((2, 5)), Clock((1, 4))
    entry = np.array([float(s[0]) for s in spells])
    durations = entry + [s[1] for s in spells]
    events = np.array([s[2] and s[1] > 0 for s in spells])
    contract = np.array([np.nan if s[3] is None else s[3] for s in spells], float)
    expected: dict[tuple[int, int, int], list[int]] = {}
    for i, (begins, months, _, left) in enumerate(spells):
        for month in range(begins, begins + months):
            tenure = 0 if month < 2 else 1 if month < 5 else 2
            now = None if left is None else max(left - (month - begins), 0)
            band = 3 if now is None else 0 if now < 1 else 1 if now < 4 else 2
            counted = expected.setdefault((i, tenure, band), [0, 0])
            counted[0] += 1
            counted[1] += bool(events[i]) and month == begins + months - 1
    got = of_spells(entry, durations, events, contract, clocks)
    found = {
        (int(r), int(t), int(c)): [int(m), int(e)]
        for r, t, c, m, e in zip(
            got.row, got.tenure, got.contract, got.months, got.left, strict=True
        )
    }
    assert found == expected
    assert len(found) == len(got.row)


def histories(size: int = 4000) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return x, entry, durations, events: 6 % a month in year one, 2 % after."""
    rng = np.random.default_rng(4)
    entry = rng.integers(0, 20, size).astype(float)
    end = entry + rng.integers(1, 25, size)
    durations, events = end.copy(), np.zeros(size, bool)
    bad = rng.random(size) < 0.5
    for i in range(size):
        for month in range(int(entry[i]), int(end[i])):
            if rng.random() < (0.06 if month < 12 else 0.02) * (2 if bad[i] else 1):
                durations[i], events[i] = month + 1, True
                break
    return bad[:, None].astype(float), entry, durations, events


def test_hazards_from_censored_spells_watched_late_are_the_planted_ones() -> None:
    bad, entry, durations, events = histories()
    x = np.column_stack([entry, bad])
    features = (Feature("tenure_months"), Feature("bad"))
    model = MonthlyHazard(features, tenure_bands=(12,)).fit_spells(x, durations, events, entry)
    got = model.hazards(np.array([[0.0, 0], [0, 1]]), 24)
    np.testing.assert_allclose(got[:, :12].mean(axis=1), [0.06, 0.12], rtol=0.12)
    np.testing.assert_allclose(got[:, 12:].mean(axis=1), [0.02, 0.04], rtol=0.2)
    checks = model.calibration_spells(x, durations, events, entry)
    assert [c.holds for c in checks] == [True, True]


def test_the_weights_are_those_of_plain_logistic_regression_on_person_months() -> None:
    bad, entry, durations, events = histories(1500)
    rows = [
        (float(bad[i, 0]), float(m < 12), float(m >= 12), bool(events[i]) and m == durations[i] - 1)
        for i in range(len(entry))
        for m in range(int(entry[i]), int(durations[i]))
    ]
    plain = np.array(rows)
    # The same standard deviations and the same penalty.
    mean, deviation = bad.mean(), bad.std()
    design = np.column_stack([plain[:, 1], plain[:, 2], (plain[:, 0] - mean) / deviation])
    slow = LogisticRegression(C=1.0, tol=1e-9, max_iter=1000).fit(design, plain[:, 3])
    x = np.column_stack([entry, bad])
    features = (Feature("tenure_months"), Feature("bad"))
    model = MonthlyHazard(features, tenure_bands=(12,)).fit_spells(x, durations, events, entry)
    fast = model.hazards(np.array([[0.0, 0], [30, 1]]), 1)[:, 0]
    told = np.array([[1, 0, -mean / deviation], [0, 1, (1 - mean) / deviation]])
    np.testing.assert_allclose(fast, slow.predict_proba(told)[:, 1], rtol=1e-3)


def slowly(model: MonthlyHazard, row: np.ndarray, horizon: int) -> list[float]:
    """Month by month: the next month's hazard of the customer as he will stand then."""
    out, kept = [], 1.0
    for t in range(horizon):
        now = row.copy()
        now[0] += t
        now[1] = max(now[1] - t, 0)
        band = int(np.searchsorted(model.tenure_bands, now[0], side="right"))
        band = len(model.tenure_bands) + 1 if np.isnan(now[0]) else band
        out.append(kept * model.predict(now[None])[0] + (1 - kept) * model.typical_[band])
        kept *= model.persistence
    return out


@pytest.mark.parametrize("persistence", [1.0, 0.7, 0.0])
def test_hazards_ahead_are_those_of_a_customer_grown_older(
    model: MonthlyHazard, persistence: float
) -> None:
    x, _, _ = made(40, seed=5)
    x[0, 0] = x[1, 1] = x[2, 3] = np.nan
    x[3, 3] = 2.0  # a code that training never saw
    model.persistence = persistence
    got = model.hazards(x, 30)
    expected = [slowly(model, row, 30) for row in x]
    model.persistence = 1.0
    np.testing.assert_allclose(got, expected)
    survival = np.cumprod(1 - got, axis=1)
    assert (np.diff(survival, axis=1) < 0).all()


def test_the_next_month_s_hazard_is_what_all_parts_add_up_to(model: MonthlyHazard) -> None:
    x, _, _ = made(40, seed=5)
    x[0, 0] = x[1, 1] = x[2, 2] = x[3, 3] = np.nan
    x[4, 3] = 2.0
    odds = model.intercept_ + model.parts(x).sum(axis=1)
    np.testing.assert_allclose(model.predict(x), 1 / (1 + np.exp(-odds)))


def test_the_hazard_rises_when_the_contract_runs_out(model: MonthlyHazard) -> None:
    bound = model.hazards(np.array([[40.0, 6, 0, 0, np.nan]]), 12)[0]
    assert bound[6:].min() > 1.3 * bound[0]


def test_survival_is_the_product_of_staying(model: MonthlyHazard) -> None:
    x, _, _ = made(50, seed=6)
    hazards, survival = model.hazards(x, 5), model.survival(x, 5)
    np.testing.assert_allclose(survival[:, 4], np.prod(1 - hazards, axis=1))
    assert ((hazards > 0) & (hazards < 1)).all()


def test_reasons_are_the_largest_parts_in_words_that_hold(model: MonthlyHazard) -> None:
    x, _, _ = made(300, seed=7)
    x[0, 3] = 2.0
    parts, names = model.parts(x), ["tenure_months", "contract_months_left", "complaints", "brand"]
    np.testing.assert_allclose(
        1 / (1 + np.exp(-(model.intercept_ + parts.sum(axis=1)))), model.predict(x)
    )
    for row, mine, told in zip(x, parts, model.reasons(x), strict=True):
        reasons = [model.reasons_[i] for i in told if i >= 0]
        chosen = [mine[names.index(r.attribute)] for r in reasons]
        assert sorted(np.abs(chosen), reverse=True) == list(np.abs(chosen))
        assert [r.raises for r in reasons] == [part > 0 for part in chosen]
        told_of = {r.attribute for r in reasons}
        left_out = [abs(p) for n, p in zip(names, mine, strict=True) if n not in told_of]
        assert max(left_out, default=0) <= min(np.abs(chosen)) or len(reasons) < 3
        for r in reasons:
            value = row[[f.attribute for f in FEATURES].index(r.attribute)]
            if r.missing:
                assert np.isnan(value)
            elif r.codes:
                assert ("gotone", "m_zone")[int(value)] in r.codes
            else:
                assert r.low <= value < r.high
    assert all(r.attribute != "brand" for r in (model.reasons_[i] for i in model.reasons(x)[0]))


def test_features_that_say_nothing_are_dropped_and_an_unseen_code_adds_nothing(
    model: MonthlyHazard,
) -> None:
    assert model.dropped_ == {"nothing": "all_null"}
    row = np.array([[40.0, 6, 0, 2, np.nan]])
    assert model.parts(row)[0, 3] == 0


@pytest.mark.parametrize(
    ("rows", "leavers", "code"),
    [(0, 0, "no_rows"), (500, 29, "too_few_outcomes"), (500, 500, "too_few_outcomes")],
)
def test_too_few_of_either_kind_are_refused(rows: int, leavers: int, code: str) -> None:
    x, _, _ = made(rows)
    with pytest.raises(NotEstimable) as refusal:
        MonthlyHazard(FEATURES).fit(x, np.arange(rows) < leavers)
    assert refusal.value.code == code


def test_nothing_usable_and_perfect_separation_are_refused() -> None:
    x, y, _ = made(2000)
    with pytest.raises(NotEstimable) as refusal:
        MonthlyHazard((FEATURES[0], FEATURES[4])).fit(x[:, [0, 4]], y)
    assert refusal.value.code == "no_usable_features"
    told = np.column_stack([x[:, 0], y])
    with pytest.raises(NotEstimable) as refusal:
        MonthlyHazard((FEATURES[0], Feature("told_after"))).fit(told, y)
    assert (refusal.value.code, refusal.value.figures) == ("separated", {"attribute": "told_after"})


def test_several_that_separate_only_together_are_named_together() -> None:
    x, _, _ = made(2000)
    halves = np.random.default_rng(3).integers(0, 2, size=(2000, 2)).astype(float)
    features = (FEATURES[0], Feature("one"), Feature("other"))
    with pytest.raises(NotEstimable) as refusal:
        MonthlyHazard(features).fit(np.column_stack([x[:, 0], halves]), halves.all(axis=1))
    assert refusal.value.code == "separated_together"
    assert {"one", "other"} <= {*str(refusal.value.figures["attributes"]).split(", ")}


@pytest.mark.parametrize(
    ("duration", "entry", "event", "match"),
    [
        (1.5, 0, False, "whole"),
        (2, 3, False, "before their entry"),
        (3, 3, True, "no month"),
        (-1, 0, False, "whole"),
        (np.nan, 0, False, "whole"),
    ],
)
def test_spells_that_cannot_be_are_refused(
    duration: float, entry: float, event: bool, match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        of_spells(
            np.array([entry], float), np.array([duration], float), np.array([event]),
            np.array([np.nan]), (Clock((2,)), Clock((2,))),
        )  # fmt: skip


def test_it_reports_progress_and_survives_being_written(model: MonthlyHazard) -> None:
    x, y, _ = made(3000)
    done: list[tuple[int, int]] = []
    MonthlyHazard(FEATURES).fit(x, y, lambda *d: done.append(d))
    assert done == [(1, 3), (2, 3), (3, 3)]
    again = skops.io.loads(skops.io.dumps(model), trusted=TRUSTED)
    assert (again.hazards(x, 6) == model.hazards(x, 6)).all()
    assert (again.reasons(x) == model.reasons(x)).all()
