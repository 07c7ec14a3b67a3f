"""Retention response: Hillstrom's randomised e-mails, and the pilots of the sample province.

Out of fold (5 folds, stratified by arm and outcome), beside a T-learner of plain logistic
regressions in the same folds. The pilots are measured twice: out of fold with what the customers
did, and, fitted on the whole pilot, over all eligible customers outside it with the planted
probabilities, which carry no noise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.figures import FOLDS, SEED, Figure, Found
from bench.planted import CUSTOMERS, planted
from bench.public_data import hillstrom, outcomes
from scoring.learning.features import Feature, one_hot
from scoring.learning.qini import UpliftQuality, measure, qini
from scoring.learning.uplift import Uplift

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Score = Callable[["Trial", NDArray[np.intp], Floats], Floats]

PILOTS = ("P0003", "P0006", "P0016", "P0018")
ARMS = {
    "womens": ("Womens E-Mail",),
    "mens": ("Mens E-Mail",),
    "both": ("Mens E-Mail", "Womens E-Mail"),
}
INPUTS = [
    "recency",
    "history",
    "history_segment",
    "mens",
    "womens",
    "zip_code",
    "newbie",
    "channel",
]
REPEATS = 200  # resamplings of a pilot, for the interval of a share of the oracle's Qini
OF_ORACLE = 70  # %, the bar


@dataclass(frozen=True)
class Trial:
    """A randomised trial; ``effect``: the planted uplift, where it is known."""

    features: tuple[Feature, ...]
    x: Floats
    y: Flags
    treated: Flags
    effect: Floats | None = None


@cache
def visits(arm: str) -> Trial:
    """Who visited the shop after an e-mail; control: none sent."""
    frame = hillstrom()
    frame = frame[frame["segment"].isin([*ARMS[arm], "No E-Mail"])].reset_index(drop=True)
    read = outcomes("hillstrom", frame[INPUTS], frame["visit"] == 1, frame.index.to_series())
    return Trial(read.features, read.x, read.y, (frame["segment"] != "No E-Mail").to_numpy())


@cache
def pilot(policy: str, customers: int = CUSTOMERS) -> tuple[Trial, Floats, Floats]:
    """Return the pilot, and all other eligible customers: features and planted uplift."""
    province = planted(customers)
    day = province.first_day
    table = province.table(day).drop(columns=["joined_on", "left_within_30d"])
    table = table.set_index("customer_no")
    trial = province.truth(day, "pilots").query("policy == @policy").set_index("customer_no")
    people = province.truth(day, "people").set_index("customer_no")
    effect = people[f"contacted_{policy.lower()}"] - people[f"alone_{policy.lower()}"]
    others = effect.dropna().index.difference(trial.index)
    asked = table.loc[trial.index.append(others)].reset_index(drop=True)
    no_matter = pd.Series(np.zeros(len(asked), dtype=bool))
    read = outcomes(policy, asked, no_matter, no_matter)
    n = len(trial)
    planted_effect = (trial["contacted_p"] - trial["alone_p"]).to_numpy()
    ordered, contacted = trial["ordered"].to_numpy(bool), trial["contacted"].to_numpy(bool)
    pilot = Trial(read.features, read.x[:n], ordered, contacted, planted_effect)
    return pilot, read.x[n:], effect.loc[others].to_numpy()


def ours(trial: Trial, train: NDArray[np.intp], x: Floats) -> Floats:
    model = Uplift(trial.features)
    return model.fit(trial.x[train], trial.y[train], trial.treated[train]).predict(x)


def plain(trial: Trial, train: NDArray[np.intp], x: Floats) -> Floats:
    """The T-learner of two logistic regressions, the unknown counting as average."""
    seen = one_hot(trial.x[train], trial.features)
    average = np.nanmean(seen, axis=0)
    asked = one_hot(x, trial.features)
    seen, asked = (np.where(np.isnan(z), average, z) for z in (seen, asked))
    scores = []
    for arm in (trial.treated[train], ~trial.treated[train]):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        scores.append(model.fit(seen[arm], trial.y[train][arm]).predict_proba(asked)[:, 1])
    return scores[0] - scores[1]


def out_of_fold(trial: Trial, score: Score) -> Floats:
    scores = np.full(len(trial.y), np.nan)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for train, test in folds.split(trial.x, 2 * trial.treated + trial.y):
        scores[test] = score(trial, train, trial.x[test])
    return scores


@cache
def visits_quality(arm: str) -> tuple[UpliftQuality, float]:
    trial = visits(arm)
    base = qini(out_of_fold(trial, plain), trial.y, trial.treated)
    return measure(out_of_fold(trial, ours), trial.y, trial.treated), base


def visits_qini(arm: str) -> Found:
    """Visits gained per 1,000 treated, above random order."""
    quality, base = visits_quality(arm)
    q = quality.qini
    return Found(1000 * q.value, quality.rows, 1000 * q.low, 1000 * q.high, 1000 * base)


def visits_low(arm: str) -> Found:
    quality, _ = visits_quality(arm)
    return Found(1000 * quality.qini.low, quality.rows)


def visits_p(arm: str) -> Found:
    quality, _ = visits_quality(arm)
    return Found(quality.beats_random, quality.rows)


def expected_share(policy: str, customers: int = CUSTOMERS) -> Found:
    """% of the oracle's Qini over eligible customers outside the pilot."""
    trial, x, effect = pilot(policy, customers)
    everyone = np.arange(len(trial.y))
    best = _expected_qini(effect, effect)
    found, base = (_expected_qini(score(trial, everyone, x), effect) for score in (ours, plain))
    return Found(100 * found / best, len(effect), baseline=100 * base / best)


def observed_share(policy: str, customers: int = CUSTOMERS) -> Found:
    """% of the oracle's Qini with what the pilot's customers did; interval by bootstrap."""
    trial, _, _ = pilot(policy, customers)
    assert trial.effect is not None
    scores = {"ours": out_of_fold(trial, ours), "plain": out_of_fold(trial, plain)}

    def share(name: str, rows: NDArray[np.intp] | slice) -> float:
        told = trial.y[rows], trial.treated[rows]
        return 100 * qini(scores[name][rows], *told) / qini(trial.effect[rows], *told)

    rng = np.random.default_rng(SEED)
    n = len(trial.y)
    shares = [share("ours", rng.integers(n, size=n)) for _ in range(REPEATS)]
    low, high = np.percentile(shares, [2.5, 97.5])
    everyone = slice(None)
    return Found(share("ours", everyone), n, float(low), float(high), share("plain", everyone))


def _expected_qini(score: Floats, effect: Floats) -> float:
    """The Qini coefficient of the planted uplift itself, by the definition's integral."""
    gain = np.cumsum(effect[np.argsort(-score, kind="stable")]) / len(effect)
    return float(np.mean(gain) - gain[-1] / 2)


FIGURES = (
    *(
        figure
        for arm in ARMS
        for figure in (
            Figure(f"uplift.hillstrom.{arm}", "Qini, visits per 1,000 treated",
                   partial(visits_qini, arm)),
            Figure(f"uplift.hillstrom.{arm}.low", "lower end of its interval",
                   partial(visits_low, arm), None if arm == "mens" else 0.0),
            Figure(f"uplift.hillstrom.{arm}.p", "random orders that reach it",
                   partial(visits_p, arm), None if arm == "mens" else 0.05, at_least=False),
        )
    ),
    *(
        figure
        for policy in PILOTS
        for figure in (
            Figure(f"uplift.planted.{policy}", "Qini of the oracle's, outside the pilot",
                   partial(expected_share, policy), OF_ORACLE, unit="%"),
            Figure(f"uplift.planted.{policy}.observed", "the same in the pilot, out of fold",
                   partial(observed_share, policy), OF_ORACLE, unit="%"),
        )
    ),
)  # fmt: skip
