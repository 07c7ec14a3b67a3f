"""The Markov baseline: on simulated chains few false alarms, and what was planted is found."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from segmentation.flow.expected import MarkovChain, OutflowBaseline, outflows_of

FIRST = date(2026, 5, 1)
CELLS = 40


def simulated(
    days: int, seed: int, *, shock: float = 0.0, cells: int = CELLS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """History and today of cells whose customers leave at a rate of their own.

    ``shock``: the standard deviation of a day's logarithmic deviation from the rate.
    """
    rng = np.random.default_rng(seed)
    size = rng.integers(60, 20_000, cells)
    rate = rng.uniform(0.002, 0.2, cells)
    tables = []
    for day in range(days + 1):
        todays = np.clip(rate * np.exp(rng.normal(-(shock**2) / 2, shock, cells)), 0, 1)
        stayed = size - rng.binomial(size, todays)
        dated = FIRST + timedelta(days=day)
        tables.append(
            pd.DataFrame({"date": dated, "cell": np.arange(cells), "size": size, "stayed": stayed})
        )
    return pd.concat(tables[:-1]), tables[-1]


def scored(history: pd.DataFrame, today: pd.DataFrame) -> pd.DataFrame:
    return OutflowBaseline().fit(history, places=CELLS + 1).score(today)


def null_days(shock: float, days: int, number: int = 200) -> tuple[np.ndarray, float]:
    """All p of days on which nothing happened, and the share of these days with an alarm."""
    scores = [scored(*simulated(days, seed, shock=shock)) for seed in range(number)]
    p = np.concatenate([s["p"].to_numpy() for s in scores])
    return p[~np.isnan(p)], float(np.mean([s["unusual"].any() for s in scores]))


# --- nothing happened ---


@pytest.mark.parametrize(
    ("shock", "days", "least", "most", "alarms"),
    [
        (0.0, 28, 0.025, 0.05, 0.05),
        (0.1, 28, 0.035, 0.055, 0.09),
        (0.3, 28, 0.035, 0.055, 0.12),
        (0.3, 5, 0.035, 0.06, 0.10),
    ],
)
def test_two_hundred_null_days_have_about_the_nominal_rate(
    shock: float, days: int, least: float, most: float, alarms: float
) -> None:
    p, alarm = null_days(shock, days)
    assert least <= (p < 0.05).mean() <= most
    assert (p < 0.001).mean() <= 0.003
    assert alarm <= alarms


def test_customers_who_leave_together_are_not_taken_for_single_ones() -> None:
    """A plain binomial would find a third of all null cells unusual at 5 %."""
    history, today = simulated(28, 3, shock=0.3, cells=400)
    score = scored(history, today)
    plain = [
        stats.binomtest(int(row.observed), int(row.size_), row.expected / row.size_).pvalue
        for row in score.rename(columns={"size": "size_"}).itertuples()
    ]
    assert np.mean(np.array(plain) < 0.05) > 0.3
    assert (score["p"] < 0.05).mean() < 0.08


# --- something happened ---


def planted(factor: float, seed: int) -> pd.Series:
    """The score of one cell whose outflow of about 200 is multiplied today."""
    history, today = simulated(28, seed, shock=0.1)
    for table in (history, today):
        table.loc[table["cell"] == 0, "size"] = 4000
    rng = np.random.default_rng(seed)
    history.loc[history["cell"] == 0, "stayed"] = 4000 - rng.binomial(4000, 0.05, 28)
    today.loc[0, "stayed"] = 4000 - rng.binomial(4000, 0.05 * factor)
    return scored(history, today).iloc[0]


def test_an_outflow_half_as_great_again_is_found_among_forty_cells() -> None:
    found = [planted(1.5, seed) for seed in range(60)]
    assert np.mean([cell["unusual"] for cell in found]) >= 0.95
    assert all(cell["z"] > 0 for cell in found)


def test_too_few_who_leave_is_found_too_and_has_a_negative_score() -> None:
    cell = planted(0.4, 1)
    assert cell["unusual"]
    assert cell["z"] < -3
    assert cell["observed"] < cell["low"]


def test_z_is_as_unusual_as_p() -> None:
    score = scored(*simulated(28, 5, shock=0.2))
    np.testing.assert_allclose(2 * stats.norm.sf(score["z"].abs()), score["p"], rtol=1e-9)
    told = score[score["p"] < 1]
    np.testing.assert_array_equal(np.sign(told["z"]), np.sign(told["observed"] - told["expected"]))


def test_the_interval_holds_the_outflow_in_ninety_five_of_a_hundred() -> None:
    scores = pd.concat([scored(*simulated(28, seed, shock=0.1)) for seed in range(40)])
    inside = scores["observed"].between(scores["low"], scores["high"])
    assert 0.93 <= inside.mean() <= 0.97
    assert (scores["low"] >= 0).all()
    assert (scores["high"] <= scores["size"]).all()


def test_q_is_benjamini_and_hochbergs() -> None:
    score = scored(*simulated(28, 2, shock=0.3))
    ordered = score.sort_values("p")
    steps = ordered["p"] * len(ordered) / np.arange(1, len(ordered) + 1)
    by_hand = np.minimum.accumulate(steps[::-1])[::-1].clip(upper=1)
    np.testing.assert_allclose(ordered["q"], by_hand)


# --- by hand ---


def table(rows: list[tuple[int, int, int, int]]) -> pd.DataFrame:
    """Rows of (day, cell, size, stayed)."""
    made = pd.DataFrame(rows, columns=["date", "cell", "size", "stayed"])
    made["date"] = [FIRST + timedelta(days=day) for day in made["date"]]
    return made


SIX_DAYS = table([(day, 7, 100, 100 - left) for day, left in enumerate((8, 10, 12, 9, 11, 10))])


def test_the_figures_are_those_of_the_equations() -> None:
    baseline = OutflowBaseline().fit(SIX_DAYS, places=4)
    assert (baseline.cells_.tolist(), baseline.days_.tolist()) == ([7], [6])
    assert baseline.leaving_[0] == pytest.approx(1 - (540 + 1 / 4) / 601)
    # (3): Σ(x - 10)² = 10, each over 100 · 0.1 · 0.9 = 9, by 5 degrees of freedom.
    assert baseline.dispersion_[0] == pytest.approx(10 / 9 / 5)
    (cell,) = baseline.score(pd.DataFrame({"cell": [7], "size": [200], "stayed": [150]})).iloc
    assert cell["expected"] == pytest.approx(200 * baseline.leaving_[0])
    assert (cell["observed"], cell["size"], cell["days"]) == (50, 200, 6)
    # The days differ less than single customers would: then single customers are the measure.
    alone = 2 * stats.binom.sf(49, 200, baseline.leaving_[0])
    assert cell["p"] >= alone * (1 - 1e-12)
    assert cell["unusual"]


def test_only_the_last_days_are_learned_from() -> None:
    old = table([(-day, 7, 100, 0) for day in range(1, 40)])
    with_old = OutflowBaseline(days=6).fit(pd.concat([old, SIX_DAYS]), places=4)
    assert with_old.leaving_ == OutflowBaseline().fit(SIX_DAYS, places=4).leaving_


def test_order_of_rows_does_not_matter() -> None:
    history, today = simulated(10, 4, shock=0.1)
    shuffled = history.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(scored(history, today), scored(shuffled, today))


# --- what can't be estimated ---


def reason(history: pd.DataFrame, size: int = 100, cell: int = 7) -> str:
    today = pd.DataFrame({"cell": [cell], "size": [size], "stayed": [size - size // 2]})
    score = OutflowBaseline().fit(history, places=4).score(today).iloc[0]
    if score["reason"]:
        assert score[["z", "p", "q", "low", "high"]].isna().all()
        assert not score["unusual"]
    return score["reason"]


def test_less_than_five_days_are_too_short_a_history() -> None:
    assert reason(SIX_DAYS[:4]) == "short_history"
    assert reason(SIX_DAYS[:5]) == ""


def test_days_on_which_a_cell_was_empty_are_none_of_its_days() -> None:
    empty = table([(day, 7, 0, 0) for day in range(10, 20)])
    assert reason(pd.concat([SIX_DAYS[:4], empty])) == "short_history"


def test_a_cell_without_history_is_told_so_and_has_no_expectation() -> None:
    assert reason(SIX_DAYS, cell=8) == "short_history"
    today = pd.DataFrame({"cell": [8], "size": [100], "stayed": [90]})
    score = OutflowBaseline().fit(SIX_DAYS, places=4).score(today).iloc[0]
    assert np.isnan(score["expected"])
    assert score["days"] == 0


def test_no_history_at_all_is_told_of_every_cell() -> None:
    assert reason(SIX_DAYS[:0]) == "short_history"


def test_fewer_than_fifty_customers_are_too_few() -> None:
    assert reason(SIX_DAYS, size=49) == "small_cell"
    assert reason(SIX_DAYS, size=50) == ""


@pytest.mark.parametrize("left", [0, 10, 100])
def test_days_that_do_not_differ_give_no_variance(left: int) -> None:
    assert reason(table([(day, 7, 100, 100 - left) for day in range(9)])) == "no_variance"


def test_one_rate_at_several_sizes_gives_no_variance_either() -> None:
    assert reason(table([(d, 7, 30 * d, 27 * d) for d in range(1, 9)])) == "no_variance"


def test_nobody_today_gives_no_scores() -> None:
    score = OutflowBaseline().fit(SIX_DAYS, places=4).score(SIX_DAYS[:0])
    assert len(score) == 0
    assert "unusual" in score


@pytest.mark.filterwarnings("error")
def test_extremes_are_finite() -> None:
    wild = table([(day, 7, 1000, 1000 * (day % 2)) for day in range(8)])
    today = pd.DataFrame({"cell": [7, 7, 7], "size": [1000, 1000, 50], "stayed": [0, 1000, 25]})
    score = OutflowBaseline().fit(wild, places=4).score(today)
    assert np.isfinite(score[["z", "p", "q", "low", "high"]].to_numpy(float)).all()
    tame = OutflowBaseline().fit(SIX_DAYS, places=4)
    huge = pd.DataFrame({"cell": [7], "size": [10**7], "stayed": [0]})
    assert np.isfinite(tame.score(huge)["z"].iloc[0])


# --- the chain ---


FLOWS = pd.DataFrame(
    {
        "date": [FIRST] * 6 + [FIRST + timedelta(days=1)],
        "from_cell": [1, 1, 1, 2, None, 2, 1],
        "to_cell": [1, 2, None, 2, 1, 1, 1],
        "customers": [80, 15, 5, 30, 9, 10, 100],
    }
)


def test_transitions_are_counted_and_smoothed() -> None:
    chain = MarkovChain().fit(FLOWS)
    assert chain.places_ == 3
    assert chain.sizes_.to_dict() == {1: 200, 2: 40}
    assert chain.probability(1, 1) == pytest.approx((180 + 1 / 3) / 201)
    assert chain.probability(1, None) == pytest.approx((5 + 1 / 3) / 201)
    assert chain.probability(2, None) == pytest.approx((1 / 3) / 41)
    assert chain.probability(9, 1) is None


def test_a_row_of_the_chain_adds_up_to_one() -> None:
    chain = MarkovChain(pseudo=2.5).fit(FLOWS)
    for cell in (1, 2):
        assert sum(chain.probability(cell, j) or 0 for j in (1, 2, None)) == pytest.approx(1)


def test_baseline_and_chain_agree_on_who_stays() -> None:
    chain = MarkovChain().fit(FLOWS)
    baseline = OutflowBaseline().fit(outflows_of(FLOWS), chain.places_)
    for cell, leaving in zip(baseline.cells_, baseline.leaving_, strict=True):
        assert 1 - leaving == pytest.approx(chain.probability(int(cell), int(cell)))


def test_outflows_are_those_who_did_not_stay_and_new_customers_are_none() -> None:
    rows = outflows_of(FLOWS)[["cell", "size", "stayed"]].to_numpy().tolist()
    assert rows == [[1, 100, 80], [2, 40, 30], [1, 100, 100]]
