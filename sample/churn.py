"""Planted churn: the signs that go before leaving, and how much each of them counts.

P(left within 30 days) = 1 / (1 + exp(-(INTERCEPT + Σ coefficient · attribute))), an unknown
attribute counting as zero. Nothing else decides who leaves.
"""

from datetime import date

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import expit

from .draws import normals, pick, pick_by, poisson_table
from .groups import CHANGES, GROUPS
from .people import EPOCH, Columns, months_between

DAYS_WATCHED = 30
INTERCEPT = -4.0
# Effect on the log-odds of leaving per unit of the attribute.
DRIVERS: dict[str, float] = {
    "arpu_change": -0.065,
    "complaints_90d": 1.30,
    "competitor_calls": 1.20,
    "silent_days": 0.17,
    "call_drop_rate": 0.55,
    "tenure_months": -0.012,
    "contract_months_left": -0.16,
}
# Leaving goes on day by day: this share of the customers on an average day.
LEAVING_A_DAY = 0.0005
_MEAN_PROBABILITY = 0.056

_COMPLAINTS = poisson_table(0.16)
_COMPETITOR_CALLS = poisson_table(0.22)
_SILENT_DAYS = np.stack([poisson_table(1.6), poisson_table(8.0)])
_SILENT_GROUP = np.array([g.code == "e5" for g in GROUPS], dtype=np.int8)
_CHANGE_OF_GROUP = (0.2 * CHANGES).astype(np.float32)


def draw_signs(rng: Generator, people: Columns, day: date) -> Columns:
    """Draw a month's signs of leaving, and what the day makes of joining date and contract."""
    n = len(people["city"])
    tenure = months_between(people["joined_on"], day)
    change = _CHANGE_OF_GROUP[people["group"]] + 16 * normals(rng, n)
    drops = np.exp(-0.35 + 0.55 * normals(rng, n))
    return {
        "tenure_months": tenure,
        "contract_months_left": _months_left(people["contract_ends"], day),
        "arpu_change": two_bills(tenure, np.clip(change, -90, 200)),
        "complaints_90d": pick(rng, _COMPLAINTS, n),
        "competitor_calls": pick(rng, _COMPETITOR_CALLS, n),
        "silent_days": np.minimum(
            pick_by(rng, _SILENT_DAYS, _SILENT_GROUP[people["group"]]), DAYS_WATCHED
        ),
        "call_drop_rate": rounded(np.clip(drops, 0, 15), 2),
    }


def contributions(signs: Columns) -> NDArray[np.float64]:
    """Return each driver's part in the log-odds: drivers × customers, in the order of DRIVERS."""
    return np.stack([weight * np.nan_to_num(signs[name]) for name, weight in DRIVERS.items()])


def leaving_probability(signs: Columns) -> NDArray[np.float64]:
    """Return the true probability that each customer leaves within 30 days."""
    return expit(INTERCEPT + contributions(signs).sum(axis=0))


def leave_within_month(rng: Generator, signs: Columns) -> NDArray[np.bool_]:
    return rng.random(len(signs["tenure_months"])) < leaving_probability(signs)


def leave_today(rng: Generator, probability: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Draw who leaves on one day, in proportion to the month's probability."""
    return rng.random(len(probability)) < probability * (LEAVING_A_DAY / _MEAN_PROBABILITY)


def two_bills(tenure: NDArray[np.int16], change: NDArray) -> NDArray[np.float64]:
    """Round a change to tenths of a per cent; without two full bills there is none to compare."""
    change = rounded(change, 1)
    change[tenure < 2] = np.nan
    return change


def rounded(values: NDArray, digits: int) -> NDArray[np.float64]:
    scale = 10.0**digits
    return np.rint(values.astype(np.float64) * scale) / scale


def _months_left(ends: NDArray[np.int32], day: date) -> NDArray[np.int16]:
    days = np.maximum(ends - (day - EPOCH).days, 0)
    return ((days + 29) // 30).astype(np.int16)
