"""Behaviour groups against the planted ones, brand by brand; how many are found."""

from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.impute import SimpleImputer
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bench.figures import SEED, Figure, Found
from bench.planted import planted
from scoring.learning.features import Feature
from scoring.learning.groups import BehaviourGroups

BRANDS = ("gotone", "mzone", "easyown")
BEHAVIOURS = (
    "voice_minutes",
    "sms_count",
    "mms_count",
    "data_mb",
    "roaming_minutes",
    "tone_changes",
    "data_change",
)


@dataclass(frozen=True)
class Grouped:
    """A brand's customers on the training day: behaviours, planted groups, groups found."""

    x: NDArray[np.float64]
    planted: NDArray[np.str_]
    found: NDArray[np.int16]
    groups: int


@cache
def grouped(brand: str) -> Grouped:
    province = planted()
    table = province.table(province.training_day)
    truth = province.truth(province.training_day, "churn")[["customer_no", "group"]]
    table = table[table["brand"] == brand].merge(truth, on="customer_no")
    x = table[list(BEHAVIOURS)].to_numpy(dtype=np.float64, na_value=np.nan)
    model = BehaviourGroups(tuple(Feature(name) for name in BEHAVIOURS)).fit(x)
    names = table["group"].to_numpy(dtype=str)
    return Grouped(x, names, model.predict(x), model.choice_.groups)


def agreement(brand: str) -> Found:
    """Adjusted Rand index with the planted groups; the baseline is told how many there are."""
    of = grouped(brand)
    plain = make_pipeline(
        SimpleImputer(strategy="median"),
        StandardScaler(),
        KMeans(len(np.unique(of.planted)), n_init=10, random_state=SEED),
    )
    baseline = adjusted_rand_score(of.planted, plain.fit_predict(of.x))
    return Found(adjusted_rand_score(of.planted, of.found), len(of.x), baseline=baseline)


def groups_found(brand: str) -> Found:
    """How many groups; the baseline is how many were planted."""
    of = grouped(brand)
    return Found(of.groups, len(of.x), baseline=len(np.unique(of.planted)))


FIGURES = (
    *(
        Figure(
            f"groups_{brand}",
            f"agreement with {brand}'s planted groups, adjusted Rand",
            partial(agreement, brand),
            bar=0.8,
        )
        for brand in BRANDS
    ),
    *(
        Figure(
            f"groups_{brand}_number",
            f"{brand}'s groups: found, planted",
            partial(groups_found, brand),
        )
        for brand in BRANDS
    ),
)
