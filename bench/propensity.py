"""Training a propensity model, selection included, beside one plain logistic regression.

The input: 458 candidates in the manner of S2, of which 61 carry the outcome. Each of those comes
with near copies, others are noise, all with some unknown values; about 8 % have the outcome.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from bench.measure import Row, in_turns
from scoring.learning.features import Feature
from scoring.learning.propensity import Propensity

MOST_CUSTOMERS = 200_000
CANDIDATES = 458
TELLING = 61
COPIES = 4  # of each telling one, the first among them
NEARNESS = 0.3  # noise that each further copy has more
UNKNOWN = 0.03
INTERCEPT = -3.2
ROUNDS = 2
SEED = 11
FEATURES = tuple(Feature(f"candidate_{place:03d}") for place in range(CANDIDATES))


def prepare(work: Path, customers: int) -> None:
    rng = np.random.default_rng(SEED)
    x = np.lib.format.open_memmap(
        work / "x.npy",
        mode="w+",
        dtype=np.float64,
        shape=(customers, CANDIDATES),
        fortran_order=True,
    )
    eta = np.full(customers, INTERCEPT)
    for place in range(TELLING):
        truth = rng.normal(size=customers)
        eta += (0.15 + 0.15 * rng.random()) * truth
        for copy in range(COPIES):
            x[:, place * COPIES + copy] = _shaped(
                truth + NEARNESS * copy * rng.normal(size=customers), place
            )
    for place in range(TELLING * COPIES, CANDIDATES):
        x[:, place] = _shaped(rng.normal(size=customers), place)
    for column in x.T:
        column[rng.random(customers) < UNKNOWN] = np.nan
    np.save(work / "y.npy", rng.random(customers) < 1 / (1 + np.exp(-eta)))


def _shaped(values: NDArray[np.float64], place: int) -> NDArray[np.float64]:
    """As it comes, as money (skewed) or as a count."""
    if place % 3 == 1:
        return np.round(np.exp(3 + values), 2)
    if place % 3 == 2:
        return np.floor(np.exp(0.8 * values))
    return values


def training(work: Path, customers: int) -> float:
    """Seconds over those of a plain fit on as many columns, imputed and scaled before."""
    x, y = np.load(work / "x.npy"), np.load(work / "y.npy")
    plain = x[:, : TELLING * COPIES : COPIES]
    plain = np.where(np.isnan(plain), np.nanmean(plain, axis=0), plain)
    plain = np.ascontiguousarray((plain - plain.mean(axis=0)) / plain.std(axis=0))
    ours, theirs = in_turns(
        ROUNDS,
        lambda: Propensity(FEATURES).fit(x, y),
        lambda: LogisticRegression().fit(plain, y),
    )
    return ours / theirs


def telling(work: Path, customers: int) -> float:
    """How many of those that carry the outcome are kept, as one or another of their copies."""
    kept = _kept(work)
    return float(len({place // COPIES for place in kept if place < TELLING * COPIES}))


def useless(work: Path, customers: int) -> float:
    """How many are kept of those that have nothing to do with the outcome."""
    return float(sum(place >= TELLING * COPIES for place in _kept(work)))


def _kept(work: Path) -> list[int]:
    return Propensity(FEATURES).fit(np.load(work / "x.npy"), np.load(work / "y.npy")).kept_


ROWS = [
    Row(
        "propensity.training",
        "200,000 × 458, selection included, over one plain fit on 61 columns",
        training,
        30.0,
    ),
    Row("propensity.telling", "kept of 61 that carry the outcome", telling, None, ""),
    Row("propensity.useless", "kept of 214 that carry nothing", useless, None, ""),
]
