"""Propensity: who leaves, who buys, and whether the planted drivers are found."""

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.figures import Figure, Found, out_of_fold
from bench.planted import planted
from bench.public_data import Outcomes, ibm_telco, outcomes, uci_bank
from sample.churn import DRIVERS
from scoring.learning.curves import ladder
from scoring.learning.estimates import Estimate, auc, limits
from scoring.learning.evaluation import tenths
from scoring.learning.features import one_hot
from scoring.learning.propensity import Propensity

Floats = NDArray[np.float64]
LABEL = "left_within_30d"
NOT_CANDIDATES = ("customer_no", "joined_on", LABEL)  # tenure says what the date of joining does
TOP = 10


def ours(data: Outcomes) -> Floats:
    return out_of_fold(
        data.x, data.y, lambda x, y, new: Propensity(data.features).fit(x, y).predict(new)
    )


def plain(data: Outcomes) -> Floats:
    """Impute, scale, one column per code, logistic regression."""
    x = one_hot(data.x, data.features)

    def fit_and_score(x: Floats, y: NDArray[np.bool_], new: Floats) -> Floats:
        model = make_pipeline(
            SimpleImputer(keep_empty_features=True),
            StandardScaler(),
            LogisticRegression(max_iter=1000),
        )
        scores: Floats = model.fit(x, y).predict_proba(new)[:, 1]
        return scores

    return out_of_fold(x, data.y, fit_and_score)


@cache
def _scores(name: str) -> tuple[NDArray[np.bool_], Floats, Floats]:
    data = ibm_telco() if name == "ibm_telco" else uci_bank().without("duration")
    return data.y, ours(data), plain(data)


def _auc(name: str) -> Found:
    y, ours, plain = _scores(name)
    return _told(auc(y, ours), auc(y, plain))


def _lift(name: str) -> Found:
    y, ours, plain = _scores(name)
    found = _told(tenths(ladder(y, ours))[0].lift, tenths(ladder(y, plain))[0].lift)
    return replace(found, n=len(y))


def _told(ours: Estimate, plain: Estimate) -> Found:
    value, low, high = limits(ours)
    return Found(value, int(ours.n), low, high, limits(plain)[0])


@cache
def _planted() -> tuple[Propensity, Floats, NDArray[np.bool_], Floats]:
    """Learn on seven customers of ten, score the rest; the true probabilities beside."""
    province = planted()
    frame = province.table(province.training_day)
    truth = province.truth(province.training_day, "churn")["leaving"].to_numpy(dtype=np.float64)
    inputs = frame.drop(columns=list(NOT_CANDIDATES))
    data = outcomes("planted", inputs, frame[LABEL].astype(bool), frame["customer_no"])
    learn = np.random.default_rng(0).random(len(data.y)) < 0.7
    model = Propensity(data.features).fit(np.asfortranarray(data.x[learn]), data.y[learn])
    return model, model.predict(data.x[~learn]), data.y[~learn], truth[~learn]


def _drivers() -> Found:
    model, _, y, _ = _planted()
    top = {driver.attribute for driver in model.drivers_[:TOP]}
    return Found(figure=float(len(top & set(DRIVERS))), n=len(y))


def _planted_auc() -> Found:
    _, scores, y, truth = _planted()
    return _told(auc(y, scores), auc(y, truth))


FIGURES = (
    Figure(
        "propensity.ibm_telco.auc",
        "churn, out of fold, AUC (.845 ± .005)",
        lambda: _auc("ibm_telco"),
        bar=0.840,
    ),
    Figure(
        "propensity.ibm_telco.lift",
        "churn, out of fold, lift of the top decile",
        lambda: _lift("ibm_telco"),
        bar=2.8,
        unit="×",
    ),
    Figure(
        "propensity.uci_bank.auc",
        "deposits without duration, out of fold, AUC",
        lambda: _auc("uci_bank"),
        bar=0.79,
    ),
    Figure(
        "propensity.uci_bank.lift",
        "deposits without duration, out of fold, lift of the top decile",
        lambda: _lift("uci_bank"),
        bar=4.3,
        unit="×",
    ),
    Figure(
        "propensity.planted.drivers",
        "planted churn: of the seven drivers, among the ten strongest",
        _drivers,
        bar=float(len(DRIVERS)),
    ),
    Figure(
        "propensity.planted.auc",
        "planted churn, other customers, AUC; baseline: the true probability's",
        _planted_auc,
    ),
)
