"""The tree of the movement index beside a plain decision tree, in the same folds."""

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from bench.figures import SEED, Figure, Found, out_of_fold
from bench.planted import planted
from bench.public_data import Outcomes, bigml_churn, ibm_telco, outcomes
from sample.churn import DRIVERS
from scoring.learning.features import one_hot
from scoring.learning.index_tree import IndexTree

PLAIN_LEAF = 0.01
RESAMPLES = 200
TENTHS = 10
Floats = NDArray[np.float64]


@cache
def planted_churn() -> Outcomes:
    """The training day of the sample province: who left within 30 days."""
    province = planted()
    table = province.table(province.training_day)
    inputs = table.drop(columns=["customer_no", "left_within_30d"])
    inputs["joined_on"] = (pd.to_datetime(inputs["joined_on"]) - pd.Timestamp(0)).dt.days
    return outcomes("planted", inputs, table["left_within_30d"], table["customer_no"])


@cache
def scored(data: Callable[[], Outcomes]) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Outcomes, our index (0–100) and the plain tree's share, each row by trees it is not in."""
    found = data()

    def ours(x: Floats, y: NDArray[np.bool_], new: Floats) -> Floats:
        return IndexTree(found.features).fit(x, y).predict(new)

    def plain(x: Floats, y: NDArray[np.bool_], new: Floats) -> Floats:
        tree = DecisionTreeClassifier(min_samples_leaf=PLAIN_LEAF, random_state=0)
        tree.fit(one_hot(x, found.features), y)
        return tree.predict_proba(one_hot(new, found.features))[:, 1]

    return found.y, out_of_fold(found.x, found.y, ours), out_of_fold(found.x, found.y, plain)


def auc(data: Callable[[], Outcomes]) -> Found:
    y, index, share = scored(data)
    rng = np.random.default_rng(SEED)
    draws = rng.integers(0, len(y), (RESAMPLES, len(y))) if len(y) < 50_000 else ()
    found = [roc_auc_score(y[rows], index[rows]) for rows in draws]
    low, high = np.quantile(found, (0.025, 0.975)) if found else (None, None)
    return Found(roc_auc_score(y, index), len(y), low, high, roc_auc_score(y, share))


def calibration(data: Callable[[], Outcomes]) -> Found:
    y, index, share = scored(data)
    return Found(calibration_error(y, index / 100), len(y), baseline=calibration_error(y, share))


def calibration_error(y: NDArray[np.bool_], share: Floats) -> float:
    """Mean distance of probability and outcome over tenths of the rows by probability."""
    tenths = np.array_split(np.argsort(share, kind="stable"), TENTHS)
    return sum(abs(y[t].mean() - share[t].mean()) * len(t) for t in tenths) / len(y)


def drivers_recovered() -> Found:
    """Share of the planted drivers among the tree's first ten."""
    data = planted_churn()
    first = list(IndexTree(data.features).fit(data.x, data.y).drivers_)[:10]
    return Found(len(set(DRIVERS) & set(first)) / len(DRIVERS), len(DRIVERS))


FIGURES = (
    Figure("tree.bigml_churn", "AUC out of fold", partial(auc, bigml_churn), 0.89),
    Figure("tree.bigml_churn.calibration", "mean error", partial(calibration, bigml_churn)),
    Figure("tree.ibm_telco", "AUC out of fold", partial(auc, ibm_telco), 0.827),
    Figure("tree.ibm_telco.calibration", "mean error", partial(calibration, ibm_telco)),
    Figure("tree.planted", "AUC out of fold", partial(auc, planted_churn)),
    Figure("tree.planted.calibration", "mean error", partial(calibration, planted_churn)),
    Figure("tree.planted.drivers", "planted drivers in the first ten", drivers_recovered),
)
