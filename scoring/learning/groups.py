"""Behaviour groups 客户群 of one brand: who behaves alike, and how many kinds there are (S2, S3).

K-means with many starts over prepared columns. Gaussian mixtures (diagonal, tied, full) came as
near to planted groups when told how many there are, and no nearer than by 0.01 of the adjusted Rand
index; so the simpler one stands, by which a customer's group is one matrix product.

The number of groups is chosen by two figures per candidate:

stability   two samples of the rows that share a half are grouped apart; the adjusted Rand index
            says how far they agree on the shared rows (Ben-Hur, Elisseeff and Guyon 2002; Hubert
            and Arabie 1985). Mean of ``pairs`` pairs, with Student's 95 % interval.
silhouette  how much nearer a customer is to his own group than to the next, -1 to 1
            (Rousseeuw 1987); below 0.25 the groups cut a continuum (Kaufman and Rousseeuw 1990).

Chosen is, among candidates of a stability of at least STABLE, the best silhouette. If even that is
below SUBSTANTIAL (columns that tell nothing blur every group), the silhouette hardly tells
candidates apart: then the finest one within ALIKE of the best, since it repeats and says more.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, pairwise_distances, silhouette_score
from threadpoolctl import threadpool_limits

from .features import Feature
from .preparation import Preparation
from .reasons import NONE, STRONGEST, Reason
from .refusal import NotEstimable

STABLE = 0.85
ALIKE = 0.03
SUBSTANTIAL = 0.25
# Fewer rows per group than this, and its centre is that of a handful.
ROWS_PER_GROUP = 30
# Rows that candidates are compared on; pairwise distances are kept of the second many.
COMPARED, MEASURED = 10_000, 4_000
# Rows drawn for a pair: either sample has two thirds of them, the shared third is compared.
DRAWN = 7_500

Floats = NDArray[np.float64]
Positions = NDArray[np.int16]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Candidate:
    """One number of groups on the curve; ``within``: share of the variance left within groups.

    ``refused``: why the figures are None.
    """

    groups: int
    stability: float | None = None
    low: float | None = None
    high: float | None = None
    silhouette: float | None = None
    within: float | None = None
    refused: Literal["too_few_distinct"] | None = None


@dataclass(frozen=True)
class Choice:
    """The number of groups and why.

    best      of the stable candidates, the highest silhouette
    finer     the best is weak; this one is stable, finer, and within ALIKE of it
    unstable  no candidate is stable; this one is the least unstable
    only      it was the only candidate

    ``weak``: the silhouette is below SUBSTANTIAL, the groups cut a continuum.
    """

    groups: int
    why: Literal["best", "finer", "unstable", "only"]
    weak: bool


class BehaviourGroups:
    """Groups of customers who behave alike, with as many as the data bear.

    Parameters
    ----------
    features : the columns of ``x``; a brand's rows are picked outside.
    least_groups, most_groups : the range to choose from; equal: as given.
    most_rows : fit on a sample of so many rows at most.
    starts, pairs, seed : of k-means, of stability, of every draw.

    ``fit`` learns ``preparation_``, ``centres_`` (groups × columns, prepared), ``spread_`` (mean
    square per column around the own centre), ``codes_`` ("g1" is the largest group of the sample),
    ``last_number_`` (the highest number of a code ever given), ``curve_``, ``choice_``, ``rows_``
    (fitted on) and ``reasons_``. Unknown values count as Preparation says.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        least_groups: int = 2,
        most_groups: int = 12,
        most_rows: int = 50_000,
        starts: int = 8,
        pairs: int = 8,
        seed: int = 0,
    ) -> None:
        self.features = features
        self.least_groups = least_groups
        self.most_groups = most_groups
        self.most_rows = most_rows
        self.starts = starts
        self.pairs = pairs
        self.seed = seed

    def fit(self, x: Floats, progress: Progress | None = None) -> Self:
        """Choose and fit. NotEstimable: no_rows, too_few_rows, too_few_distinct, no_usable…"""
        least = ROWS_PER_GROUP * self.least_groups
        if 0 < len(x) < least:
            raise NotEstimable("too_few_rows", least=least, rows=len(x))
        rng = np.random.default_rng(self.seed)
        rows = np.sort(rng.permutation(len(x))[: self.most_rows])
        preparation = Preparation(self.features).fit(x[rows])
        z = np.ascontiguousarray(preparation.transform(x[rows]))
        distinct = len(np.unique(z, axis=0))
        if distinct < self.least_groups:
            raise NotEstimable("too_few_distinct", distinct=distinct, least=self.least_groups)
        # Sums over several threads come in any order: with one, the same rows give the same model.
        with threadpool_limits(limits=1):
            curve, centres = self._compare(z, rng, progress)
            choice = choose(curve)
            model = KMeans(choice.groups, init=centres[choice.groups], n_init=1).fit(z)
        sizes = np.bincount(model.labels_, minlength=choice.groups)
        order = np.lexsort((*model.cluster_centers_.T[::-1], -sizes))
        self.preparation_, self.curve_, self.choice_, self.rows_ = (
            preparation,
            curve,
            choice,
            len(z),
        )
        self.spread_ = max(float(model.inertia_) / z.size, 1e-12)
        self._take(model.cluster_centers_[order], [f"g{i + 1}" for i in range(choice.groups)])
        self.last_number_ = choice.groups
        return self

    def predict(self, x: Floats) -> Positions:
        """Return each row's position in ``codes_``: the nearest centre, of equals the first."""
        nearest: Positions = self._nearest(self.preparation_.transform(x)).astype(np.int16)
        return nearest

    def certainty(self, x: Floats) -> Floats:
        """Return how surely a row belongs to its group, 1 / groups to 1.

        It is the group's posterior among equally likely round groups of the spread found.
        """
        nearness = self._nearness(self.preparation_.transform(x))
        nearness -= nearness.max(axis=1, keepdims=True)
        nearness /= 2 * self.spread_
        certainty: Floats = 1 / np.exp(nearness, out=nearness).sum(axis=1)
        return certainty

    def reasons(self, x: Floats) -> Positions:
        """Return the attributes that put him nearer to his group's centre than to the average's.

        An attribute counts by how much nearer; unknown values are no reasons.
        """
        z = self.preparation_.transform(x)
        group = self._nearest(z)
        starts = self.preparation_.starts_of_features()
        owners = self.preparation_.owner_[starts]
        # z² - (z - c)², the average being 0.
        nearer = np.add.reduceat((2 * z - self.centres_[group]) * self.centres_[group], starts, 1)
        nearer[np.isnan(x[:, owners])] = 0
        found = np.full((len(x), STRONGEST), NONE, np.int16)
        rows = np.arange(len(x))
        for rank in range(min(STRONGEST, len(owners))):
            strongest = nearer.argmax(axis=1)
            speaks = rows[nearer[rows, strongest] > 0]
            which = strongest[speaks]
            # Numbers have one entry; a category's value says which of its entries.
            value = np.where(self.is_category_[which], x[speaks, owners[which]], 0)
            slot = self.slots_[which] + value.astype(np.int64)
            found[speaks, rank] = self.entries_[group[speaks], slot]
            nearer[rows, strongest] = -np.inf
        return found

    def renamed(self, codes: Sequence[str], last_number: int) -> Self:
        """Return the same groups under other codes, in the order of their numbers."""
        renamed = copy.copy(self)
        order = np.argsort([number(code) for code in codes])
        renamed._take(self.centres_[order], [codes[i] for i in order])
        renamed.last_number_ = last_number
        return renamed

    def _nearest(self, z: Floats) -> NDArray[np.int64]:
        nearest: NDArray[np.int64] = self._nearness(z).argmax(axis=1)
        return nearest

    def _nearness(self, z: Floats) -> Floats:
        """Rows × groups: |z|² less the squared distance to the centre."""
        nearness: Floats = z @ (2 * self.centres_.T)
        nearness -= (self.centres_**2).sum(axis=1)
        return nearness

    def _compare(
        self, z: Floats, rng: np.random.Generator, progress: Progress | None
    ) -> tuple[list[Candidate], dict[int, Floats]]:
        """Return the curve, and of each candidate that has figures the centres."""
        compared = z[np.sort(rng.permutation(len(z))[:COMPARED])]
        measured = rng.permutation(len(compared))[:MEASURED]
        apart = pairwise_distances(compared[measured])
        np.fill_diagonal(apart, 0)
        draws = [rng.permutation(len(z))[:DRAWN] for _ in range(self.pairs)]
        most = max(self.least_groups, min(self.most_groups, len(z) // ROWS_PER_GROUP))
        candidates = range(self.least_groups, most + 1)
        curve, centres = [], {}
        for done, groups in enumerate(candidates):
            if progress is not None:
                progress(done, len(candidates))
            model = self._grouped(compared, groups)
            agreements = [self._agreement(z[rows], groups) for rows in draws]
            labels = None if model is None else model.labels_[measured]
            if model is None or labels is None or None in agreements or _one(labels):
                curve.append(Candidate(groups, refused="too_few_distinct"))
                continue
            stability = _with_interval([a for a in agreements if a is not None])
            silhouette = float(silhouette_score(apart, labels, metric="precomputed"))
            total = float(((compared - compared.mean(axis=0)) ** 2).sum())
            within = float(model.inertia_) / total
            curve.append(Candidate(groups, *stability, silhouette, within))
            centres[groups] = model.cluster_centers_
        if not centres:
            distinct = len(np.unique(compared, axis=0))
            raise NotEstimable("too_few_distinct", distinct=distinct, least=self.least_groups)
        if progress is not None:
            progress(len(candidates), len(candidates))
        return curve, centres

    def _agreement(self, drawn: Floats, groups: int) -> float | None:
        third = len(drawn) // 3
        one = self._grouped(drawn[: 2 * third], groups)
        other = self._grouped(drawn[third : 3 * third], groups)
        if one is None or other is None:
            return None
        return float(adjusted_rand_score(one.labels_[third:], other.labels_[:third]))

    def _grouped(self, z: Floats, groups: int) -> KMeans | None:
        """Return the best of many starts; None where the rows are too much alike for it."""
        if len(np.unique(z, axis=0)) < groups:
            return None
        return KMeans(groups, n_init=self.starts, random_state=self.seed).fit(z)

    def _take(self, centres: Floats, codes: list[str]) -> None:
        """Set the groups, and with them the catalogue of reasons.

        ``entries_``: groups × slots, positions in ``reasons_``. A feature's slots begin at
        ``slots_``: one of a number, one per code of a category (``is_category_``).
        """
        self.centres_, self.codes_ = centres, codes
        blocks = self.preparation_.columns_of_features()
        features = [self.features[self.preparation_.owner_[b.start]] for b in blocks]
        widths = [len(f.categories or ("",)) for f in features]
        self.is_category_ = np.array([f.categories is not None for f in features])
        self.slots_ = np.cumsum([0, *widths[:-1]])
        self.entries_ = np.full((len(codes), sum(widths)), NONE, np.int16)
        self.reasons_: list[Reason] = []
        for group, centre in enumerate(centres):
            for feature, block, slot in zip(features, blocks, self.slots_, strict=True):
                for offset, reason in self._speaking(feature, block, centre[block]):
                    self.entries_[group, slot + offset] = len(self.reasons_)
                    self.reasons_.append(reason)

    def _speaking(self, feature: Feature, block: slice, centre: Floats) -> list[tuple[int, Reason]]:
        """The values of an attribute that are nearer to the centre than to the average."""
        prepared = self.preparation_
        if feature.categories is None:
            if centre[0] == 0:
                return []
            half = prepared.original(block.start, centre[0] / 2)
            if prepared.whole_[block.start]:
                half = float(np.ceil(half))
            if centre[0] > 0:
                return [(0, Reason(feature.attribute, low=half))]
            return [(0, Reason(feature.attribute, high=half))]
        found = []
        for code in prepared.code_[block]:
            z = ((prepared.code_[block] == code) - prepared.centre_[block]) / prepared.scale_[block]
            if ((2 * z - centre) * centre).sum() > 0:
                found.append(
                    (int(code), Reason(feature.attribute, codes=(feature.categories[code],)))
                )
        return found


def choose(curve: Sequence[Candidate]) -> Choice:
    """Choose among the candidates that have figures, of which there is one at least."""
    known = [(c.groups, c.stability, c.silhouette) for c in curve if c.refused is None]
    measured = [(g, st, si) for g, st, si in known if st is not None and si is not None]
    stable = [m for m in measured if m[1] >= STABLE]
    why: Literal["best", "finer", "unstable", "only"]
    if not stable:
        groups, _, silhouette = max(measured, key=lambda m: (m[1], -m[0]))
        why = "unstable"
    else:
        best = max(m[2] for m in stable)
        alike = ALIKE if best < SUBSTANTIAL else 0.0
        groups, _, silhouette = max(m for m in stable if m[2] >= best - alike)
        why = "best" if silhouette == best else "finer"
    if len(curve) == 1:
        why = "only"
    return Choice(groups, why, silhouette < SUBSTANTIAL)


def number(code: str) -> int:
    """The number of a group's code: 3 of "g3"."""
    return int(code.removeprefix("g"))


def _one(labels: NDArray[np.int32]) -> bool:
    """Whether all are in one group: none is nearer than another."""
    return bool((labels == labels[0]).all())


def _with_interval(values: list[float]) -> tuple[float, float, float]:
    """Mean of an index of at most 1, and Student's 95 % interval."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, -1.0, 1.0
    half = float(student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5)
    return mean, max(-1.0, mean - half), min(1.0, mean + half)
