"""Champion and challenger on the same rows: is the challenger better, and how surely?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, norm, rankdata

from common.rates import Z

from .curves import ladder
from .estimates import Estimate, delong, limits, refusal
from .refusal import LEAST_POSITIVES, NotEstimable

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
Verdict = Literal["better", "worse", "no difference shown"]

DRAWS = 1000
AT_ONCE = 50
# Ranks are told apart this finely where the cut may fall, as shares of all rows.
STEP, REACH = 0.001, 0.5
FEW_ROWS = 2000


@dataclass(frozen=True)
class Disagreement:
    """Rows that only one of the two calls rightly at its cut, and McNemar's exact test of them."""

    only_champion_right: int
    only_challenger_right: int
    p: float | None


@dataclass(frozen=True)
class Comparison:
    """Challenger less champion. ``auc_p``: of no difference in AUC, two-sided.

    ``verdict``: what the interval of the AUC's difference shows, unless that of the lift shows the
    contrary; ``called``: the share of rows for which lift and disagreement stand.
    """

    n: int
    positives: int
    called: float
    champion_auc: float
    challenger_auc: float
    auc_difference: Estimate
    auc_p: float
    champion_lift: float
    challenger_lift: float
    lift_difference: Estimate
    disagreement: Disagreement
    verdict: Verdict


def compare(
    y: Truths, champion: Floats, challenger: Floats, *, called: float = 0.1, seed: int = 0
) -> Comparison:
    """Compare two scores of the same rows, which neither model was fitted on.

    The AUCs by DeLong's paired test, the lifts of the ``called`` highest scores by a paired
    bootstrap of DRAWS draws, the calls by McNemar's exact test. Raises NotEstimable (no_rows,
    one_class, too_few_outcomes).
    """
    code = refusal(y)
    if code:
        raise NotEstimable(code, least=LEAST_POSITIVES, positives=int(y.sum()), rows=len(y))
    scores = np.stack([champion, challenger]).astype(np.float64)
    areas, covariance = delong(y, scores)
    area, p = _auc_difference(areas, covariance, len(y))
    lifts = [_lift(y, score, called) for score in scores]
    lift = _lift_difference(y, scores, lifts[1] - lifts[0], called, np.random.default_rng(seed))
    return Comparison(
        n=len(y),
        positives=int(y.sum()),
        called=called,
        champion_auc=float(areas[0]),
        challenger_auc=float(areas[1]),
        auc_difference=area,
        auc_p=p,
        champion_lift=lifts[0],
        challenger_lift=lifts[1],
        lift_difference=lift,
        disagreement=_disagreement(y, scores, called),
        verdict=_verdict(area, lift),
    )


def _auc_difference(areas: Floats, covariance: Floats, n: int) -> tuple[Estimate, float]:
    difference = float(areas[1] - areas[0])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    # Scores of one order differ in nothing: their variance is 0 but for the last digits.
    deviation = float(np.sqrt(variance)) if variance > 1e-15 else 0.0
    half = Z * deviation
    p = float(2 * norm.sf(abs(difference) / deviation)) if deviation else float(difference == 0)
    return Estimate(difference, difference - half, difference + half, n), p


def _lift(y: Truths, score: Floats, called: float) -> float:
    return float(ladder(y, score).hits_of(called * len(y)) / (called * y.sum()))


def _lift_difference(
    y: Truths, scores: Floats, difference: float, called: float, rng: np.random.Generator
) -> Estimate:
    """The interval between the 2.5 % and 97.5 % points of the difference in drawn rows.

    Rows are drawn with Poisson weights. Those that neither rank nor outcome tells apart are drawn
    together: only near the cut do ranks matter, so that the work does not grow with the rows.
    """
    cells, n = _cells(y, scores, called)
    draws = [_drawn(cells, n, called, rng) for _ in range(0, DRAWS, AT_ONCE)]
    low, high = np.quantile(np.concatenate(draws), [0.025, 0.975])
    return Estimate(difference, float(low), float(high), len(y))


def _drawn(cells: NDArray[np.intp], n: Floats, called: float, rng: np.random.Generator) -> Floats:
    """Return the lifts' difference in AT_ONCE draws."""
    weights = rng.poisson(n, size=(AT_ONCE, len(n))).astype(np.float64)
    hit = weights * cells[2]
    wanted = called * weights.sum(axis=1)
    found = [_hits_above(weights, hit, bins, wanted) for bins in cells[:2]]
    lifts: Floats = (found[1] - found[0]) / (called * np.maximum(hit.sum(axis=1), 1.0))
    return lifts


def _cells(y: Truths, scores: Floats, called: float) -> tuple[NDArray[np.intp], Floats]:
    """Return the distinct (bin of champion, bin of challenger, outcome), and the rows of each."""
    rows = len(y)
    places = (rankdata(-scores, axis=1) - 0.5) / rows
    if rows > FEW_ROWS:
        edges = np.arange(called * (1 - REACH), called * (1 + REACH), STEP)
        places = np.searchsorted(edges, places).astype(np.float64)
    bins = np.stack([np.unique(place, return_inverse=True)[1] for place in places])
    cells, n = np.unique(np.vstack([bins, y]).astype(np.intp), axis=1, return_counts=True)
    return cells, n.astype(np.float64)


def _hits_above(weights: Floats, hit: Floats, bins: NDArray[np.intp], wanted: Floats) -> Floats:
    """Return, per draw, the positives among the ``wanted`` rows of the highest score.

    ``weights``, ``hit``: draws × cells; ``bins``: each cell's, 0 the highest scores.
    """
    order = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.diff(bins[order], prepend=-1))
    rows = np.cumsum(np.add.reduceat(weights[:, order], starts, axis=1), axis=1)
    hits = np.cumsum(np.add.reduceat(hit[:, order], starts, axis=1), axis=1)
    edge = np.sum(rows < wanted[:, None], axis=1, keepdims=True)
    edge = np.minimum(edge, rows.shape[1] - 1)
    below = np.maximum(edge - 1, 0)
    rows_before = np.where(edge > 0, np.take_along_axis(rows, below, 1), 0.0)
    hits_before = np.where(edge > 0, np.take_along_axis(hits, below, 1), 0.0)
    here = np.take_along_axis(rows, edge, 1) - rows_before
    part = (wanted[:, None] - rows_before) / np.maximum(here, 1.0)
    found: Floats = hits_before + part * (np.take_along_axis(hits, edge, 1) - hits_before)
    return found[:, 0]


def _disagreement(y: Truths, scores: Floats, called: float) -> Disagreement:
    champion, challenger = ((s >= ladder(y, s).cut_for(called)) == y for s in scores)
    first, second = int((champion & ~challenger).sum()), int((challenger & ~champion).sum())
    p = float(binomtest(second, first + second).pvalue) if first + second else None
    return Disagreement(first, second, p)


def _verdict(area: Estimate, lift: Estimate) -> Verdict:
    _, low, high = limits(area)
    _, lift_low, lift_high = limits(lift)
    if low > 0 and lift_high >= 0:
        return "better"
    if high < 0 and lift_low <= 0:
        return "worse"
    return "no difference shown"
