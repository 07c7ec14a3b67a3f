"""Have the customers changed since training, and does the model still separate them?

The population stability index of a feature, or of a score, from counts alone: bins are fixed at
training, each day's customers are counted into them as they stream by, counts add up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from .curves import ladder
from .estimates import Estimate, auc, difference, refusal, share, unknown
from .features import Feature
from .refusal import Code, NotEstimable

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]
Counts = list[NDArray[np.int64]]
Grade = Literal["stable", "watch", "shifted"]
Verdict = Literal["better", "worse", "no difference shown"]

SCORE = Feature("")
# What is added to each bin's count, so that an empty one gives a finite index.
SMOOTHING = 0.5
WATCH, SHIFTED = 0.1, 0.25


@dataclass(frozen=True)
class Bin:
    """One bin, at training and now. A number's: ``low`` < value ≤ ``high``, where ``low`` None
    stands for the least value at training. The outer bins take what lies a little beyond.
    """

    kind: Literal["range", "code", "unseen", "missing"]
    low: float | None
    high: float | None
    code: str | None
    share_at_training: float
    share_now: float


@dataclass(frozen=True)
class Drift:
    """How far one feature has moved; ``attribute`` "": the score itself.

    ``missing`` and ``unseen``: shares of the rows now. ``chance``: what the index would be on
    average if nothing had moved, for rows are finite. None: see ``not_estimable``.
    """

    attribute: str
    n: int
    psi: float | None
    grade: Grade | None
    chance: float | None
    missing: float | None
    unseen: float | None
    bins: list[Bin]
    not_estimable: Code | None = None


class StabilityProfile:
    """The bins of a model's features and of its score, with the counts at training.

    Parameters
    ----------
    features : as the model reads them. The score counts as one more, the last.
    bins : of a number, by quantiles at training; fewer where values repeat. A number is unseen
        where it lies further beyond training's least and greatest value than the span of its
        middle bins is wide: other customers always go a little beyond. A category has a bin per
        code and one for unseen codes. Unknown values have a bin of their own.

    ``fit`` learns ``edges_`` (per feature; a category's are empty) and ``counts_`` (per feature:
    its bins, then unseen, then missing).
    """

    def __init__(self, features: tuple[Feature, ...], *, bins: int = 10) -> None:
        self.features = features
        self.bins = bins

    def fit(self, x: Floats, score: Floats) -> Self:
        """Learn from the training rows ``x`` (rows × features) and their ``score``."""
        if not len(x):
            raise NotEstimable("no_rows")
        columns = [*x.T, score]
        self.edges_ = [
            self._edges(column) if feature.categories is None else np.empty(0)
            for column, feature in zip(columns, self._all, strict=True)
        ]
        self.counts_ = DayCounts(self).add(x, score).counts
        return self

    @property
    def _all(self) -> tuple[Feature, ...]:
        return (*self.features, SCORE)

    def _edges(self, column: Floats) -> Floats:
        """Limits of bins (limit, next limit], the first just below the least value.

        A number of few values, such as a truth, has a bin for each.
        """
        values = np.unique(column[~np.isnan(column)])
        if not len(values):
            return values
        ends = values
        if len(values) > self.bins:
            at = np.linspace(0.0, 1.0, self.bins + 1)[1:]
            ends = np.unique(np.nanquantile(column, at, method="lower"))
        return np.append(np.nextafter(values[0], -np.inf), ends)

    def drifts(
        self, now: "DayCounts", *, watch: float = WATCH, shifted: float = SHIFTED
    ) -> list[Drift]:
        """Return each feature's drift since training, the score's at the end.

        Not estimable (too_few_rows) where chance alone would give half of ``watch``.
        """
        return [
            _drift(feature, edges, then, counts, watch, shifted)
            for feature, edges, then, counts in zip(
                self._all, self.edges_, self.counts_, now.counts, strict=True
            )
        ]


class DayCounts:
    """One day's customers by the bins of a profile, counted batch by batch.

    ``every``: only each so-manieth row is counted, wherever batches end: a million rows tell as
    much as ten.
    """

    def __init__(self, profile: StabilityProfile, every: int = 1) -> None:
        self.profile = profile
        self.every = every
        self.seen = 0
        self.counts: Counts = [
            np.zeros(_size(feature, edges), dtype=np.int64)
            for feature, edges in zip(profile._all, profile.edges_, strict=True)
        ]

    def add(self, x: Floats, score: Floats) -> Self:
        """Count a batch: ``x`` rows × features, ``score`` per row."""
        first = -self.seen % self.every
        self.seen += len(x)
        columns = [*x[first :: self.every].T, score[first :: self.every]]
        for i, feature in enumerate(self.profile._all):
            if feature.categories is None:
                self.counts[i] += _numbers(columns[i], self.profile.edges_[i])
            else:
                self.counts[i] += _codes(columns[i], len(feature.categories))
        return self


def _size(feature: Feature, edges: Floats) -> int:
    bins = max(0, len(edges) - 1) if feature.categories is None else len(feature.categories)
    return bins + 2


def _numbers(column: Floats, edges: Floats) -> NDArray[np.int64]:
    """Bins of (edge, next edge], the outer ones with what lies a little beyond; unseen, missing.

    Comparing with each of a few edges is several times as fast as looking each value up in them.
    """
    column = np.ascontiguousarray(column)
    known = int(np.count_nonzero(column == column))
    reached = _reach(edges)
    above = np.array([np.count_nonzero(column > edge) for edge in reached], dtype=np.int64)
    inside = above[:-1] - above[1:]
    return np.concatenate([inside, [known - inside.sum(), len(column) - known]])


def _reach(edges: Floats) -> Floats:
    """Return the edges with the outer ones as far out as a number still counts as seen."""
    if len(edges) < 3:
        return edges
    reached = edges.copy()
    span = edges[-2] - edges[1]
    reached[[0, -1]] += [-span, span]
    return reached


def _codes(column: Floats, codes: int) -> NDArray[np.int64]:
    """Bins of each code, unseen (position ``codes``), missing."""
    positions = np.where(np.isnan(column), codes + 1, column).astype(np.intp)
    return np.bincount(positions, minlength=codes + 2)


def population_stability(then: NDArray[np.int64], now: NDArray[np.int64]) -> float:
    """Return Σ (q - p) ln(q / p) over bins with shares p at training and q now, smoothed."""
    p = (then + SMOOTHING) / (then.sum() + SMOOTHING * len(then))
    q = (now + SMOOTHING) / (now.sum() + SMOOTHING * len(now))
    return float(np.sum((q - p) * np.log(q / p)))


def _drift(
    feature: Feature,
    edges: Floats,
    then: NDArray[np.int64],
    now: NDArray[np.int64],
    watch: float,
    shifted: float,
) -> Drift:
    n, trained = int(now.sum()), int(then.sum())
    if not n:
        return Drift(feature.attribute, 0, None, None, None, None, None, [], "no_rows")
    used = int(np.count_nonzero(then + now))
    # (bins - 1)(1/n + 1/m): the index is asymptotically that multiple of a χ² (Yurdakul 2018).
    chance = (used - 1) * (1 / n + 1 / trained)
    bins = _bins(feature, edges, then / trained, now / n)
    missing, unseen = float(now[-1] / n), float(now[-2] / n)
    if chance > watch / 2:
        code: Code = "too_few_rows"
        return Drift(feature.attribute, n, None, None, chance, missing, unseen, bins, code)
    psi = population_stability(then, now)
    grade: Grade = "shifted" if psi > shifted else "watch" if psi >= watch else "stable"
    return Drift(feature.attribute, n, psi, grade, chance, missing, unseen, bins)


def _bins(feature: Feature, edges: Floats, then: Floats, now: Floats) -> list[Bin]:
    shares = [(float(p), float(q)) for p, q in zip(then, now, strict=True)]
    if feature.categories is not None:
        inner = [
            Bin("code", None, None, code, *shares[i]) for i, code in enumerate(feature.categories)
        ]
    else:
        inner = [
            Bin("range", float(edges[i]) if i else None, float(edges[i + 1]), None, *shares[i])
            for i in range(len(shares) - 2)
        ]
    ends: Sequence[Literal["unseen", "missing"]] = ("unseen", "missing")
    return inner + [
        Bin(kind, None, None, None, *pair) for kind, pair in zip(ends, shares[-2:], strict=True)
    ]


# --- performance, when labels arrive ---


@dataclass(frozen=True)
class Standing:
    """How a score stands on labelled rows: AUC, and the lift of its top tenth."""

    n: int
    positives: int
    auc: Estimate
    lift: Estimate


@dataclass(frozen=True)
class Performance:
    """Standing now less standing at training; verdict ``worse``: surely, and by more than a trifle.

    None: labels are too few, see the estimates' ``not_estimable``.
    """

    then: Standing
    now: Standing
    auc_change: Estimate
    lift_change: Estimate
    verdict: Verdict | None


def standing(y: Truths, score: Floats) -> Standing:
    """Measure a score on labelled rows; what they are too few for is not estimable."""
    code = refusal(y)
    n, positives = len(y), int(y.sum())
    if code:
        return Standing(n, positives, unknown(code, n), unknown(code, n))
    hits = float(ladder(y, score).hits_of(n / 10))
    return Standing(n, positives, auc(y, score), share(hits, positives, unit=0.1))


def performance(then: Standing, now: Standing, *, trifle: float = 0.01) -> Performance:
    """Compare ``now`` with ``then``, of other rows: AUC decides; ``trifle``: the least that counts.

    Also for two standings of one day, a city's against the province's.
    """
    change = difference(now.auc, then.auc)
    lift = difference(now.lift, then.lift)
    return Performance(then, now, change, lift, verdict_of(change, trifle))


def verdict_of(change: Estimate, trifle: float) -> Verdict | None:
    """What a change says: for sure only where its interval lies on one side, beyond a trifle."""
    if change.value is None or change.low is None or change.high is None:
        return None
    if change.high < 0 and change.value < -trifle:
        return "worse"
    if change.low > 0 and change.value > trifle:
        return "better"
    return "no difference shown"
