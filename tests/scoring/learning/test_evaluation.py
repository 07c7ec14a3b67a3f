"""The report of a version: figures that agree with the plain way, whatever the order of rows."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import ks_2samp, norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from scoring.learning.curves import ladder, points
from scoring.learning.evaluation import age_bands, evaluate, tenths
from scoring.learning.refusal import NotEstimable


def made(rows: int = 5000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes of probabilities that are right."""
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(2 - 1.5 * rng.normal(size=rows)))
    return rng.random(rows) < p, p


def by_hand(y: np.ndarray, score: np.ndarray) -> list[float]:
    """Positives per tenth: every row of a tie is spread evenly over the places of the tie."""
    n = len(y)
    found = np.zeros(10)
    for row in range(n):
        first, tied = (score > score[row]).sum(), (score == score[row]).sum()
        for tenth in range(10):
            low, high = tenth * n / 10, (tenth + 1) * n / 10
            found[tenth] += y[row] * max(0.0, min(high, first + tied) - max(low, first)) / tied
    return found.tolist()


@settings(deadline=None)  # how long a case takes is the machine's affair
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=3, max_size=45))
def test_a_tie_at_an_edge_counts_by_share(rows: list[tuple[bool, int]]) -> None:
    rows = [*rows, (True, 2)]
    y, score = np.array([r[0] for r in rows]), np.array([float(r[1]) for r in rows])
    found = tenths(ladder(y, score))
    np.testing.assert_allclose([t.positives for t in found], by_hand(y, score), atol=1e-9)
    assert found[-1].gain.value == pytest.approx(1)


def test_figures_are_those_of_the_plain_way() -> None:
    y, p = made()
    found = evaluate(y, p)
    assert found.auc.value == pytest.approx(roc_auc_score(y, p))
    assert found.ks == pytest.approx(ks_2samp(p[y], p[~y]).statistic)
    assert found.calibration.brier == pytest.approx(brier_score_loss(y, p))
    assert found.calibration.log_loss == pytest.approx(log_loss(y, p))
    top = np.sort(p)[-500]
    assert found.tenths[0].lift.value == pytest.approx(y[p >= top].mean() / y.mean())
    assert found.tenths[2].gain.value == pytest.approx(y[np.argsort(-p)[:1500]].sum() / y.sum())


def test_the_separation_is_reached_at_its_cut() -> None:
    y, p = made()
    found = evaluate(y, p)
    called = p >= found.ks_cut
    assert called[y].mean() - called[~y].mean() == pytest.approx(found.ks)
    assert found.confusion.chosen == "separation"
    assert found.confusion.cut == found.ks_cut


def drawn_row_by_row(y: np.ndarray, score: np.ndarray, draws: int) -> tuple[float, float]:
    """KS's limits, the rows of either outcome drawn again one by one."""
    rng = np.random.default_rng(7)
    yes, no = score[y], score[~y]
    found = [
        ks_2samp(rng.choice(yes, len(yes)), rng.choice(no, len(no)), method="asymp").statistic
        for _ in range(draws)
    ]
    low, high = np.quantile(found, [0.025, 0.975])
    ks = ks_2samp(yes, no, method="asymp").statistic
    return 2 * ks - high, 2 * ks - low


@pytest.mark.parametrize("digits", [2, 9])
@pytest.mark.parametrize("rows", [400, 4000])
def test_the_interval_of_the_separation_is_that_of_drawing_every_row(
    rows: int, digits: int
) -> None:
    y, p = made(rows)
    p = p.round(digits)  # with ties, and with more scores than steps
    found = evaluate(y, p)
    wanted = drawn_row_by_row(y, p, 1000)
    assert (found.ks_low, found.ks_high) == pytest.approx(wanted, abs=0.015)
    assert found.ks_low < found.ks < found.ks_high
    assert evaluate(y, p) == found  # the same rows, the same draws


def test_the_interval_of_the_separation_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    truth = 2 * norm.cdf(0.5) - 1  # of two normals, one deviation apart
    held = 0
    for _ in range(60):
        y = rng.random(3000) < 0.3
        found = evaluate(y, expit(rng.normal(size=3000) + y))
        held += found.ks_low <= truth <= found.ks_high
    assert held >= 52  # of 57 to be expected


def test_a_score_that_tells_nothing_has_an_interval_down_to_nothing() -> None:
    rng = np.random.default_rng(3)
    y = rng.random(3000) < 0.2
    found = evaluate(y, rng.random(3000))
    assert found.ks_low < 0.01
    assert 0 <= found.ks_low <= found.ks <= found.ks_high <= 1
    whole = evaluate(y, y * 1.0)
    assert (whole.ks_low, whole.ks, whole.ks_high) == (1, 1, 1)


def test_right_probabilities_are_found_calibrated() -> None:
    y, p = made(20_000)
    found = evaluate(y, p).calibration
    assert found.p is not None
    assert found.p > 0.05
    for estimate, right in ((found.slope, 1), (found.intercept, 0)):
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low < right < estimate.high
    for tenth in found.tenths:
        assert tenth.rate.value == pytest.approx(tenth.foretold, abs=0.05)


def test_boasting_and_a_wrong_level_are_told_apart() -> None:
    y, p = made(20_000)
    odds = np.log(p / (1 - p))
    boasting = evaluate(y, 1 / (1 + np.exp(-2 * odds))).calibration
    assert boasting.slope.value == pytest.approx(0.5, abs=0.05)
    assert boasting.p is not None
    assert boasting.p < 1e-6
    level = evaluate(y, 1 / (1 + np.exp(-odds + 1))).calibration
    assert level.intercept.value == pytest.approx(1, abs=0.1)
    assert level.slope.value == pytest.approx(1, abs=0.05)


def test_slope_is_that_of_an_unpenalised_regression() -> None:
    y, p = made()
    odds = np.log(p / (1 - p))[:, None]
    plain = LogisticRegression(C=np.inf, tol=1e-9).fit(odds, y)
    assert evaluate(y, p).calibration.slope.value == pytest.approx(plain.coef_[0, 0], abs=1e-5)


def test_what_can_not_be_calibrated_says_why() -> None:
    y, p = made()
    assert evaluate(y, 100 * p).calibration.not_estimable == "not_a_probability"
    assert evaluate(y, np.full(len(y), 0.2)).calibration.slope.not_estimable == "constant"
    assert evaluate(y, 0.1 + 0.8 * y).calibration.slope.not_estimable == "separated"


@pytest.mark.parametrize(("share", "calls"), [(0.1, 500), (0.25, 1250)])
def test_the_cut_follows_from_the_share_to_be_called(share: float, calls: int) -> None:
    y, p = made()
    found = evaluate(y, p, share_called=share).confusion
    hits = y[p >= np.sort(p)[-calls]].sum()
    assert found.called_positive + found.called_negative == calls
    assert found.precision.value == pytest.approx(hits / calls)
    assert found.recall.value == pytest.approx(hits / y.sum())
    assert found.left_positive == y.sum() - hits
    assert found.lift == pytest.approx(hits / calls / y.mean())


def test_a_cut_that_calls_nobody_has_no_precision() -> None:
    y, p = made()
    found = evaluate(y, p, cut=2).confusion
    assert found.precision.not_estimable == "nobody_called"
    assert found.recall.value == 0
    assert found.lift is None


def test_the_curve_has_both_ends_and_is_thin() -> None:
    y, p = made()
    curve = points(ladder(y, p))
    assert len(curve) <= 101
    assert (curve[0].recall, curve[0].alarms) == (0, 0)
    assert (curve[-1].recall, curve[-1].alarms) == (1, 1)
    area = np.trapezoid([c.recall for c in curve], [c.alarms for c in curve])
    assert area == pytest.approx(roc_auc_score(y, p), abs=0.002)
    for point in curve[1:]:
        assert point.precision == pytest.approx(y[p >= point.cut].mean())


def test_a_group_that_is_called_too_seldom_is_marked() -> None:
    y, p = made()
    city = np.array(["ning", "hang", "zhou", None, "tiny"], dtype=object)[np.arange(5000) % 4]
    city[:20] = "tiny"
    p = np.where(city == "zhou", p / 3, p)
    found = {g.group: g for g in evaluate(y, p, groups={"city": city}).groups["city"]}
    assert list(found) == ["hang", "ning", "tiny", "zhou", ""]
    assert found["zhou"].below_four_fifths
    assert not found["hang"].below_four_fifths
    mine = city == "zhou"
    called = p >= evaluate(y, p).confusion.cut
    assert found["zhou"].n == mine.sum()
    assert found["zhou"].ratio == pytest.approx(called[mine].mean() / called.mean())
    assert found["zhou"].recall.value == pytest.approx(called[mine & y].mean())
    assert found["zhou"].auc.value == pytest.approx(roc_auc_score(y[mine], p[mine]))
    assert found["tiny"].below_four_fifths is None
    assert found["tiny"].ratio is None
    assert found["tiny"].auc.not_estimable in ("too_few_outcomes", "one_class")


def test_an_age_belongs_to_one_band() -> None:
    ages = np.array([14, 24.9, 25, 34, 35, 65, 90, np.nan])
    wanted = ["<25", "<25", "25–34", "25–34", "35–44", "65+", "65+", None]
    assert age_bands(ages).tolist() == wanted


def test_a_report_is_plain() -> None:
    y, p = made()
    city = np.array(["a", "b"], dtype=object)[np.arange(5000) % 2]
    told = json.dumps(asdict(evaluate(y, p, groups={"city": city})), allow_nan=False)
    assert json.loads(told)["n"] == 5000


@pytest.mark.parametrize("positives", [0, 29, 500])
def test_too_few_outcomes_are_refused(positives: int) -> None:
    with pytest.raises(NotEstimable) as refused:
        evaluate(np.arange(500) < positives, np.arange(500.0))
    assert refused.value.code == ("too_few_outcomes" if positives == 29 else "one_class")
