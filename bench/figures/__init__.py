"""Figures of the models: default settings, no tuning by hand, beside a plain baseline.

A module of figures has ``FIGURES``. Our model and its baseline are measured in the same folds.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

FOLDS = 5
SEED = 7

Fit = Callable[[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Found:
    """One figure over ``n`` rows; low, high: its 95 % interval; baseline: the plain model's.

    named: what was counted, where names say more than their number.
    """

    figure: float
    n: int
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    named: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """``measure`` must find at least, or at most, ``bar``; None: only told."""

    name: str
    what: str
    measure: Callable[[], Found]
    bar: float | None = None
    at_least: bool = True
    unit: str = ""

    def holds(self, figure: float) -> bool | None:
        if self.bar is None:
            return None
        return figure >= self.bar if self.at_least else figure <= self.bar


def out_of_fold(
    x: NDArray[np.float64], y: NDArray[np.bool_], fit_and_score: Fit
) -> NDArray[np.float64]:
    """Score each row by a model that has not seen it: ``fit_and_score(x, y, x_to_score)``."""
    scores = np.full(len(y), np.nan)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=SEED)
    for train, test in folds.split(x, y):
        scores[test] = fit_and_score(x[train], y[train], x[test])
    return scores
