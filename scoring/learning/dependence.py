"""What drives a score, asked of any scorer: permutation importance, partial dependence."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from common.rates import Z

from .estimates import Estimate, delong, refusal
from .features import Feature
from .refusal import LEAST_POSITIVES, NotEstimable

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
Progress = Callable[[int, int], None]

MOST_ROWS = 2_000
MOST_ROWS_PERMUTED = 20_000


class Scorer(Protocol):
    """Any fitted model of this package."""

    features: tuple[Feature, ...]

    def predict(self, x: Floats, /) -> Floats: ...


@dataclass(frozen=True)
class Step:
    """The mean score if every row had this value: a number, a code, or neither: unknown.

    ``low``, ``high``: where the middle four fifths of the rows' scores lie. ``share``: of the rows
    with this code or unknown; of a number 0, it is a point on a line.
    """

    number: float | None
    code: str | None
    mean: float
    low: float
    high: float
    share: float


@dataclass(frozen=True)
class Dependence:
    attribute: str
    n: int
    steps: list[Step]


@dataclass(frozen=True)
class Driver:
    """``drop``: by how much the AUC falls when the feature's values are dealt out by chance."""

    attribute: str
    drop: Estimate


def dependence(
    scorer: Scorer,
    x: Floats,
    attribute: str,
    *,
    grid: int = 20,
    most_rows: int = MOST_ROWS,
    seed: int = 0,
) -> Dependence:
    """Return the score over one attribute's values, all others as they are (Friedman 2001, §8.2).

    A number is asked at ``grid`` quantiles between its 1 % and 99 % points, a category at each code
    that occurs, both as unknown where unknown occurs. Rows: at most ``most_rows``, drawn by seed.
    """
    if not len(x):
        raise NotEstimable("no_rows")
    position = [f.attribute for f in scorer.features].index(attribute)
    rows = x[_drawn(len(x), most_rows, seed)]
    changed = rows.copy(order="F")
    steps = []
    for value, share in _values(rows[:, position], scorer.features[position], grid):
        changed[:, position] = value
        steps.append(_step(scorer.predict(changed), value, share, scorer.features[position]))
    return Dependence(attribute, len(rows), steps)


def drivers(
    scorer: Scorer,
    x: Floats,
    y: Truths,
    *,
    repeats: int = 3,
    most_rows: int = MOST_ROWS_PERMUTED,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Driver]:
    """Return the features by permutation importance (Breiman 2001, §10), the strongest first.

    The drop is the mean over ``repeats`` deals, its interval DeLong's for paired scores, so that it
    tells what another sample of rows would give. Features that say the same share their importance:
    without one the model still has the other. Raises NotEstimable as ``refusal`` has it.
    """
    chosen = _drawn(len(x), most_rows, seed)
    x, y = x[chosen], y[chosen]
    code = refusal(y)
    if code:
        raise NotEstimable(code, least=LEAST_POSITIVES, positives=int(y.sum()), rows=len(y))
    rng = np.random.default_rng(seed)
    whole = scorer.predict(x)
    found = []
    changed = x.copy(order="F")
    for i, feature in enumerate(scorer.features):
        if progress:
            progress(i, len(scorer.features))
        dealt = []
        for _ in range(repeats):
            changed[:, i] = rng.permutation(x[:, i])
            dealt.append(scorer.predict(changed))
        changed[:, i] = x[:, i]
        found.append(Driver(feature.attribute, _drop(y, np.stack([whole, *dealt]))))
    return sorted(found, key=lambda d: (-(d.drop.value or 0.0), d.attribute))


def _drop(y: Truths, scores: Floats) -> Estimate:
    """The first score's AUC less the mean of the others'."""
    areas, covariance = delong(y, scores)
    drop = float((areas[0] - areas[1:]).mean())
    contrast = np.r_[1.0, np.full(len(scores) - 1, -1.0 / (len(scores) - 1))]
    half = Z * float(np.sqrt(max(0.0, contrast @ covariance @ contrast)))
    return Estimate(drop, drop - half, drop + half, len(y))


def _drawn(rows: int, most: int, seed: int) -> NDArray[np.intp]:
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _values(column: Floats, feature: Feature, grid: int) -> list[tuple[float, float]]:
    """The values to ask for, and the share of rows that have each; NaN: unknown."""
    known = column[~np.isnan(column)]
    unknown = [(float("nan"), 1 - len(known) / len(column))] if len(known) < len(column) else []
    if feature.categories is not None:
        codes, n = np.unique(known, return_counts=True)
        pairs = zip(codes.tolist(), (n / len(column)).tolist(), strict=True)
        return [(code, share) for code, share in pairs if code < len(feature.categories)] + unknown
    if not len(known):
        return unknown
    at = np.linspace(0.01, 0.99, grid)
    points = np.unique(np.quantile(known, at, method="nearest"))
    return [(float(point), 0.0) for point in points] + unknown


def _step(score: Floats, value: float, share: float, feature: Feature) -> Step:
    low, high = np.quantile(score, [0.1, 0.9])
    number = code = None
    if not np.isnan(value):
        if feature.categories is None:
            number = value
        else:
            code = feature.categories[int(value)]
    return Step(number, code, float(score.mean()), float(low), float(high), share)
