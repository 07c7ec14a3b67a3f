"""Figures with their intervals: shares, and the area under the ROC curve by DeLong's method.

What can't be estimated is None with a code beside it, never 0. All intervals are of 95 %.
"""

from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from common.rates import Z, wilson

from .refusal import LEAST_POSITIVES, Code

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True)
class Estimate:
    """A figure over ``n`` rows; ``low``, ``high``: its interval. None: see ``not_estimable``."""

    value: float | None
    low: float | None
    high: float | None
    n: float
    not_estimable: Code | None = None


def unknown(code: Code, n: float = 0) -> Estimate:
    return Estimate(None, None, None, n, code)


def share(hits: float, n: float, unit: float = 1.0) -> Estimate:
    """Return ``hits / n / unit`` with Wilson's interval; with a base rate as ``unit`` a lift."""
    if n <= 0:
        return unknown("no_rows")
    low, high = wilson(hits, n)
    return Estimate(float(hits / n / unit), float(low / unit), float(high / unit), float(n))


def mean(values: Floats) -> Estimate:
    """Return the mean with the interval of the normal limit; of one value, without one."""
    n = len(values)
    if not n:
        return unknown("no_rows")
    value = float(values.mean())
    if n == 1:
        return Estimate(value, None, None, n)
    half = Z * float(values.std(ddof=1)) / sqrt(n)
    return Estimate(value, value - half, value + half, n)


def auc(y: Truths, score: Floats) -> Estimate:
    """Return the area under the ROC curve, DeLong's variance on the logit scale.

    Not estimable below LEAST_POSITIVES of either outcome. Where the outcomes are separated wholly
    the variance is 0 and says nothing: the limit is then Wilson's for as many trials without a
    failure as there are rows of the rarer outcome.
    """
    code = refusal(y)
    if code:
        return unknown(code, len(y))
    areas, covariance = delong(y, score[None, :])
    area, deviation, n = float(areas[0]), sqrt(max(0.0, float(covariance[0, 0]))), float(len(y))
    if area in (0.0, 1.0):
        rarer = min(int(y.sum()), int((~y).sum()))
        low, high = wilson(area * rarer, rarer)
        return Estimate(area, float(low), float(high), n)
    half = Z * deviation / (area * (1 - area))
    return Estimate(area, _expit(_logit(area) - half), _expit(_logit(area) + half), n)


def refusal(y: Truths) -> Code | None:
    """Why nothing about two outcomes can be estimated from ``y``; None: it can."""
    positives = int(y.sum())
    if not len(y):
        return "no_rows"
    if positives in (0, len(y)):
        return "one_class"
    return "too_few_outcomes" if min(positives, len(y) - positives) < LEAST_POSITIVES else None


def delong(y: Truths, scores: Floats) -> tuple[Floats, Floats]:
    """Return the areas of ``scores`` (models × rows) and the covariance of their estimates.

    DeLong, DeLong and Clarke-Pearson (1988), in the O(n log n) form of Sun and Xu (2014, eqs 4-7):
    a row's share of the other outcome that it beats is told by its rank among all less its rank
    among its own. Ties count half. Both outcomes must occur, and no score may be NaN.
    """
    if np.isnan(scores).any():
        raise ValueError("a score must not be NaN")
    positives, negatives = int(y.sum()), int((~y).sum())
    among_all = rankdata(scores, axis=1)
    of_positives = (among_all[:, y] - rankdata(scores[:, y], axis=1)) / negatives
    of_negatives = 1 - (among_all[:, ~y] - rankdata(scores[:, ~y], axis=1)) / positives
    covariance = _covariance(of_positives) + _covariance(of_negatives)
    return of_positives.mean(axis=1), covariance


def difference(one: Estimate, other: Estimate) -> Estimate:
    """Return ``one - other`` of rows that are not the same (Zou and Donner 2008, eq. 1)."""
    for side in (one, other):
        if side.value is None:
            return unknown(side.not_estimable or "no_rows", side.n)
    a, la, ua = limits(one)
    b, lb, ub = limits(other)
    low = a - b - sqrt((a - la) ** 2 + (ub - b) ** 2)
    high = a - b + sqrt((ua - a) ** 2 + (b - lb) ** 2)
    return Estimate(a - b, low, high, min(one.n, other.n))


def limits(estimate: Estimate) -> tuple[float, float, float]:
    """Return value, low and high of what is estimable."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        raise ValueError(f"not estimable: {estimate.not_estimable}")
    return estimate.value, estimate.low, estimate.high


def _covariance(parts: Floats) -> Floats:
    """The covariance of the means of ``parts`` (models × rows)."""
    rows = parts.shape[1]
    if rows < 2:
        return np.zeros((len(parts), len(parts)))
    found: Floats = np.atleast_2d(np.cov(parts)) / rows
    return found


def _logit(p: float) -> float:
    return log(p / (1 - p))


def _expit(t: float) -> float:
    return 1 / (1 + exp(-t)) if t > -700 else 0.0
