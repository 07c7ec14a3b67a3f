from typing import Any

import numpy as np
import pytest
import skops.io
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from bench.planted import planted
from scoring.learning.features import Feature
from scoring.learning.groups import ALIKE, BehaviourGroups, Candidate, choose
from scoring.learning.reasons import NONE
from scoring.learning.refusal import NotEstimable

BEHAVIOURS = tuple(
    Feature(name)
    for name in (
        "voice_minutes",
        "sms_count",
        "mms_count",
        "data_mb",
        "roaming_minutes",
        "tone_changes",
        "data_change",
    )
)
FEATURES = (Feature("minutes"), Feature("sms"), Feature("plan", ("s", "m", "l")))
CENTRES = np.array([[500.0, 5.0], [20.0, 300.0], [30.0, 4.0]])
TRUSTED = [
    "scoring.learning.features.Feature",
    "scoring.learning.groups.BehaviourGroups",
    "scoring.learning.groups.Candidate",
    "scoring.learning.groups.Choice",
    "scoring.learning.preparation.Dropped",
    "scoring.learning.preparation.Preparation",
    "scoring.learning.reasons.Reason",
]


def made(rows: int = 3000, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Three groups on log amounts and a category, some of it unknown."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, rows, p=[0.5, 0.3, 0.2])
    amounts = np.rint(CENTRES[group] * np.exp(0.3 * rng.normal(size=(rows, 2))))
    plan = np.where(rng.random(rows) < 0.8, group, rng.integers(0, 3, rows)).astype(float)
    x = np.column_stack([amounts, plan])
    x[rng.random(x.shape) < 0.02] = np.nan
    return x, group


def quick(**parameters: Any) -> BehaviourGroups:
    return BehaviourGroups(FEATURES, **({"most_groups": 5, "starts": 3, "pairs": 3} | parameters))


X, GROUP = made()
MODEL = quick().fit(X)


@pytest.mark.parametrize("brand", ["gotone", "mzone", "easyown"])
def test_planted_groups_are_found_without_being_told_how_many(brand: str) -> None:
    province = planted(40_000)
    table = province.table(province.training_day)
    truth = province.truth(province.training_day, "churn")[["customer_no", "group"]]
    table = table[table["brand"] == brand].merge(truth, on="customer_no")
    x = table[[f.attribute for f in BEHAVIOURS]].to_numpy(dtype=np.float64, na_value=np.nan)
    model = BehaviourGroups(BEHAVIOURS, starts=4, pairs=3).fit(x)
    assert adjusted_rand_score(table["group"], model.predict(x)) >= 0.95
    assert model.choice_.groups == table["group"].nunique()
    assert model.choice_.why == "best"
    assert not model.choice_.weak


def test_new_customers_are_assigned_to_the_groups_found() -> None:
    x, group = made(seed=1)
    assert adjusted_rand_score(group, MODEL.predict(x)) > 0.9
    assert MODEL.predict(x).dtype == np.int16


def test_the_largest_group_is_the_first() -> None:
    assert MODEL.codes_ == ["g1", "g2", "g3"]
    sizes = np.bincount(MODEL.predict(X))
    assert (np.diff(sizes) < 0).all()


def test_the_same_rows_give_the_same_groups() -> None:
    again = quick().fit(X)
    np.testing.assert_array_equal(again.centres_, MODEL.centres_)
    assert again.curve_ == MODEL.curve_


def test_the_curve_has_every_candidate_with_its_interval() -> None:
    assert [c.groups for c in MODEL.curve_] == [2, 3, 4, 5]
    for c in MODEL.curve_:
        assert c.low is not None
        assert c.stability is not None
        assert c.high is not None
        assert -1 <= c.low <= c.stability <= c.high <= 1
        assert c.silhouette is not None
        assert -1 <= c.silhouette <= 1
        assert c.within is not None
        assert 0 <= c.within <= 1
    withins = [c.within or 0 for c in MODEL.curve_]
    assert withins == sorted(withins, reverse=True)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_nearest_centre_and_posterior_agree_with_a_slow_reference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.column_stack(
        [rng.integers(0, 900, 8), rng.integers(0, 500, 8), rng.integers(0, 4, 8)]
    ).astype(float)
    x[rng.random(x.shape) < 0.2] = np.nan
    z = MODEL.preparation_.transform(x)
    for row, group, sure in zip(z, MODEL.predict(x), MODEL.certainty(x), strict=True):
        squares = [((row - centre) ** 2).sum() for centre in MODEL.centres_]
        assert group == np.argmin(squares)
        likely = [np.exp(-(s - min(squares)) / (2 * MODEL.spread_)) for s in squares]
        assert sure == pytest.approx(max(likely) / sum(likely))


def test_between_two_groups_nobody_is_sure() -> None:
    sure = MODEL.certainty(X)
    assert sure.mean() > 0.95
    x, steps = np.repeat(X[:1], 400, axis=0), np.linspace(0, 1, 400)
    x[:, 0], x[:, 1], x[:, 2] = 500**steps * 20 ** (1 - steps), 4.0, np.nan
    assert MODEL.certainty(x).min() < 0.6


def holds(reason: Any, value: float, feature: Feature) -> bool:
    if np.isnan(value):
        return False
    if feature.categories is not None:
        return value < len(feature.categories) and feature.categories[int(value)] in reason.codes
    return bool(reason.low <= value < reason.high)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_a_reason_holds_for_the_customer_and_stronger_ones_come_first(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.column_stack(
        [rng.integers(0, 900, 8), rng.integers(0, 500, 8), rng.integers(0, 4, 8)]
    ).astype(float)
    x[rng.random(x.shape) < 0.2] = np.nan
    z, features = MODEL.preparation_.transform(x), {f.attribute: f for f in FEATURES}
    places = {"minutes": [0], "sms": [1], "plan": [2, 3, 4]}
    for row, values, group, found in zip(z, x, MODEL.predict(x), MODEL.reasons(x), strict=True):
        given = [MODEL.reasons_[r] for r in found if r != NONE]
        nearer = {
            a: sum(row[j] ** 2 - (row[j] - MODEL.centres_[group][j]) ** 2 for j in columns)
            for a, columns in places.items()
            if not np.isnan(values[list(places).index(a)])
        }
        expected = sorted((a for a in nearer if nearer[a] > 0), key=lambda a: -nearer[a])
        assert [r.attribute for r in given] == expected
        for reason in given:
            value = values[list(places).index(reason.attribute)]
            assert holds(reason, value, features[reason.attribute])


def test_reasons_of_whole_numbers_are_whole() -> None:
    ends = [e for r in MODEL.reasons_ for e in (r.low, r.high) if np.isfinite(e)]
    assert ends
    assert all(end == int(end) for end in ends)


def test_a_fit_survives_being_written_and_read() -> None:
    read = skops.io.loads(skops.io.dumps(MODEL), trusted=TRUSTED)
    np.testing.assert_array_equal(read.predict(X), MODEL.predict(X))
    np.testing.assert_array_equal(read.certainty(X), MODEL.certainty(X))
    np.testing.assert_array_equal(read.reasons(X), MODEL.reasons(X))
    assert read.reasons_ == MODEL.reasons_
    assert read.curve_ == MODEL.curve_


def test_renamed_groups_are_the_same_groups() -> None:
    renamed = MODEL.renamed(["g7", "g1", "g3"], 7)
    assert renamed.codes_ == ["g1", "g3", "g7"]
    assert renamed.last_number_ == 7
    old = np.array(["g7", "g1", "g3"])[MODEL.predict(X)]
    np.testing.assert_array_equal(np.array(renamed.codes_)[renamed.predict(X)], old)
    told = [[renamed.reasons_[r] for r in rs if r >= 0] for rs in renamed.reasons(X[:50])]
    assert told == [[MODEL.reasons_[r] for r in rs if r >= 0] for rs in MODEL.reasons(X[:50])]
    assert MODEL.codes_ == ["g1", "g2", "g3"]


# --- the choice ---


def candidate(groups: int, stability: float, silhouette: float) -> Candidate:
    return Candidate(groups, stability, stability, stability, silhouette, 0.5)


@pytest.mark.parametrize(
    ("curve", "groups", "why", "weak"),
    [
        ([(2, 0.99, 0.4), (3, 0.9, 0.6), (4, 0.99, 0.59)], 3, "best", False),
        ([(2, 0.99, 0.4), (3, 0.6, 0.7), (4, 0.99, 0.3)], 2, "best", False),
        ([(2, 0.99, 0.2), (3, 0.9, 0.2 - ALIKE / 2), (4, 0.9, 0.1)], 3, "finer", True),
        ([(2, 0.3, 0.4), (3, 0.5, 0.2), (4, 0.4, 0.3)], 3, "unstable", True),
        ([(4, 0.3, 0.4)], 4, "only", False),
    ],
)
def test_the_clearest_of_the_stable_is_chosen(
    curve: list[tuple[int, float, float]], groups: int, why: str, weak: bool
) -> None:
    choice = choose([candidate(*c) for c in curve])
    assert (choice.groups, choice.why, choice.weak) == (groups, why, weak)


def test_one_cloud_of_customers_has_no_stable_groups() -> None:
    x = np.random.default_rng(0).normal(size=(3000, 3))
    features = tuple(Feature(name) for name in "abc")
    model = BehaviourGroups(features, most_groups=5, starts=3, pairs=4).fit(x)
    assert model.choice_.why == "unstable"


# --- what can't be grouped ---


@pytest.mark.parametrize(
    ("x", "code"),
    [
        (np.empty((0, 3)), "no_rows"),
        (X[:59], "too_few_rows"),
        (np.ones((500, 3)), "no_usable_features"),
        (np.full((500, 3), np.nan), "no_usable_features"),
    ],
)
def test_what_cannot_be_grouped_is_refused(x: NDArray[np.float64], code: str) -> None:
    with pytest.raises(NotEstimable) as refusal:
        quick().fit(x)
    assert refusal.value.code == code


def test_fewer_distinct_rows_than_groups_is_refused() -> None:
    x = np.repeat([[1.0, 2.0, 0.0], [9.0, 2.0, 1.0]], 100, axis=0)
    with pytest.raises(NotEstimable) as refusal:
        quick(least_groups=3).fit(x)
    assert refusal.value.code == "too_few_distinct"
    assert refusal.value.figures == {"distinct": 2, "least": 3}


def test_candidates_finer_than_the_rows_are_refused_on_the_curve() -> None:
    x = np.repeat([[1.0, 2.0, 0.0], [9.0, 2.0, 1.0], [5.0, 30.0, 2.0]], 100, axis=0)
    model = quick().fit(x)
    assert [c.refused for c in model.curve_] == [None, None, "too_few_distinct", "too_few_distinct"]
    assert model.choice_.groups == 3
    assert np.unique(model.predict(x)).size == 3
    np.testing.assert_allclose(model.certainty(x), 1)


def test_a_fit_can_be_watched_and_stopped() -> None:
    seen: list[tuple[int, int]] = []

    def watch(done: int, total: int) -> None:
        seen.append((done, total))
        if done == 1:
            raise InterruptedError

    model = quick()
    with pytest.raises(InterruptedError):
        model.fit(X, progress=watch)
    assert seen == [(0, 4), (1, 4)]
    assert not hasattr(model, "centres_")
