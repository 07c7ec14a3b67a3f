"""One feature and the outcome: its values, their rates, and values that know the outcome."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from common.rates import wilson

from .features import Feature

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
Whole = NDArray[np.intp]

FOLDS = 3
# Where a number is cut to see how the outcome goes with it: at twentieths, and finer at the ends.
CUTS = np.r_[0.005, 0.01, 0.02, np.arange(0.05, 1.0, 0.05), 0.98, 0.99, 0.995]
# Rows of the base rate that are added to each value's, so that a rare code tells little.
PRIOR = 20.0


@dataclass(frozen=True)
class Values:
    """Each row's value as a position in ``names``, of which the last is "missing".

    ``ordered``: they are ranges of a number.
    """

    positions: Whole
    names: list[str]
    ordered: bool


def values_of(column: Floats, y: Truths, feature: Feature) -> Values:
    """Return the rows' codes, or of a number the ranges "low … high" (low < value ≤ high).

    Ranges are cut where the values of all rows lie, and where those of the rarer outcome do.
    """
    missing = np.isnan(column)
    if feature.categories is not None:
        names = [*feature.categories, "unseen"]
        values = np.where(missing, len(names), column).astype(np.intp)
        return Values(values, [*names, "missing"], ordered=False)
    edges = np.union1d(_cuts(column[~missing]), _cuts(column[~missing & rarer_of(y)]))
    ends = ["", *[f"{e:g}" for e in edges], ""]
    names = [f"{a} … {b}".strip() for a, b in pairwise(ends)]
    values = np.where(missing, len(names), np.searchsorted(edges, column)).astype(np.intp)
    return Values(values, [*names, "missing"], ordered=True)


def rarer_of(y: Truths) -> Truths:
    """Which rows have the rarer outcome."""
    return y if y.mean() <= 0.5 else ~y


def _cuts(known: Floats) -> Floats:
    return np.unique(np.quantile(known, CUTS, method="lower")) if len(known) else np.empty(0)


def rates(values: Whole, y: Truths, folds: Whole) -> Floats:
    """Return each row's rate of the outcome among the other folds' rows of the same value."""
    size = int(values.max()) + 1
    cells = folds * size + values
    n = np.bincount(cells, minlength=FOLDS * size).reshape(FOLDS, size)
    hits = np.bincount(cells[y], minlength=FOLDS * size).reshape(FOLDS, size)
    others, their_hits = n.sum(axis=0) - n, hits.sum(axis=0) - hits
    base = their_hits.sum(axis=1, keepdims=True) / others.sum(axis=1, keepdims=True)
    found: Floats = ((their_hits + PRIOR * base) / (others + PRIOR))[folds, values]
    return found


def one_outcome(values: Values, y: Truths, pure: float, coverage: float) -> str | None:
    """Return what comes with the rarer outcome only, at a share of ``pure`` or more (lower limit).

    Asked of all that are known together, of a number's two ends up to each cut, and of each value;
    told is the one with the most rows. None: there is none, or they hold less than ``coverage`` of
    that outcome.
    """
    size = len(values.names)
    rarer = rarer_of(y)
    n = np.bincount(values.positions, minlength=size).astype(np.float64)
    hits = np.bincount(values.positions[rarer], minlength=size).astype(np.float64)
    if wilson(hits[:-1].sum(), n[:-1].sum())[0] >= pure:
        return "known"
    if values.ordered:
        for name, rows, found in _ends(values.names[:-1], n[:-1], hits[:-1]):
            if found >= coverage * rarer.sum() and wilson(found, rows)[0] >= pure:
                return name
    alone = wilson(hits, n)[0] >= pure
    if not alone.any() or hits[alone].sum() < coverage * rarer.sum():
        return None
    return values.names[int(np.argmax(np.where(alone, n, -1.0)))]


def _ends(names: list[str], n: Floats, hits: Floats) -> list[tuple[str, float, float]]:
    """A number's lower and upper ends: what they are, their rows and hits, the most rows first."""
    lower = zip(names[:-1], np.cumsum(n)[:-1], np.cumsum(hits)[:-1], strict=True)
    upper = zip(names[1:], np.cumsum(n[::-1])[-2::-1], np.cumsum(hits[::-1])[-2::-1], strict=True)
    ends = [(f"… {name.split(' … ')[-1]}", rows, found) for name, rows, found in lower]
    ends += [(f"{name.split(' … ')[0]} …", rows, found) for name, rows, found in upper]
    return sorted(ends, key=lambda end: -end[1])
