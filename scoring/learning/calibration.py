"""Do so many happen as were foretold? Of probabilities against what came."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, xlogy
from scipy.stats import norm

from common.rates import Z

from .curves import Ladder
from .estimates import Estimate, refusal, share, unknown
from .refusal import Code

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]

# A probability of 0 or 1 has no logit: the nearest that is taken for it.
EDGE = 1e-6
STEPS = 50


@dataclass(frozen=True)
class Foretold:
    """A tenth of the rows by probability: ``foretold`` their mean, ``rate`` what came."""

    tenth: int
    foretold: float
    rate: Estimate


@dataclass(frozen=True)
class Calibration:
    """``intercept``: log-odds by which the level is too low (0: right), the slope held at 1;
    ``slope``: 1 right, below 1 too sure of itself (Cox 1958). ``z``: Spiegelhalter's (1986), whose
    ``p`` is the chance of so bad a fit of a model that is right.
    """

    tenths: list[Foretold]
    brier: float | None
    log_loss: float | None
    intercept: Estimate
    slope: Estimate
    z: float | None
    p: float | None
    not_estimable: Code | None = None


def calibration(y: Truths, probability: Floats, rungs: Ladder) -> Calibration:
    """Hold ``probability`` (0 to 1, no NaN) against ``y``; ``rungs``: the ladder of both."""
    edges = np.linspace(0.0, rungs.n, 11)
    size = rungs.n / 10
    hits, sums = np.diff(rungs.hits_of(edges)), np.diff(rungs.sums_of(edges))
    tenths = [
        Foretold(i + 1, float(sums[i] / size), share(float(hits[i]), size)) for i in range(10)
    ]
    safe = np.clip(probability, EDGE, 1 - EDGE)
    loss = float(-(xlogy(y, safe) + xlogy(~y, 1 - safe)).mean())
    brier = float(np.mean((probability - y) ** 2))
    intercept, slope = _cox(y, logit(safe))
    z = _spiegelhalter(y, probability)
    p = None if z is None else float(2 * norm.sf(abs(z)))
    return Calibration(tenths, brier, loss, intercept, slope, z, p)


def no_calibration(code: Code, n: float) -> Calibration:
    return Calibration([], None, None, unknown(code, n), unknown(code, n), None, None, code)


def _spiegelhalter(y: Truths, p: Floats) -> float | None:
    """Z = Σ (y - p)(1 - 2p) / √Σ (1 - 2p)² p (1 - p); None where nothing varies."""
    tilt = 1 - 2 * p
    variance = float(np.sum(tilt**2 * p * (1 - p)))
    return float(np.sum((y - p) * tilt)) / sqrt(variance) if variance > 0 else None


def _cox(y: Truths, odds: Floats) -> tuple[Estimate, Estimate]:
    """The intercept with the log-odds as offset, and the slope of a logistic regression on them."""
    n = len(y)
    code = refusal(y)
    if code:
        return unknown(code, n), unknown(code, n)
    one = np.ones((n, 1))
    level = _newton(one, y, odds)
    both = _newton(np.column_stack([one, odds - odds.mean()]), y, np.zeros(n))
    return _told(level, 0, n), _told(both, 1, n) if np.ptp(odds) > 0 else unknown("constant", n)


def _told(fit: tuple[Floats, Floats] | None, place: int, n: int) -> Estimate:
    if fit is None:
        return unknown("separated", n)
    value, half = float(fit[0][place]), Z * float(fit[1][place])
    return Estimate(value, value - half, value + half, n)


def _newton(design: Floats, y: Truths, offset: Floats) -> tuple[Floats, Floats] | None:
    """Weights and standard errors of a logistic regression; None: they run away to infinity."""
    weights = np.zeros(design.shape[1])
    for _ in range(STEPS):
        p = expit(offset + design @ weights)
        information = (design * (p * (1 - p))[:, None]).T @ design
        if not np.linalg.cond(information) < 1e12:
            return None
        step = np.linalg.solve(information, design.T @ (y - p))
        # Newton overshoots where the curve is flat: a step is at most one unit.
        weights = weights + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            return weights, np.sqrt(np.diag(np.linalg.inv(information)))
    return None
