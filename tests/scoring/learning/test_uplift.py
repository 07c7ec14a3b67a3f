"""Uplift by customer: what was planted is found, what is not there is not, bias is refused."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from skops.io import dumps, get_untrusted_types, loads

from bench.public_data import FOLDER, hillstrom, outcomes
from scoring.learning import uplift as learned
from scoring.learning.features import Feature
from scoring.learning.qini import measure, qini
from scoring.learning.refusal import NotEstimable
from scoring.learning.uplift import Uplift
from scoring.learning.uplift_bases import NormalScores
from scoring.learning.uplift_parts import Parts

FEATURES = (
    Feature("arpu"),
    Feature("bill_change"),
    Feature("brand", ("GT", "MZ", "EO")),
    Feature("noise"),
    Feature("empty"),
    Feature("same"),
)
Trial = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def trial(n: int = 6000, seed: int = 3, share: float = 0.5, effect: float = 1.0) -> Trial:
    """Rows, outcomes, treated, true uplift: falling bills and M-Zone make a contact work."""
    rng = np.random.default_rng(seed)
    x = np.column_stack(
        [
            np.exp(4 + rng.normal(size=n)),
            rng.normal(scale=20, size=n),
            rng.integers(3, size=n),
            rng.normal(size=n),
            np.full(n, np.nan),
            np.ones(n),
        ]
    )
    base = -2 + 0.5 * (np.log(x[:, 0]) - 4)
    alone = expit(base)
    moved = expit(base + effect * (-x[:, 1] / 20 + 0.8 * (x[:, 2] == 1)))
    treated = rng.random(n) < share
    y = rng.random(n) < np.where(treated, moved, alone)
    x[:, :2][rng.random((n, 2)) < 0.03] = np.nan
    return x, y, treated, moved - alone


@pytest.fixture(scope="module")
def fitted() -> Uplift:
    x, y, treated, _ = trial()
    return Uplift(FEATURES).fit(x, y, treated)


@pytest.fixture(scope="module")
def unseen() -> Trial:
    return trial(seed=4)


def test_ranks_customers_it_has_not_seen_nearly_as_the_truth_would(
    fitted: Uplift, unseen: Trial
) -> None:
    x, y, treated, truth = unseen
    found = fitted.predict(x)
    assert qini(found, y, treated) > 0.85 * qini(truth, y, treated)
    assert np.corrcoef(found, truth)[0, 1] > 0.9


def test_uplift_and_baseline_are_of_the_right_size(fitted: Uplift, unseen: Trial) -> None:
    x, y, treated, truth = unseen
    assert fitted.predict(x).mean() == pytest.approx(truth.mean(), abs=0.02)
    assert np.polyfit(fitted.predict(x), truth, 1)[0] == pytest.approx(1, abs=0.15)
    assert fitted.baseline(x).mean() == pytest.approx(y[~treated].mean(), abs=0.02)
    assert fitted.average_baseline_ == pytest.approx(y[~treated].mean(), abs=0.02)
    assert fitted.differing_.slope_low > 0.5


def test_a_tenth_treated_is_enough() -> None:
    x, y, treated, _ = trial(9_000, share=0.1)
    model = Uplift(FEATURES).fit(x, y, treated, assignment=0.1)
    assert model.share_ == 0.1
    x, y, treated, truth = trial(seed=4)
    assert qini(model.predict(x), y, treated) > 0.7 * qini(truth, y, treated)


def test_where_nobody_differs_no_difference_is_claimed() -> None:
    x, y, treated, _ = trial(effect=0.0)
    model = Uplift(FEATURES).fit(x, y, treated)
    assert model.differing_.slope_low < 0 < model.differing_.slope_high
    assert model.differing_.mean_low < 0 < model.differing_.mean_high
    assert model.predict(x).std() < 0.02


def test_is_the_x_learner_of_the_textbook(fitted: Uplift, unseen: Trial) -> None:
    x = unseen[0][:200][:, fitted.kept_]
    models, g = fitted.models_, fitted.share_
    z = models.alone.scale.transform(x)

    def effect(of: learned.Effect) -> np.ndarray:
        return (of.linear_.predict(z) + of.trees_.predict(x)) / 2

    raw = g * effect(models.on_control) + (1 - g) * effect(models.on_treated)
    line = fitted.differing_.mean + fitted.differing_.slope * (raw - fitted.middle_)
    np.testing.assert_allclose(fitted.predict(unseen[0][:200]), line)
    boosted = expit(models.alone.trees_.predict(x))
    alone = (models.alone.linear_.predict_proba(z)[:, 1] + boosted) / 2
    np.testing.assert_allclose(fitted.baseline(unseen[0][:200]), alone)


def test_the_t_learner_is_the_difference_of_two_chances(unseen: Trial) -> None:
    x, y, treated, _ = trial(1500)
    model = Uplift(FEATURES, learner="t").fit(x, y, treated)
    assert model.learner_ == "t"
    kept = unseen[0][:, model.kept_]
    raw = model.models_.contacted.predict(kept) - model.models_.alone.predict(kept)
    line = model.differing_.mean + model.differing_.slope * (raw - model.middle_)
    np.testing.assert_allclose(model.predict(unseen[0]), np.clip(line, -1, 1))


def test_the_better_learner_is_taken_only_when_it_is_clearly_better() -> None:
    rng = np.random.default_rng(1)
    loss = rng.random(1000)
    noise = rng.normal(scale=0.1, size=1000)
    assert learned._better({"x": loss, "t": loss - 0.001 + noise - noise.mean()}) == "x"
    assert learned._better({"x": loss, "t": loss - 0.02 + noise - noise.mean()}) == "t"
    assert learned._better({"x": loss, "t": loss}) == "x"


def test_unknown_and_unseen_values_have_a_score(fitted: Uplift) -> None:
    x = np.array([[np.nan] * 6, [50, 0, 3, 0, 5, 2], [1e12, -1e12, 0, np.inf, 0, 0]])
    for score in (fitted.predict(x), fitted.baseline(x)):
        assert np.isfinite(score).all()
    assert np.abs(fitted.predict(x)).max() <= 1
    assert ((fitted.baseline(x) >= 0) & (fitted.baseline(x) <= 1)).all()
    assert fitted.reasons(x).shape == (3, 3)


def test_constant_and_empty_attributes_are_not_used_and_told(fitted: Uplift) -> None:
    assert fitted.dropped_ == ["empty", "same"]
    x, y, treated, _ = trial(1000)
    with pytest.raises(NotEstimable) as refusal:
        Uplift(FEATURES[4:]).fit(x[:, 4:], y, treated)
    assert refusal.value.code == "no_usable_features"


def test_the_strongest_reasons_are_those_that_were_planted(fitted: Uplift, unseen: Trial) -> None:
    x, _, _, _ = unseen
    places = fitted.reasons(x)
    first = [fitted.reasons_[i] for i in places[:, 0] if i >= 0]
    assert np.mean([r.attribute in ("bill_change", "brand") for r in first]) > 0.95
    falling = fitted.reasons(np.array([[55.0, -40.0, 0.0, 0.0, np.nan, 1.0]]))[0]
    reason = fitted.reasons_[falling[0]]
    assert (reason.attribute, reason.raises) == ("bill_change", True)
    assert reason.low <= -40 < reason.high
    assert fitted.fidelity_ > 0.7


def test_a_reason_holds_for_the_customer_it_is_given_for(fitted: Uplift, unseen: Trial) -> None:
    x = unseen[0][:300]
    by = {f.attribute: (j, f) for j, f in enumerate(FEATURES)}
    for row, places in zip(x, fitted.reasons(x), strict=True):
        for place in places[places >= 0]:
            reason = fitted.reasons_[place]
            j, feature = by[reason.attribute]
            if reason.missing:
                assert np.isnan(row[j])
            elif feature.categories is None:
                assert reason.low <= row[j] < reason.high
            else:
                assert feature.categories[int(row[j])] in reason.codes


def test_parts_of_a_sum_of_steps_are_its_steps() -> None:
    rng = np.random.default_rng(2)
    x = np.column_stack([rng.integers(2, size=4000), rng.integers(3, size=4000)]).astype(float)
    effect = 0.1 * x[:, 0] + np.array([0.3, 0.0, -0.3])[x[:, 1].astype(int)]
    parts = Parts((Feature("a"), Feature("b", ("u", "v", "w", "never")))).fit(x, effect)
    assert parts.fidelity_ == pytest.approx(1, abs=1e-6)
    places = parts.reasons(np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [1.0, 3.0], [1.0, 4.0]]))
    told = [[(r.attribute, r.raises) for i in p if i >= 0 for r in [parts.reasons_[i]]]
            for p in places]  # fmt: skip
    assert told[0] == [("b", True), ("a", True)]
    assert told[1] == [("b", False), ("a", False)]
    # The middle code and those that training has not seen move nothing.
    assert told[2] == told[3] == told[4] == [("a", True)]
    assert (Parts((Feature("a"),)).fit(x[:, :1], np.ones(4000)).reasons(x) == -1).all()


numbers = st.floats(-1e6, 1e6) | st.just(np.nan)
wholes = st.integers(-50, 5000).map(float) | st.just(np.nan)
codes = st.sampled_from([0.0, 1.0, 2.0, np.nan])


@given(
    st.sampled_from([numbers, wholes]).flatmap(
        lambda some: st.lists(st.tuples(some, codes), min_size=3, max_size=40)
    ),
    st.lists(numbers | wholes, max_size=10),
    st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), min_size=4, max_size=4),
)
@settings(deadline=None)
def test_scores_without_a_matrix_are_those_with_one(
    rows: list[tuple[float, float]], others: list[float], weights: list[tuple[float, float]]
) -> None:
    x = np.array(rows)
    if np.isnan(x[:, 0]).all():
        return
    scale = NormalScores((Feature("a"), Feature("b", ("u", "v")))).fit(x)
    x = np.vstack([x, [(number, 0.0) for number in others]]) if others else x
    z, w = scale.transform(x), np.array(weights)
    np.testing.assert_allclose(scale.dot(x, w), z @ w, atol=1e-9)


def test_a_number_that_no_row_of_a_fold_knows_counts_as_average() -> None:
    scale = NormalScores((Feature("a"),)).fit(np.full((5, 1), np.nan))
    x = np.array([[3.0], [np.nan]])
    assert scale.transform(x).tolist() == [[0.0, 0.0], [0.0, 1.0]]
    assert scale.dot(x, np.array([[1.0], [2.0]])).tolist() == [[0.0], [2.0]]


def test_normal_scores_change_with_the_order_only() -> None:
    x = np.random.default_rng(0).normal(size=(500, 1))
    scale, bent = NormalScores((Feature("a"),)), NormalScores((Feature("a"),))
    z, same = scale.fit(x).transform(x), bent.fit(np.exp(3 * x)).transform(np.exp(3 * x))
    assert np.corrcoef(z[:, 0], same[:, 0])[0, 1] > 0.99
    assert (z[:, 0].mean(), z[:, 0].std()) == pytest.approx((0, 1), abs=0.03)


def test_a_batch_scores_as_its_rows_do(
    fitted: Uplift, unseen: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = unseen[0]
    whole = fitted.predict(x), fitted.baseline(x), fitted.reasons(x)
    monkeypatch.setattr(learned, "BATCH", 1000)
    for a, b in zip(whole, (fitted.predict(x), fitted.baseline(x), fitted.reasons(x)), strict=True):
        np.testing.assert_array_equal(a, b)
    assert fitted.predict(x[:0]).shape == (0,)
    assert fitted.reasons(x[:0]).shape == (0, 3)


def test_same_rows_same_model_and_a_file_keeps_it(fitted: Uplift, unseen: Trial) -> None:
    x, y, treated, _ = trial()
    again = Uplift(FEATURES).fit(x, y, treated)
    file = dumps(fitted)
    read = loads(file, trusted=get_untrusted_types(data=file))
    for other in (again, read):
        np.testing.assert_array_equal(other.predict(unseen[0]), fitted.predict(unseen[0]))
        np.testing.assert_array_equal(other.reasons(unseen[0]), fitted.reasons(unseen[0]))
        assert other.reasons_ == fitted.reasons_
        assert other.differing_ == fitted.differing_


def test_a_choice_instead_of_a_lot_is_refused() -> None:
    x, y, _, _ = trial()
    liked = np.nan_to_num(x[:, 1]) < 0
    treated = np.random.default_rng(1).random(len(y)) < 0.45 + 0.1 * liked
    with pytest.raises(NotEstimable) as refusal:
        Uplift(FEATURES).fit(x, y, treated)
    assert refusal.value.code == "not_randomised"
    assert refusal.value.figures["attribute"] == "bill_change"


def test_without_a_control_or_outcomes_nothing_is_learned() -> None:
    x, y, treated, _ = trial(1000)
    with pytest.raises(NotEstimable, match="no_control"):
        Uplift(FEATURES).fit(x, y, np.ones(1000, bool))
    with pytest.raises(NotEstimable) as refusal:
        Uplift(FEATURES).fit(x, y & (treated | (np.cumsum(y & ~treated) < 30)), treated)
    assert refusal.value.code == "too_few_outcomes"
    assert refusal.value.figures["positives"] == 29
    with pytest.raises(NotEstimable, match="no_rows"):
        Uplift(FEATURES).fit(x[:0], y[:0], treated[:0])
    with pytest.raises(ValueError, match="assignment"):
        Uplift(FEATURES).fit(x, y, treated, assignment=1.0)


def test_progress_is_told_to_the_end_and_may_stop_the_fit() -> None:
    x, y, treated, _ = trial(1000)
    told: list[tuple[int, int]] = []
    Uplift(FEATURES).fit(x, y, treated, progress=lambda *p: told.append(p))
    assert told == [(i, 6) for i in range(1, 7)]

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    model = Uplift(FEATURES)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, treated, progress=stop)
    assert not hasattr(model, "models_")


@pytest.mark.skipif(
    not (FOLDER / "hillstrom").is_dir() and not os.environ.get("CI"),
    reason=f"no {FOLDER}: the real-input test needs its data",
)
def test_womens_e_mail_moves_some_more_than_others() -> None:
    """Hillstrom's trial, one half to fit, the other to measure visits."""
    frame = hillstrom()
    frame = frame[frame["segment"] != "Mens E-Mail"].reset_index(drop=True)
    asked = frame.drop(columns=["segment", "visit", "conversion", "spend"])
    data = outcomes("hillstrom", asked, frame["visit"] == 1, frame.index.to_series())
    treated = (frame["segment"] == "Womens E-Mail").to_numpy()
    order = np.random.default_rng(7).permutation(len(frame))
    fit, rest = order[::2], order[1::2]
    model = Uplift(data.features).fit(data.x[fit], data.y[fit], treated[fit])
    found = measure(model.predict(data.x[rest]), data.y[rest], treated[rest])
    assert found.qini.low > 0
    assert found.beats_random < 0.05
