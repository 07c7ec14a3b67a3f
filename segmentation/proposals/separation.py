"""How well the cells of a proposed matrix separate an outcome, on customers that took no part.

Pure. Rates are learned from one half of the sample; every figure is measured on the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod, sqrt

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeClassifier

from common.rates import Z

from ..insight.stats import Interval, Share, wilson
from .cutting import (
    LEAST_OUTCOMES,
    PRIOR,
    Candidate,
    Cut,
    Floats,
    Places,
    Truths,
    best_cuts,
    check_outcomes,
    tally,
)

# One attribute that ranks the outcome so well has most likely been told by it.
SUSPICIOUS = 0.98


@dataclass(frozen=True)
class Auc:
    """The chance that a customer with the outcome is ranked above one without."""

    value: float
    interval: Interval
    customers: int
    outcomes: int


@dataclass(frozen=True)
class CellLift:
    """One cell on the held-out customers. ``bands``: by cut, its ``bands`` is the null band."""

    bands: tuple[int, ...]
    share: Share
    lift: float | None
    interval: Interval | None


@dataclass(frozen=True)
class Separation:
    """What is to be expected of the cells, and of a tree that nobody rounded, on held-out rows."""

    base: Share
    cells: tuple[CellLift, ...]
    auc: Auc
    tree: Auc


def measure(
    cuts: Sequence[Cut],
    candidates: Sequence[Candidate],
    outcome: Truths,
    held_out: Truths,
    *,
    least: int,
) -> Separation:
    """Rates are learned from the fitted half, everything told is measured on the held-out."""
    values = {c.code: c.values for c in candidates}
    places = np.zeros(len(outcome), np.int64)
    for cut in cuts:
        places = places * (cut.bands + 1) + cut.places(values[cut.attribute])
    fit = ~held_out
    size = prod(cut.bands + 1 for cut in cuts)
    n, hits = tally(places[fit], outcome[fit], size)
    base = hits.sum() / n.sum()
    rates = (hits + PRIOR * base) / (n + PRIOR)
    leaves = prod(cut.bands for cut in cuts)
    return Separation(
        base=Share(int(outcome[held_out].sum()), int(held_out.sum())),
        cells=_lifts(cuts, places[held_out], outcome[held_out], size),
        auc=auc(outcome[held_out], rates[places[held_out]]),
        tree=auc(outcome[held_out], _tree(candidates, outcome, held_out, leaves, least)),
    )


def _lifts(cuts: Sequence[Cut], places: Places, outcome: Truths, size: int) -> tuple[CellLift, ...]:
    """The cells that hold anybody, the greatest rate first."""
    shape = [cut.bands + 1 for cut in cuts]
    n, hits = tally(places, outcome, size)
    base = float(outcome.mean())
    found = []
    for place in np.flatnonzero(n):
        share = Share(int(hits[place]), int(n[place]))
        bands = tuple(int(band) for band in np.unravel_index(place, shape))
        if share.known < LEAST_OUTCOMES or not base:
            found.append(CellLift(bands, share, None, None))
            continue
        limits = wilson(share.hits, share.known)
        lift = share.hits / share.known / base
        interval = Interval(limits.low / base, limits.high / base)
        found.append(CellLift(bands, share, lift, interval))
    return tuple(sorted(found, key=lambda c: (-(c.share.value or 0.0), c.bands)))


def _tree(
    candidates: Sequence[Candidate], outcome: Truths, held_out: Truths, leaves: int, least: int
) -> Floats:
    """The rates that a tree of as many leaves as cells gives the held-out."""
    x = np.column_stack([_encoded(c, outcome, held_out) for c in candidates]).astype(np.float32)
    tree = DecisionTreeClassifier(
        max_leaf_nodes=max(2, leaves), min_samples_leaf=max(1, least), random_state=0
    )
    tree.fit(x[~held_out], outcome[~held_out])
    rates: Floats = tree.predict_proba(x[held_out])[:, 1]
    return rates


def _encoded(candidate: Candidate, outcome: Truths, held_out: Truths) -> Floats:
    """A category's values as their rates in the fitted half; everything else as it is."""
    if candidate.kind != "categories":
        return np.where(np.isfinite(candidate.values), candidate.values, np.nan)
    known = candidate.values >= 0
    fit = known & ~held_out
    n, hits = tally(candidate.values[fit].astype(np.int64), outcome[fit], len(candidate.codes))
    base = outcome[~held_out].mean()
    rates = (hits + PRIOR * base) / (n + PRIOR)
    encoded = np.full(len(candidate.values), np.nan)
    encoded[known] = rates[candidate.values[known].astype(np.int64)]
    return encoded


def auc(outcome: Truths, score: Floats) -> Auc:
    """The area under the ROC curve with its interval (Hanley and McNeil 1982, eq. 2).

        Var = (A (1 - A) + (n₁ - 1)(A/(2 - A) - A²) + (n₀ - 1)(2A²/(1 + A) - A²)) / (n₁ n₀)

    Raises NotEstimable ``too_few_outcomes``.
    """
    check_outcomes(outcome)
    a = float(roc_auc_score(outcome, score))
    hits = int(outcome.sum())
    rest = len(outcome) - hits
    spread = a * (1 - a) + (hits - 1) * (a / (2 - a) - a * a)
    spread += (rest - 1) * (2 * a * a / (1 + a) - a * a)
    half = Z * sqrt(max(0.0, spread) / (hits * rest))
    return Auc(a, Interval(max(0.0, a - half), min(1.0, a + half)), len(outcome), hits)


def suspicious(candidates: Sequence[Candidate], outcome: Truths, least: int) -> list[str]:
    """The attributes each of which alone ranks the outcome almost without fault."""
    found = []
    for candidate in candidates:
        for cut in best_cuts(candidate, outcome, least)[-1:]:
            n, hits = tally(cut.places(candidate.values), outcome, cut.bands + 1)
            if area_of_bands(n, hits) >= SUSPICIOUS:
                found.append(candidate.code)
    return found


def area_of_bands(n: Places, hits: Places) -> float:
    """The area under the ROC curve of the bands' own rates: pairs of a band count half."""
    order = np.argsort(hits / np.maximum(n, 1), kind="stable")
    hit, missed = hits[order].astype(float), (n - hits)[order].astype(float)
    below = np.cumsum(missed) - missed
    pairs = hit.sum() * missed.sum()
    return float((hit * (below + missed / 2)).sum() / pairs) if pairs else 0.5
