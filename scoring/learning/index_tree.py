"""Movement 客户异动指数 and stickiness 客户粘性指数: one readable tree, 0 to 100 (S1)."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from math import inf
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from .features import Feature
from .reasons import NONE, STRONGEST, Reason
from .refusal import LEAST_POSITIVES, NotEstimable
from .tree_growth import (
    Floats,
    Tree,
    counts,
    encode,
    grow,
    pruned,
    ranks_of,
    smoothed,
    worth,
)

LEAST_SHARES = (0.0025, 0.005, 0.01)
LEAST_LEAF = 10
SHRINKAGES = (0.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0)
# Settings are chosen on so many rows, or on those that hold so many of the rarer outcome.
CHOOSING_ROWS = 60_000
CHOOSING_OUTCOMES = 3_000
# The tree must beat the average outside the folds of fitting by so many standard errors.
SURE = 2.0
# A probability of 0 or 1 on some rows is not one on others: a loss stays finite.
SUREST = 1e-4


@dataclass(frozen=True)
class Chosen:
    """What cross-validation chose: mean log loss per row outside the folds of fitting."""

    least_share: float
    shrinkage: float
    leaves: int
    log_loss: float


@dataclass(frozen=True)
class Span:
    """What a path says of one attribute: low <= value < high, in ranks for a category."""

    low: float = -inf
    high: float = inf
    unknown: bool = True


class IndexTree:
    """A decision tree whose score is 100 × the smoothed probability of the customer's leaf.

    Least leaf (share of the rows), number of leaves and shrinkage are chosen together by the log
    loss of a stratified cross-validation on the training rows, so that the probability is a
    calibrated one; then the tree is grown on all of them. A category's codes stand in the order of
    their rates. Grades are limits on the score and the caller's.

    Parameters
    ----------
    features : what the columns of ``x`` are.
    most_leaves : what a person can still read.
    folds, seed : of the cross-validation.

    Attributes: ``tree_`` (Tree), ``ranks_`` (place of a category → rank of each code), ``score_``
    (per node, 0–100), ``chosen_``, ``drivers_`` (attribute → share of the impurity removed, in
    descending order), ``candidates_`` (all attributes that were looked at), ``dropped_`` (those of
    them with one value or none), ``reasons_``.

    An unknown value goes where training found better, or with the more where training had none.
    A code that training has not seen goes where the unknown goes.
    """

    def __init__(
        self,
        features: tuple[Feature, ...],
        *,
        most_leaves: int = 80,
        folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.features = features
        self.most_leaves = most_leaves
        self.folds = folds
        self.seed = seed

    def fit(
        self,
        x: Floats,
        y: NDArray[np.bool_],
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> Self:
        """Fit on ``x`` (rows × features, NaN unknown) and ``y`` (True: the outcome happened).

        Raises NotEstimable: no_rows, one_class, too_few_outcomes (of the rarer outcome),
        no_usable_features, nothing_predicts (no better than the average, cross-validated).
        """
        _check(y)
        usable = _usable(x)
        if not usable.any():
            raise NotEstimable("no_usable_features", candidates=len(self.features))
        blank = np.where(usable, x, 0.0)
        total = self.folds * len(LEAST_SHARES) + 1

        def report(done: int) -> None:
            if progress:
                progress(done, total)

        some = _some(y, self.seed)
        chosen = self._choose(blank[some], y[some], report)
        ranks = ranks_of(blank, y, self.features)
        whole = grow(encode(blank, ranks), y, _least(chosen.least_share, len(y)), self.seed)
        tree = pruned(whole, worth(whole)[: chosen.leaves - 1])
        self.chosen_, self.tree_, self.ranks_ = chosen, tree, _used(ranks, tree)
        self.score_ = 100.0 * smoothed(tree, chosen.shrinkage)
        self.candidates_ = [feature.attribute for feature in self.features]
        dropped = np.flatnonzero(~usable)
        self.dropped_ = [self.features[place].attribute for place in dropped]
        self.drivers_ = self._drivers()
        self._explain()
        report(total)
        return self

    def narrowed(self) -> Self:
        """Return the same tree over the features that it splits by: ``x`` has only their columns.

        The features keep their order, so what is decided between equals by place stays so.
        """
        used = np.unique(self.tree_.feature[self.tree_.splits])
        narrow = copy(self)
        narrow.features = tuple(self.features[place] for place in used)
        narrow.tree_ = replace(self.tree_, feature=_moved(self.tree_.feature, used))
        narrow.leaf_places_ = _moved(self.leaf_places_, used)
        narrow.ranks_ = {
            new: self.ranks_[place] for new, place in enumerate(used) if place in self.ranks_
        }
        return narrow

    def predict(self, x: Floats) -> Floats:
        """Return the index of each row of ``x``, 0–100, never NaN."""
        score: Floats = self.score_.take(self.apply(x))
        return score

    def apply(self, x: Floats) -> NDArray[np.int32]:
        """Return the leaf of each row, a node of ``tree_``."""
        return self.tree_.apply(x, self.ranks_)

    def reasons(self, x: Floats) -> NDArray[np.int16]:
        """Return rows × 3 positions in ``reasons_``: what moved the score on the way to the leaf.

        A split moves the score from the node's to the child's (Saabas 2014); the parts of one
        attribute are added, its conditions merged into one range. Of an unseen code nothing is
        said.
        """
        leaves = self.apply(x)
        found = self.leaf_reasons_.take(leaves, axis=0)
        for place in np.unique(self.leaf_places_[self.leaf_places_ >= 0]):
            column = x[:, place]
            unknown = ~np.isfinite(column)
            unseen = unknown
            if place in self.ranks_:
                ranks = self.ranks_[int(place)]
                codes = np.where(unknown, len(ranks) - 1, column).astype(np.intp)
                unseen = np.isnan(ranks.take(codes))
            rows = np.flatnonzero(unseen)
            if len(rows):
                of_it = self.leaf_places_.take(leaves[rows], axis=0) == place
                told = self.unknown_reasons_.take(leaves[rows], axis=0)
                told = np.where(unknown[rows, None], told, np.int16(NONE))
                found[rows] = _closed_up(np.where(of_it, told, found[rows]))
        return found

    def spans(self, node: int) -> dict[int, Span]:
        """Return what the path to ``node`` says, by feature in the order of their first split."""
        parents, path = self.tree_.parents, [node]
        while path[-1] != 0:
            path.append(int(parents[path[-1]]))
        spans: dict[int, Span] = {}
        for parent, child in zip(path[:0:-1], path[-2::-1], strict=True):
            place, cut = int(self.tree_.feature[parent]), float(self.tree_.threshold[parent])
            span, left = spans.get(place, Span()), child == self.tree_.left[parent]
            unknown = span.unknown and bool(self.tree_.null_left[parent]) == left
            low, high = (span.low, min(span.high, cut)) if left else (max(span.low, cut), span.high)
            spans[place] = Span(low, high, unknown)
        return spans

    def codes(self, place: int, span: Span) -> tuple[str, ...]:
        """Return the codes of a category whose ranks lie within ``span``, in their own order."""
        categories, ranks = self.features[place].categories or (), self.ranks_[place]
        within = (ranks >= span.low) & (ranks < span.high)
        return tuple(code for code, inside in zip(categories, within, strict=False) if inside)

    # --- choosing --------------------------------------------------------------------------------

    def _choose(self, x: Floats, y: NDArray[np.bool_], report: Callable[[int], None]) -> Chosen:
        """Return the settings of least held-out loss; of equals the first, the smallest tree."""
        shape = (len(LEAST_SHARES), len(SHRINKAGES), self.most_leaves)
        losses = np.zeros((self.folds, *shape))
        folds = StratifiedKFold(self.folds, shuffle=True, random_state=self.seed)
        for fold, (fitting, held) in enumerate(folds.split(x, y)):
            ranks = ranks_of(x[fitting], y[fitting], self.features)
            rows = encode(x[fitting], ranks)
            for place, share in enumerate(LEAST_SHARES):
                tree = grow(rows, y[fitting], _least(share, len(fitting)), self.seed)
                there = counts(tree, tree.apply(x[held], ranks), y[held])
                losses[fold, place] = _losses(tree, *there, self.most_leaves)
                report(fold * len(LEAST_SHARES) + place + 1)
        total = losses.sum(axis=0)
        best = np.unravel_index(int(np.argmin(total)), shape)
        share, shrinkage, leaves = (int(place) for place in best)
        gains = losses[:, share, shrinkage, 0] - losses[:, share, shrinkage, leaves]
        if gains.mean() <= SURE * gains.std(ddof=1) / np.sqrt(self.folds):
            raise NotEstimable("nothing_predicts", candidates=len(self.features))
        loss = float(total.min() / len(y))
        return Chosen(LEAST_SHARES[share], SHRINKAGES[shrinkage], leaves + 1, loss)

    def _drivers(self) -> dict[str, float]:
        tree = self.tree_
        rate = tree.positives / tree.n
        risk = tree.n * rate * (1 - rate)
        shares = np.zeros(len(self.features))
        for node in tree.splits:
            removed = risk[node] - risk[tree.left[node]] - risk[tree.right[node]]
            shares[tree.feature[node]] += removed
        order = np.argsort(-shares, kind="stable")
        total = shares.sum()
        return {
            self.features[place].attribute: float(shares[place] / total)
            for place in order
            if shares[place] > 0
        }

    # --- explaining ------------------------------------------------------------------------------

    def _explain(self) -> None:
        """Learn per leaf its strongest attributes, what to say of each, and what of an unknown."""
        shape = (len(self.tree_.left), STRONGEST)
        self.reasons_: list[Reason] = []
        self.leaf_reasons_ = np.full(shape, NONE, dtype=np.int16)
        self.unknown_reasons_ = np.full(shape, NONE, dtype=np.int16)
        self.leaf_places_ = np.full(shape, NONE, dtype=np.int16)
        known: dict[Reason, int] = {}
        for leaf in self.tree_.leaves:
            moves = self._moves(int(leaf))
            spans = self.spans(int(leaf))
            strongest = sorted((p for p in moves if moves[p]), key=lambda p: (-abs(moves[p]), p))
            for slot, place in enumerate(strongest[:STRONGEST]):
                raises = moves[place] > 0
                unknown = Reason(self.features[place].attribute, missing=True, raises=raises)
                told = self._reason(place, spans[place], raises) or unknown
                self.leaf_places_[leaf, slot] = place
                self.leaf_reasons_[leaf, slot] = known.setdefault(told, len(known))
                if spans[place].unknown:
                    self.unknown_reasons_[leaf, slot] = known.setdefault(unknown, len(known))
        self.reasons_ = list(known)

    def _moves(self, leaf: int) -> dict[int, float]:
        """Return how far each attribute moved the score on the path from the root."""
        moves: dict[int, float] = {}
        parents, node = self.tree_.parents, leaf
        while node != 0:
            parent = int(parents[node])
            place = int(self.tree_.feature[parent])
            moves[place] = moves.get(place, 0.0) + float(self.score_[node] - self.score_[parent])
            node = parent
        return moves

    def _reason(self, place: int, span: Span, raises: bool) -> Reason | None:
        """Return the reason of a known value; None when none comes here."""
        feature = self.features[place]
        if feature.categories is not None:
            codes = self.codes(place, span)
            return Reason(feature.attribute, codes=codes, raises=raises) if codes else None
        if span.low == inf or span.high == -inf:
            return None
        return Reason(feature.attribute, span.low, span.high, raises=raises)


def _check(y: NDArray[np.bool_]) -> None:
    positives = int(y.sum())
    if not len(y):
        raise NotEstimable("no_rows")
    if positives in (0, len(y)):
        raise NotEstimable("one_class", rows=len(y))
    if min(positives, len(y) - positives) < LEAST_POSITIVES:
        raise NotEstimable(
            "too_few_outcomes", least=LEAST_POSITIVES, positives=positives, rows=len(y)
        )


def _usable(x: Floats) -> NDArray[np.bool_]:
    """Return which columns have two values at least, or one and the unknown."""
    usable = np.zeros(x.shape[1], dtype=bool)
    for place, column in enumerate(x.T):
        known = column[np.isfinite(column)]
        varies = len(known) > 0 and bool((known != known[0]).any())
        usable[place] = varies or 0 < len(known) < len(column)
    return usable


def _some(y: NDArray[np.bool_], seed: int) -> NDArray[np.intp]:
    """Return rows enough to choose settings on, in their order."""
    rarer = min(int(y.sum()), len(y) - int(y.sum()))
    enough = max(CHOOSING_ROWS, int(np.ceil(CHOOSING_OUTCOMES * len(y) / rarer)))
    if enough >= len(y):
        return np.arange(len(y))
    return np.sort(np.random.default_rng(seed).choice(len(y), enough, replace=False))


def _least(share: float, rows: int) -> int:
    return max(LEAST_LEAF, int(np.ceil(share * rows)))


def _losses(
    tree: Tree, n: NDArray[np.int64], positives: NDArray[np.int64], most: int
) -> NDArray[np.float64]:
    """Return the log loss of held-out rows: shrinkages × numbers of leaves, 1 to ``most``.

    The tree of k + 1 leaves differs from that of k by one split; the losses add up.
    """
    splits = np.array(worth(tree)[: most - 1], dtype=np.intp)
    losses = np.empty((len(SHRINKAGES), most))
    for place, shrinkage in enumerate(SHRINKAGES):
        share = np.clip(smoothed(tree, shrinkage), SUREST, 1 - SUREST)
        loss = -(positives * np.log(share) + (n - positives) * np.log1p(-share))
        change = loss[tree.left[splits]] + loss[tree.right[splits]] - loss[splits]
        path = loss[0] + np.concatenate([[0.0], np.cumsum(change)])
        losses[place] = np.append(path, np.full(most - len(path), path[-1]))
    return losses


def _used(ranks: dict[int, Floats], tree: Tree) -> dict[int, Floats]:
    used = set(tree.feature.tolist())
    return {place: codes for place, codes in ranks.items() if place in used}


def _moved(places: NDArray[np.int16], used: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return places among all features as places among those used; LEAF and NONE stay."""
    moved = np.where(places < 0, places, np.searchsorted(used, places))
    return moved.astype(np.int16)


def _closed_up(reasons: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the rows with what is said first and NONE after it."""
    order = np.argsort(reasons == NONE, axis=1, kind="stable")
    return np.take_along_axis(reasons, order, axis=1)
