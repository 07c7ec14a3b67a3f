"""Was it the lot that decided who is treated? If features foretell the arm, nothing is measured.

Two things are looked at. Balance: each feature's standardised mean difference between the arms
(Austin 2009), with Welch's test, adjusted for the number of columns. Predictability: the
cross-validated AUC of models that try to tell the arm from all features (linear and trees, their
ranks averaged), with DeLong's interval (1988). A lot gives 0 and 0.5; what is both clear and large
in either is refused, for then treated and control are different people.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from .features import Feature, columns_of, one_hot
from .qini import require_arms
from .refusal import NotEstimable
from .uplift_bases import NormalScores, trees

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FOLDS = 3
ROWS = 50_000  # that many tell it; more would only take longer
SURE = 0.999  # one-sided: at most one true lot in a thousand is refused
LEAST_AUC = 0.52  # below, a bias moves rates by less than their intervals do
LEAST_DIFFERENCE = 0.1  # standard deviations; the usual limit of what can be neglected


@dataclass(frozen=True)
class Balance:
    """A feature's means by arm; ``difference``: in pooled standard deviations, 0 when constant.

    ``column``: the attribute, attribute=code of a category, or attribute? for "unknown". ``p``: of
    the difference, two-sided, times the number of columns (Bonferroni).
    """

    column: str
    treated: float
    control: float
    difference: float
    p: float

    @property
    def apart(self) -> bool:
        return self.p < 1 - SURE and abs(self.difference) >= LEAST_DIFFERENCE


@dataclass(frozen=True)
class Randomisation:
    """``auc`` of telling the arm, with its 95 % interval; ``p``: one-sided, against 0.5.

    ``balance``: all columns, the least balanced first. ``rows``: those that ``auc`` rests on.
    """

    treated: int
    control: int
    rows: int
    auc: float
    low: float
    high: float
    p: float
    randomised: bool
    balance: tuple[Balance, ...]


def require_randomised(
    x: Floats, features: Sequence[Feature], treated: Flags, *, seed: int = 0
) -> Randomisation:
    """Return what ``examine`` finds, or raise NotEstimable("not_randomised" | "no_control")."""
    found = examine(x, features, treated, seed=seed)
    if not found.randomised:
        worst = found.balance[0]
        raise NotEstimable(
            "not_randomised",
            auc=found.auc, low=found.low, attribute=worst.column, difference=worst.difference,
        )  # fmt: skip
    return found


def examine(
    x: Floats, features: Sequence[Feature], treated: Flags, *, seed: int = 0
) -> Randomisation:
    """Examine an assignment. ``x``: rows × ``features``, as of before the treatment."""
    require_arms(treated)
    rows = _some(treated, seed)
    aucs = _fold_aucs(x[rows], tuple(features), treated[rows], seed)
    auc = float(np.mean([a for a, _ in aucs]))
    # Each pair of folds meets twice, as training and as test, so a chance likeness of two folds
    # counts twice: the folds' errors go together, and the mean's variance is double that of
    # independent ones.
    error = float(np.sqrt(2 * sum(v for _, v in aucs))) / len(aucs)
    low, high = (auc + norm.ppf(q) * error for q in (0.025, 0.975))
    told = balance(x, features, treated)
    clear = auc + norm.ppf(1 - SURE) * error > 0.5 and auc >= LEAST_AUC
    return Randomisation(
        treated=int(treated.sum()),
        control=int((~treated).sum()),
        rows=len(rows),
        auc=auc,
        low=float(max(low, 0.0)),
        high=float(min(high, 1.0)),
        p=float(norm.sf((auc - 0.5) / error)) if error > 0 else float(auc <= 0.5),
        randomised=not clear and not any(b.apart for b in told),
        balance=told,
    )


def balance(x: Floats, features: Sequence[Feature], treated: Flags) -> tuple[Balance, ...]:
    """Return each column's standardised mean difference, the largest first, ties by name.

    Unknown numbers take no part in their means; that they are unknown is a column of its own.
    """
    columns: list[tuple[str, Floats, Flags]] = []
    for name, column in zip(columns_of(features), one_hot(x, features).T, strict=True):
        unknown = np.isnan(column)
        if unknown.any():
            columns.append((f"{name}?", unknown.astype(np.float64), treated))
        columns.append((name, column[~unknown], treated[~unknown]))
    found = [_difference(*told, of=len(columns)) for told in columns]
    return tuple(sorted(found, key=lambda b: (-abs(b.difference), b.column)))


def _difference(name: str, column: Floats, treated: Flags, *, of: int) -> Balance:
    a, b = column[treated], column[~treated]
    if not len(a) or not len(b):
        return Balance(name, 0.0, 0.0, 0.0, 1.0)
    means = float(a.mean()), float(b.mean())
    apart = means[0] - means[1]
    spread = float(np.sqrt((a.var() + b.var()) / 2))
    if spread == 0:
        return Balance(name, *means, float(np.sign(apart)), float(apart == 0))
    z = apart / np.sqrt(a.var() / len(a) + b.var() / len(b))
    p = min(1.0, of * 2 * float(norm.sf(abs(z))))
    return Balance(name, *means, apart / spread, p)


def _some(treated: Flags, seed: int) -> NDArray[np.intp]:
    if len(treated) <= ROWS:
        return np.arange(len(treated))
    return np.sort(np.random.default_rng(seed).choice(len(treated), ROWS, replace=False))


def _fold_aucs(
    x: Floats, features: tuple[Feature, ...], treated: Flags, seed: int
) -> list[tuple[float, float]]:
    """Return AUC and its variance per fold, on rows that its models have not seen."""
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    aucs = []
    with threadpool_limits(limits=1):
        for train, test in folds.split(x, treated):
            scale = NormalScores(features).fit(x[train])
            linear = LogisticRegression(C=0.01, max_iter=1000)
            linear.fit(scale.transform(x[train]), treated[train])
            boosted = HistGradientBoostingClassifier(**trees(features, seed))
            boosted.fit(x[train], treated[train])
            ranks = rankdata(scale.dot(x[test], linear.coef_.T)[:, 0])
            ranks += rankdata(boosted.decision_function(x[test]))
            aucs.append(delong(treated[test], ranks))
    return aucs


def delong(y: Flags, score: Floats) -> tuple[float, float]:
    """Return the AUC and its variance (DeLong, DeLong & Clarke-Pearson 1988), by ranks."""
    positive, negative = score[y], score[~y]
    m, n = len(positive), len(negative)
    ranks = rankdata(np.concatenate([positive, negative]))
    above = (ranks[:m] - rankdata(positive)) / n
    below = 1.0 - (ranks[m:] - rankdata(negative)) / m
    return float(above.mean()), float(above.var(ddof=1) / m + below.var(ddof=1) / n)
