"""Drift is counted as customers stream by; what moved is graded, what is too little says so."""

import json
from dataclasses import asdict
from math import log

import numpy as np
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st

from scoring.learning.drift import (
    DayCounts,
    Drift,
    StabilityProfile,
    performance,
    population_stability,
    standing,
)
from scoring.learning.features import Feature

FEATURES = (Feature("arpu"), Feature("brand", ("a", "b", "c")), Feature("campus"))


def made(rows: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    arpu = np.where(rng.random(rows) < 0.03, np.nan, rng.lognormal(4, 0.6, rows))
    x = np.column_stack([arpu, rng.integers(0, 3, rows), rng.random(rows) < 0.04])
    return x, rng.random(rows)


def drifts(x: np.ndarray, score: np.ndarray, **limits: float) -> dict[str, Drift]:
    profile = StabilityProfile(FEATURES).fit(*made())
    found = profile.drifts(DayCounts(profile).add(x, score), **limits)
    return {d.attribute: d for d in found}


def test_other_customers_of_one_kind_are_stable() -> None:
    found = drifts(*made(seed=1))
    assert list(found) == ["arpu", "brand", "campus", ""]
    assert {d.grade for d in found.values()} == {"stable"}
    for drift in found.values():
        assert drift.psi < 5 * drift.chance


@pytest.mark.parametrize(("factor", "grade"), [(1.0, "stable"), (1.25, "watch"), (2.0, "shifted")])
def test_a_number_that_moves_is_graded(factor: float, grade: str) -> None:
    x, score = made(seed=1)
    x[:, 0] *= factor
    found = drifts(x, score)
    assert found["arpu"].grade == grade
    assert found["brand"].grade == "stable"


def test_the_grades_limits_can_be_set() -> None:
    x, score = made(seed=1)
    x[:, 0] *= 1.25
    assert drifts(x, score, watch=0.01, shifted=0.05)["arpu"].grade == "shifted"


def test_a_rare_truth_that_vanishes_and_a_value_never_seen_are_noticed() -> None:
    x, score = made(seed=1)
    x[:, 2] = 0
    x[:4000, 1] = 3
    found = drifts(x, score)
    assert found["campus"].grade == "shifted"
    assert found["campus"].bins[1].share_now == 0
    assert found["brand"].unseen == 0.2
    assert found["brand"].grade == "shifted"


def test_a_rare_false_that_vanishes_is_noticed() -> None:
    x, score = made()
    x[:, 2] = 1 - x[:, 2]
    profile = StabilityProfile(FEATURES).fit(x, score)
    x[:, 2] = 1
    found = profile.drifts(DayCounts(profile).add(x, score))
    assert [d.grade for d in found if d.attribute == "campus"] == ["shifted"]


def test_a_number_just_beyond_those_of_training_is_not_unseen_one_far_beyond_is() -> None:
    profile = StabilityProfile((Feature("age"),)).fit(
        np.arange(1000.0)[:, None], np.linspace(0, 1, 1000)
    )
    now = np.concatenate([np.full(100, -20.0), np.full(100, 1020.0), np.full(50, 9e6)])
    [age, _score] = profile.drifts(DayCounts(profile).add(now[:, None], np.full(250, 0.5)))
    assert age.unseen == 0.2
    assert [age.bins[0].share_now, age.bins[-3].share_now] == [0.4, 0.4]
    assert age.grade == "shifted"


def test_a_constant_that_changes_is_noticed() -> None:
    features = (Feature("fee"),)
    profile = StabilityProfile(features).fit(np.full((1000, 1), 9.0), np.linspace(0, 1, 1000))
    now = DayCounts(profile).add(np.full((1000, 1), 9.5), np.linspace(0, 1, 1000))
    fee, score = profile.drifts(now)
    assert (fee.grade, fee.unseen) == ("shifted", 1.0)
    assert score.grade == "stable"


def test_unknown_values_have_a_bin_of_their_own() -> None:
    x, score = made(seed=1)
    x[:10_000, 0] = np.nan
    found = drifts(x, score)["arpu"]
    assert found.grade == "shifted"
    assert found.missing == pytest.approx(0.5, abs=0.02)
    assert found.bins[-1].kind == "missing"
    assert sum(b.share_now for b in found.bins) == pytest.approx(1)


def test_few_rows_are_not_estimable() -> None:
    x, score = made(100, seed=1)
    found = drifts(x, score)["arpu"]
    assert (found.psi, found.grade, found.not_estimable) == (None, None, "too_few_rows")
    empty = drifts(x[:0], score[:0])["arpu"]
    assert (empty.n, empty.not_estimable) == (0, "no_rows")


def test_the_index_is_the_sum_over_bins() -> None:
    then, now = np.array([100, 300]), np.array([50, 50])
    p, q = 100.5 / 401, 50.5 / 101
    wanted = (q - p) * log(q / p) + (p - q) * log((1 - q) / (1 - p))
    assert population_stability(then, now) == pytest.approx(wanted)


def slowly(value: float, feature: Feature, edges: np.ndarray) -> int:
    """The bin of one value, as the docstring has it."""
    if feature.categories is not None:
        return len(feature.categories) + 1 if np.isnan(value) else int(value)
    bins = max(0, len(edges) - 1)
    if np.isnan(value):
        return bins + 1
    for i in range(bins):
        if edges[i] < value <= edges[i + 1]:
            return i
    span = edges[-2] - edges[1] if bins > 1 else 0
    if bins and edges[0] - span < value <= edges[0]:
        return 0
    return bins - 1 if bins and edges[-1] < value <= edges[-1] + span else bins


VALUE = st.one_of(st.integers(-3, 20).map(float), st.just(float("nan")), st.just(float("inf")))
ROW = st.tuples(VALUE, st.sampled_from([0.0, 1.0, 2.0, 3.0, np.nan]), st.sampled_from([0.0, 1.0]))


@given(
    st.lists(ROW.filter(lambda r: r[0] != float("inf")), min_size=1, max_size=30),
    st.lists(ROW, max_size=30),
    st.integers(0, 30),
    st.integers(1, 4),
)
def test_batches_count_as_each_row_by_itself(
    trained: list[tuple[float, ...]], rows: list[tuple[float, ...]], cut: int, every: int
) -> None:
    profile = StabilityProfile(FEATURES, bins=4).fit(
        np.array(trained), np.arange(float(len(trained)))
    )
    x, score = np.array(rows).reshape(-1, 3), np.arange(float(len(rows)))
    found = DayCounts(profile, every).add(x[:cut], score[:cut]).add(x[cut:], score[cut:])
    wanted = DayCounts(profile).counts
    for i, row in enumerate(rows):
        if i % every == 0:
            for j, value in enumerate([*row, float(i)]):
                wanted[j][slowly(value, (*FEATURES, Feature(""))[j], profile.edges_[j])] += 1
    for mine, slow in zip(found.counts, wanted, strict=True):
        assert mine.tolist() == slow.tolist()


def test_a_drift_is_plain() -> None:
    told = json.dumps([asdict(d) for d in drifts(*made(seed=1)).values()], allow_nan=False)
    assert json.loads(told)[1]["bins"][0]["code"] == "a"


def labelled(strength: float, rows: int = 8000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.random(rows) < 0.1
    return y, rng.normal(size=rows) + strength * y


@pytest.mark.parametrize(
    ("strength", "verdict"), [(1.5, "no difference shown"), (1.0, "worse"), (2.0, "better")]
)
def test_performance_is_held_against_that_at_training(strength: float, verdict: str) -> None:
    found = performance(standing(*labelled(1.5)), standing(*labelled(strength, seed=1)))
    assert found.verdict == verdict


def test_a_trifle_is_no_alarm_however_many_rows_show_it() -> None:
    then, now = standing(*labelled(1.5, 300_000)), standing(*labelled(1.46, 300_000, seed=1))
    found = performance(then, now)
    assert found.auc_change.high is not None
    assert found.auc_change.high < 0
    assert found.verdict == "no difference shown"
    assert performance(then, now, trifle=0.001).verdict == "worse"


def test_too_few_labels_give_no_verdict() -> None:
    found = performance(standing(*labelled(1.5)), standing(*labelled(1.5, 100)))
    assert found.verdict is None
    assert found.auc_change.not_estimable == "too_few_outcomes"
    assert found.lift_change.not_estimable == "too_few_outcomes"


def test_a_profile_survives_its_file() -> None:
    x, score = made(seed=1)
    profile = StabilityProfile(FEATURES).fit(*made())
    trusted = ["scoring.learning.drift.StabilityProfile", "scoring.learning.features.Feature"]
    read = skops.io.loads(skops.io.dumps(profile), trusted=trusted)
    assert read.drifts(DayCounts(read).add(x, score)) == profile.drifts(
        DayCounts(profile).add(x, score)
    )
